"""Tests for imgfeat/evaluation/comparison/_fold_answers.py."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import make_multilabel_classification
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier, KFold, cross_val_predict

from imgfeat import compare
from imgfeat.estimators import LabelThresholds, RidgeProbe

X, Y = make_multilabel_classification(120, 10, n_classes=3, n_labels=1, random_state=3)
FOLDS = list(KFold(3).split(X))
BOUNDS = [0.2, 0.5, 0.7]


class Unsure(ClassifierMixin, BaseEstimator):
    """Gives its unknown label to what is likely neither of two classes."""

    def fit(self, X, y):
        self.inner_ = LogisticRegression().fit(X, y)
        self.classes_, self.unknown_label_ = self.inner_.classes_, "neither"
        return self

    def predict_proba(self, X):
        return self.inner_.predict_proba(X)

    def predict(self, X):
        unsure = self.predict_proba(X).max(axis=1) < 0.6
        return np.where(unsure, "neither", self.inner_.predict(X))


class Strange(Unsure):
    """Predicts a label that it says nothing of."""

    def fit(self, X, y):
        super().fit(X, y)
        del self.unknown_label_
        return self


@pytest.mark.parametrize("again", [False, True], ids=["anew", "kept"])
def test_thresholds_of_several_labels_decide(tmp_path, again):
    model = LabelThresholds(RidgeProbe(), BOUNDS)
    candidates = {"tuned": model, "half": RidgeProbe()}
    for _ in range(1 + again):
        found = compare(candidates, X, Y, cv=FOLDS, cache=False, keep=tmp_path)
    evaluation = found.evaluate("tuned")
    expected = cross_val_predict(model, X, Y, cv=FOLDS)
    assert np.array_equal(evaluation._outcome.predicted, expected == 1)
    accuracy = found.table.loc["tuned", "mean_test_accuracy"]
    assert evaluation.metrics["accuracy"] == pytest.approx(accuracy)
    assert not np.array_equal(expected, cross_val_predict(RidgeProbe(), X, Y, cv=FOLDS))
    wrong = (expected != Y).any(axis=1)
    wrong &= (found.evaluate("half")._outcome.predicted != Y).any(axis=1)
    assert sorted(found.shared_mistakes().index) == np.flatnonzero(wrong).tolist()


def test_the_threshold_of_two_classes_decides():
    model = FixedThresholdClassifier(LogisticRegression(), threshold=0.3, pos_label="b")
    y = np.array(["a", "b"])[Y[:, 0]]
    found = compare({"low": model}, X, y, cv=FOLDS, cache=False)
    evaluation = found.evaluate("low")
    expected = cross_val_predict(model, X, y, cv=FOLDS)
    assert evaluation.predictions["predicted"].tolist() == expected.tolist()
    assert (
        expected != np.array(["a", "b"])[found.probabilities["low"].argmax(1)]
    ).any()
    sure = evaluation.predictions["probability"]
    mistakes = found.shared_mistakes()
    assert sorted(mistakes.index) == np.flatnonzero(expected != y).tolist()
    assert mistakes["probability"].tolist() == pytest.approx(sure[mistakes.index])


def test_images_of_no_class_are_told_as_such():
    y = np.array(["a", "b"])[Y[:, 0]]
    found = compare({"unsure": Unsure()}, X, y, cv=FOLDS, cache=False)
    evaluation = found.evaluate("unsure")
    expected = cross_val_predict(Unsure(), X, y, cv=FOLDS)
    assert evaluation.predictions["predicted"].tolist() == expected.tolist()
    mistakes = found.shared_mistakes()
    of_none = mistakes["predicted"] == "neither"
    assert of_none.sum() == (expected == "neither").sum() > 0
    assert mistakes["probability"].isna().tolist() == of_none.tolist()


def test_predictions_that_are_no_class_are_a_failure_with_its_reason():
    y = np.array(["a", "b"])[Y[:, 0]]
    candidates = {"strange": Strange(), "plain": LogisticRegression()}
    found = compare(candidates, X, y, cv=FOLDS, cache=False)
    reason = found.errors["reason"].iloc[0]
    assert "among 2 classes" in reason and "Got 'neither'" in reason
    assert list(found.probabilities) == ["plain"]
