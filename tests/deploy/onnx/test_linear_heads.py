"""Tests for imgfeat/deploy/onnx/_linear_heads.py."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import (
    LogisticRegression,
    LogisticRegressionCV,
    Perceptron,
    RidgeClassifier,
    RidgeClassifierCV,
    SGDClassifier,
)
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from imgfeat.deploy.onnx._unportable import NotPortableError
from imgfeat.estimators import LinearProbe, PrototypeClassifier, RidgeProbe
from tests.deploy.onnx._graphs import assert_says_the_same, draw_rows, run_classifier

pytestmark = pytest.mark.onnx

HEADS = [
    LinearProbe(),
    LinearProbe("svm", [0.1, 1.0]),
    PrototypeClassifier(),
    RidgeProbe(),
    LogisticRegression(),
    LogisticRegressionCV(Cs=2, cv=2),
    RidgeClassifier(),
    RidgeClassifierCV(),
    Perceptron(),
    LinearSVC(),
    LinearDiscriminantAnalysis(),
    SGDClassifier(random_state=0),
    SGDClassifier(loss="log_loss", alpha=1.0, random_state=0),
    make_pipeline(StandardScaler(), LogisticRegression()),
    GridSearchCV(LinearSVC(), {"C": [0.1, 1.0]}, cv=2),
]


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("head", HEADS, ids=str)
@pytest.mark.filterwarnings("ignore::FutureWarning")  # of defaults to come
def test_head_says_the_same(head, n_classes):
    X, y = draw_rows(n_classes)
    assert_says_the_same(head.fit(X, y), X)


def test_frozen_heads_answer_for_themselves():
    X, y = draw_rows(3)
    assert_says_the_same(FrozenEstimator(LinearSVC().fit(X, y)), X)


def test_rows_without_any_share_are_even():
    X, y = draw_rows(3)
    head = SGDClassifier(loss="log_loss", random_state=0).fit(X, y)
    head.coef_[:], head.intercept_[:] = 0, -800  # shares that are zero in float64
    assert_allclose(run_classifier(head, X[:2])[2], 1 / 3)


def test_labels_are_indices_of_classes():
    X, y = draw_rows(3)
    head = LogisticRegression().fit(X, np.array(["b", "c", "a"])[y])
    labels = run_classifier(head, X)[0]
    assert_array_equal(head.classes_[labels], head.predict(X))


def test_other_probabilities_of_sgd_are_refused():
    X, y = draw_rows(2)
    head = SGDClassifier(loss="modified_huber", random_state=0).fit(X, y)
    with pytest.raises(NotPortableError, match="put CalibratedClassifierCV around"):
        run_classifier(head, X)
