"""Tests for imgfeat/estimators/_linear_form.py."""

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression, Perceptron, RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    PolynomialFeatures,
    RobustScaler,
    StandardScaler,
)
from sklearn.svm import SVC, LinearSVC

from imgfeat.estimators import LinearProbe, RidgeProbe, RowSpace
from imgfeat.estimators._linear_form import (
    NotLinearError,
    linear_form,
    mean_features,
)
from imgfeat.estimators._plain_steps import list_steps

X, y = load_iris(return_X_y=True)
TWO = y < 2
CALIBRATED = CalibratedClassifierCV(make_pipeline(StandardScaler(), LinearSVC()), cv=3)

TRANSFORMERS = [
    StandardScaler(),
    StandardScaler(with_mean=False),
    StandardScaler(with_std=False),
    RobustScaler(),
    RobustScaler(with_centering=False),
    MinMaxScaler((-1, 3)),
    MaxAbsScaler(),
    PCA(3),
    PCA(3, whiten=True),
    TruncatedSVD(2, random_state=0),
    SelectKBest(k=2),
    Normalizer(),
    Normalizer("l1"),
    Normalizer("max"),
    RowSpace(),
    "passthrough",
]
HEADS = [
    LogisticRegression(),
    LinearSVC(),
    RidgeClassifier(),
    Perceptron(),
    LinearDiscriminantAnalysis(),
    LinearProbe("svm"),
    RidgeProbe(),
    GridSearchCV(LogisticRegression(), {"C": [0.1, 1]}, cv=3),
]


def assert_is_the_decision(pipeline, X, y):
    pipeline.fit(X, y)
    values = pipeline.decision_function(X)
    steps = list_steps(pipeline)
    n_classes = len(np.unique(y))
    for column in range(n_classes):
        columns = np.full(len(X), column)
        slopes, constants = linear_form(steps, X, columns)
        found = (slopes * X).sum(axis=1) + constants
        if n_classes == 2:
            expected = values if column == 1 else -values
        else:
            expected = values[:, column]
        np.testing.assert_allclose(found, expected, atol=1e-9)


@pytest.mark.parametrize("transformer", TRANSFORMERS, ids=str)
def test_transformers_are_written_as_sums(transformer):
    assert_is_the_decision(
        make_pipeline(transformer, StandardScaler(), LogisticRegression()), X, y
    )


@pytest.mark.parametrize("head", HEADS, ids=lambda head: type(head).__name__)
def test_classifiers_of_three_classes_and_of_two(head):
    assert_is_the_decision(make_pipeline(StandardScaler(), head), X, y)
    assert_is_the_decision(make_pipeline(StandardScaler(), head), X[TWO], y[TWO])


def test_rows_that_are_fewer_than_features_are_rotated_back():
    wide = np.random.default_rng(0).standard_normal((9, 30))
    head = LogisticRegression()
    assert_is_the_decision(make_pipeline(RowSpace(), head), wide, np.arange(9) % 3)


def test_a_calibration_is_the_mean_of_its_classifiers():
    model = CALIBRATED.fit(X, y)
    slopes, constants = linear_form([model], X, y)
    expected = np.mean(
        [one.estimator.decision_function(X) for one in model.calibrated_classifiers_],
        axis=0,
    )
    found = (slopes * X).sum(axis=1) + constants
    np.testing.assert_allclose(found, expected[np.arange(len(y)), y], atol=1e-9)


@pytest.mark.parametrize(
    ("steps", "name"),
    [
        ([PolynomialFeatures(), LinearDiscriminantAnalysis()], "PolynomialFeatures"),
        ([StandardScaler(), SVC()], "SVC"),
        ([StandardScaler(), SVC(kernel="linear")], "SVC"),
        ([MinMaxScaler(clip=True), LogisticRegression()], r"MinMaxScaler\(clip=True\)"),
    ],
)
def test_what_is_not_linear_is_named(steps, name):
    pipeline = make_pipeline(*steps).fit(X, y)
    with pytest.raises(NotLinearError, match=f"{name} is not linear"):
        linear_form(list_steps(pipeline), X[:1], np.array([0]))


def test_the_mean_is_what_the_first_step_knows():
    scaler = StandardScaler().fit(X)
    assert mean_features([scaler], 4).tolist() == X.mean(axis=0).tolist()
    assert mean_features([Normalizer()], 4).tolist() == [0, 0, 0, 0]
