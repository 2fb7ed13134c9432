"""Tests for imgfeat/evaluation/metrics/_evaluate.py."""

import numpy as np
import pytest
from sklearn import metrics
from sklearn.base import BaseEstimator, ClassifierMixin

from imgfeat import evaluate


class Oracle(ClassifierMixin, BaseEstimator):
    """Predicts the numbers it is given; each row of X is a row of probabilities."""

    def __init__(self, classes):
        self.classes = classes

    @property
    def classes_(self):
        return np.asarray(self.classes)

    def predict_proba(self, X):
        return np.asarray(X, dtype=float)

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


PROBA = [[0.9, 0.1, 0], [0.2, 0.8, 0], [0.6, 0.4, 0], [0.3, 0, 0.7], [0, 0.1, 0.9]]
TRUE = np.array(["ant", "bee", "bee", "fly", "ant"])


@pytest.fixture
def evaluation():
    return evaluate(Oracle(["ant", "bee", "fly"]), PROBA, TRUE)


def test_metrics_are_scikit_learns(evaluation):
    predicted = ["ant", "bee", "ant", "fly", "fly"]
    expected = {
        "accuracy": metrics.accuracy_score(TRUE, predicted),
        "balanced_accuracy": metrics.balanced_accuracy_score(TRUE, predicted),
        "precision_macro": metrics.precision_score(TRUE, predicted, average="macro"),
        "recall_macro": metrics.recall_score(TRUE, predicted, average="macro"),
        "f1_macro": metrics.f1_score(TRUE, predicted, average="macro"),
        "log_loss": metrics.log_loss(TRUE, PROBA),
        "n_images": 5,
    }
    found = evaluation.metrics[list(expected)].to_dict()
    assert found == pytest.approx(expected)


def test_confusion_counts_true_rows_and_predicted_columns(evaluation):
    assert evaluation.confusion.to_numpy().tolist() == [[1, 0, 1], [1, 1, 0], [0, 0, 1]]
    assert evaluation.confusion.loc["bee", "ant"] == 1


def test_mistakes_come_surest_first_and_keep_their_row(evaluation):
    assert evaluation.mistakes.index.tolist() == [4, 2]
    assert evaluation.mistakes["predicted"].tolist() == ["fly", "ant"]
    assert evaluation.mistakes["probability"].tolist() == [0.9, 0.6]


def test_per_class_counts_images(evaluation):
    assert evaluation.per_class["n_images"].to_dict() == {"ant": 2, "bee": 2, "fly": 1}


def test_target_names_name_integer_labels():
    codes = np.array([0, 1, 1, 2, 0])
    evaluation = evaluate(Oracle([0, 1, 2]), PROBA, codes, target_names=["x", "y", "z"])
    assert evaluation.predictions["true"].tolist() == ["x", "y", "y", "z", "x"]


@pytest.mark.parametrize(
    "classes, names, message",
    [
        ([-1, 0, 1], ["x", "y", "z"], "target_names name integer labels 0, 1, 2"),
        ([0, 1, 2], ["x", "y"], "target_names name integer labels 0, 1, 2"),
        ([0, 1, 2], ["x", "y", "y"], "target_names must differ. Got 'y' twice"),
        ([0, 1, 2], "xyz", "target_names must be a list of names. Got 'xyz'"),
    ],
)
def test_target_names_that_name_other_labels_are_refused(classes, names, message):
    with pytest.raises(ValueError, match=message):
        evaluate(Oracle(classes), PROBA[:1], classes[:1], target_names=names)


@pytest.mark.parametrize("option", [{"top_k": 2.5}, {"n_resamples": 0}, {"level": 1}])
def test_numbers_that_cannot_be_are_refused(option):
    with pytest.raises(ValueError, match="whole top_k and n_resamples of at least 1"):
        evaluate(Oracle([0, 1, 2]), PROBA[:1], [0], **option)


def test_class_absent_from_the_images_is_not_a_fault():
    evaluation = evaluate(Oracle(["ant", "bee", "fly"]), PROBA[:3], TRUE[:3])
    assert evaluation.metrics["recall_macro"] == pytest.approx(0.75)


def test_estimator_without_probabilities_gives_nan():
    class Plain(Oracle):
        predict_proba = property()

        def predict(self, X):
            return self.classes_[np.asarray(X).argmax(axis=1)]

    evaluation = evaluate(Plain(["ant", "bee", "fly"]), PROBA, TRUE)
    assert np.isnan(evaluation.metrics["log_loss"])
    assert evaluation.mistakes["probability"].isna().all()


def test_label_never_seen_is_refused():
    with pytest.raises(ValueError, match=r"fitted on \('ant', 'bee'\). Got 'fly'"):
        evaluate(Oracle(["ant", "bee"]), PROBA, TRUE)


def test_labels_of_another_length_are_refused():
    with pytest.raises(ValueError, match=r"Got 5 images and labels of shape \(3,\)"):
        evaluate(Oracle(["ant", "bee", "fly"]), PROBA, TRUE[:3])


def test_numbers_are_never_taken_for_text():
    with pytest.raises(ValueError, match=r"fitted on \('0', '1', '2'\). Got 0, 1"):
        evaluate(Oracle(["0", "1", "2"]), PROBA, [0, 1, 1, 2, 0])


def test_classes_in_any_order_are_told_apart():
    evaluation = evaluate(
        Oracle(["fly", "ant", "bee"]), np.roll(PROBA, 1, axis=1), TRUE
    )
    assert evaluation.metrics["accuracy"] == 0.6
    assert evaluation.confusion.loc["bee", "ant"] == 1


def test_predictions_of_no_class_are_refused():
    class Stranger(Oracle):
        def predict(self, X):
            return np.array(["wasp"] * len(X))

    with pytest.raises(ValueError, match="its classes_ do not fit its predict"):
        evaluate(Stranger(["ant", "bee", "fly"]), PROBA, TRUE)


@pytest.mark.parametrize(
    ("proba", "message"),
    [(np.full((5, 2), 0.5), r"shape \(5, 3\)"), (np.full((5, 3), np.nan), "finite")],
)
def test_probabilities_that_cannot_be_are_refused(proba, message):
    class Broken(Oracle):
        def predict_proba(self, X):
            return proba

        def predict(self, X):
            return np.array(["ant"] * len(X))

    with pytest.raises(ValueError, match=message):
        evaluate(Broken(["ant", "bee", "fly"]), PROBA, TRUE)


def test_labels_never_seen_are_a_table_on_request():
    evaluation = evaluate(Oracle(["ant", "bee", "cow"]), PROBA, TRUE, unknown="table")
    table = evaluation.unmatched
    assert table.to_dict("index") == {
        "cow": {"in": "model", "n_images": 0, "n_predicted": 2},
        "fly": {"in": "images", "n_images": 1, "n_predicted": 0},
    }
    assert evaluation.metrics["accuracy"] == pytest.approx(2 / 5)
    assert 3 in evaluation.mistakes.index
    assert evaluation.per_class.loc["fly", "n_images"] == 1
    assert evaluation.metrics["log_loss"] > 5


def test_groups_are_scored_the_worst_first():
    groups = np.array(["a", "a", "b", "a", "b"])
    table = evaluate(
        Oracle(["ant", "bee", "fly"]), PROBA, TRUE, groups=groups
    ).per_group
    assert table["accuracy"].to_dict() == {"b": 0.0, "a": 1.0}
    assert (table["low"] <= table["accuracy"]).all()
    assert (table["accuracy"] <= table["high"]).all()
    assert table["n_images"].tolist() == [2, 3]


def test_groups_of_another_length_are_refused():
    with pytest.raises(
        ValueError, match=r"one group an image. Got 5 images and groups"
    ):
        evaluate(Oracle(["ant", "bee", "fly"]), PROBA, TRUE, groups=["a", "b"])


def test_a_word_for_unknown_that_is_none_is_refused():
    with pytest.raises(ValueError, match=r"unknown is 'raise' or 'table'. Got 'drop'"):
        evaluate(Oracle(["ant", "bee", "fly"]), PROBA, TRUE, unknown="drop")


def test_no_images_are_refused():
    with pytest.raises(ValueError, match=r"at least one image. Got none"):
        evaluate(Oracle(["ant", "bee"]), np.empty((0, 2)), [])
