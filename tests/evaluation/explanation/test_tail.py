"""Tests for imgfeat/evaluation/explanation/_tail.py and _kernel_slopes.py."""

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer, StandardScaler
from sklearn.svm import SVC, NuSVC

from imgfeat.estimators._plain_steps import list_steps
from imgfeat.evaluation.explanation._kernel_slopes import kernel_slopes
from imgfeat.evaluation.explanation._tail import Tail

X, y = load_iris(return_X_y=True)
TWO = y > 0  # two classes that overlap
ROWS = X[TWO][::7]


def tail_of(*steps, rows=TWO):
    return Tail(list_steps(make_pipeline(*steps).fit(X[rows], y[rows])))


def differences(tail, row, column, step=1e-5):
    found = []
    for moved in step * np.eye(len(row)):
        ends = np.stack([row + moved, row - moved])
        found.append(np.diff(tail._decide(ends, column)[::-1])[0] / (2 * step))
    return np.array(found)


@pytest.mark.parametrize("head", [SVC(), SVC(gamma=0.3), NuSVC()], ids=str)
@pytest.mark.parametrize("column", [0, 1])
def test_slopes_of_a_kernel_are_its_derivatives(head, column):
    tail = tail_of(StandardScaler(), PCA(3, whiten=True), head)
    for row in ROWS[:4]:
        found = kernel_slopes(tail.steps, row, column)
        np.testing.assert_allclose(found, differences(tail, row, column), atol=1e-6)


@pytest.mark.parametrize(
    "steps",
    [[SVC(kernel="poly")], [Normalizer(), SVC()], [LogisticRegression()]],
    ids=["another kernel", "a length", "no kernel"],
)
def test_others_have_no_formula(steps):
    assert kernel_slopes(tail_of(*steps).steps, ROWS[0], 1) is None


@pytest.mark.parametrize("head", [SVC(), SVC(kernel="poly")], ids=str)
def test_mean_slopes_say_how_the_decision_came_from_that_of_the_mean(head):
    tail = tail_of(StandardScaler(), head)
    columns = np.ones(len(ROWS), dtype=int)
    slopes, constants, decisions = tail.form(ROWS, columns)
    mean = X[TWO].mean(axis=0)
    at_mean = tail._decide(mean[None], 1)
    gained = (slopes * (ROWS - mean)).sum(axis=1)
    np.testing.assert_allclose(gained, decisions - at_mean, atol=2e-3)
    np.testing.assert_allclose((slopes * ROWS).sum(axis=1) + constants, decisions)


def test_where_a_kernel_is_sure_its_own_slopes_point_back():
    # What is averaged for: one class on either side, and a row far out.
    X, y = np.array([[-1.0], [-1.2], [1.0], [1.2]]), [0, 0, 1, 1]
    tail = Tail([SVC(gamma=0.5, C=10).fit(X, y)])
    row = np.array([[2.5]])
    assert tail._decide(row, 1) > 0.3
    assert tail._slopes(row[0], 1)[0] < 0
    assert tail.form(row, np.array([1]))[0][0, 0] > 0


@pytest.mark.parametrize(
    ("head", "is_smooth"),
    [
        (SVC(), True),
        (SVC(kernel="sigmoid"), True),
        (GaussianProcessClassifier(), True),
        (RandomForestClassifier(50, random_state=0), False),
        (KNeighborsClassifier(), False),
    ],
    ids=str,
)
def test_steps_have_no_slopes(head, is_smooth):
    tail = tail_of(StandardScaler(), head)
    assert tail.is_smooth(ROWS[3]) == is_smooth
    assert not tail.is_linear(4)


def test_linear_steps_are_exact():
    tail = tail_of(StandardScaler(), LogisticRegression(), rows=y >= 0)
    assert tail.is_linear(4)
    columns = np.arange(len(ROWS)) % 3
    slopes, constants, decisions = tail.form(ROWS, columns)
    expected = tail._pipeline.decision_function(ROWS)
    np.testing.assert_allclose(decisions, expected[np.arange(len(ROWS)), columns])
    np.testing.assert_allclose((slopes * ROWS).sum(axis=1) + constants, decisions)
