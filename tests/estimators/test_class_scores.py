"""Tests for imgfeat/estimators/_class_scores.py."""

import numpy as np
import pytest
from sklearn.ensemble import VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC, LinearSVC

from imgfeat.estimators._class_scores import score_classes


def blobs(n_classes):
    rng = np.random.default_rng(0)
    y = np.arange(60) % n_classes
    return rng.normal(size=(60, 4)) + 2 * np.eye(n_classes, 4)[y], y


@pytest.mark.parametrize("n_classes", [2, 3, 4])
def test_the_predicted_class_has_the_highest_score(n_classes):
    X, y = blobs(n_classes)
    for model in (LogisticRegression(), LinearSVC(), SVC()):
        model.fit(X, y)
        for first in ("predict_proba", "decision_function"):
            scores = score_classes(model, X, "it", first=first)
            assert scores.shape == (60, n_classes) and scores.dtype == np.float64
            np.testing.assert_array_equal(scores.argmax(axis=1), model.predict(X))


def test_what_comes_first_is_what_was_asked_for():
    X, y = blobs(2)
    model = LogisticRegression().fit(X, y)
    np.testing.assert_array_equal(score_classes(model, X, "it"), model.predict_proba(X))
    decisions = score_classes(model, X, "it", first="decision_function")
    np.testing.assert_array_equal(decisions[:, 1], model.decision_function(X))
    np.testing.assert_array_equal(decisions[:, 0], -decisions[:, 1])


@pytest.mark.parametrize("n_classes", [3, 4])
def test_decisions_of_pairs_are_refused_however_many_there_are(n_classes):
    X, y = blobs(n_classes)
    pairs = SVC(decision_function_shape="ovo")
    for model in (pairs, make_pipeline(pairs), GridSearchCV(pairs, {"C": [1]}, cv=2)):
        with pytest.raises(ValueError, match=r"it needs a decision a class.*='ovr'"):
            score_classes(model.fit(X, y), X, "it")


def test_labels_alone_are_refused():
    X, y = blobs(2)
    model = VotingClassifier([("svc", LinearSVC())]).fit(X, y)
    with pytest.raises(
        ValueError, match=r"predict_proba or decision_function\. Got Vo"
    ):
        score_classes(model, X, "it")
