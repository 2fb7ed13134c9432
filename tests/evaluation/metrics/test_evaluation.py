"""Tests for imgfeat/evaluation/metrics/_evaluation.py."""

import matplotlib
import numpy as np
import pytest
from sklearn import metrics

from imgfeat import evaluate
from imgfeat.evaluation import Evaluation
from tests.evaluation.metrics.test_evaluate import PROBA, TRUE, Oracle
from tests.evaluation.metrics.test_scores import blobs, random_case

matplotlib.use("Agg")
CLASSES = ["ant", "bee", "fly"]


@pytest.fixture
def evaluation():
    return evaluate(Oracle(CLASSES), PROBA, TRUE)


class Mute(Oracle):
    """Has neither probabilities nor decision values."""

    predict_proba = property()

    def predict(self, X):
        return self.classes_[np.asarray(X).argmax(axis=1)]


def test_evaluation_is_exported(evaluation):
    assert isinstance(evaluation, Evaluation)
    assert repr(evaluation) == "Evaluation of 5 images: accuracy 0.600, 2 mistakes"


def test_values_stand_beside_their_intervals(evaluation):
    table = evaluation.metrics_table
    assert table.columns.tolist() == ["value", "low", "high", "n_resamples"]
    values = evaluation.metrics.drop("n_images")
    assert table["value"].to_dict() == pytest.approx(values.to_dict(), nan_ok=True)


def test_shares_are_of_the_true_class(evaluation):
    assert evaluation.confusion_shares.loc["bee"].tolist() == [0.5, 0.5, 0]


def test_most_confused_is_sorted_by_count():
    proba = np.eye(3)[[0, 1, 1, 1, 2]]
    true = np.array(["ant", "ant", "ant", "bee", "ant"])
    evaluation = evaluate(Oracle(CLASSES), proba, true)
    pairs = evaluation.most_confused()
    assert pairs["predicted"].tolist() == ["bee", "fly"]
    assert pairs["n_images"].tolist() == [2, 1]
    assert pairs["share"].tolist() == [0.5, 0.25]
    assert len(evaluation.most_confused(min_count=2)) == 1


def test_top_mistakes_come_with_their_loss(evaluation):
    table = evaluation.top_mistakes(1)
    assert table.index.tolist() == [4]
    assert table["loss"].iloc[0] == pytest.approx(-np.log(np.finfo(float).eps))
    columns = ["image", "true", "predicted", "probability", "loss"]
    assert table.columns.tolist() == columns


@pytest.mark.parametrize("n", [-1, 2.5, "all"])
def test_top_mistakes_are_a_number_of_rows(evaluation, n):
    with pytest.raises(ValueError, match=r"needs n, the number of rows to list.*Got"):
        evaluation.top_mistakes(n)


def test_top_mistakes_without_probabilities_have_no_loss():
    table = evaluate(Mute(CLASSES), PROBA, TRUE).top_mistakes()
    assert table.index.tolist() == [2, 4]
    assert table["loss"].isna().all()


def test_no_mistakes_are_no_rows_and_no_fault():
    evaluation = evaluate(Oracle(CLASSES), np.eye(3), CLASSES)
    assert len(evaluation.most_confused()) == len(evaluation.top_mistakes()) == 0
    assert "no mistakes" in evaluation._repr_html_()


@pytest.mark.parametrize(
    "what", ["reliability", "coverage", "thresholds", "sensitivity_at"]
)
def test_what_needs_scores_says_so(what):
    with pytest.raises(ValueError, match=f"{what} needs probabilities"):
        getattr(evaluate(Mute(CLASSES), PROBA, TRUE), what)()


def test_thresholds_are_for_two_classes(evaluation):
    with pytest.raises(ValueError, match=r"thresholds needs two classes. Got 3"):
        evaluation.thresholds()


def test_thresholds_are_scikit_learns_curves():
    proba, true = random_case(0, 2, 80)
    table = evaluate(Oracle([0, 1]), proba, true).thresholds()
    for row in table.to_dict("records"):
        found = proba[:, 1] >= row["threshold"]
        assert row["recall"] == pytest.approx(metrics.recall_score(true, found))
        assert row["precision"] == pytest.approx(metrics.precision_score(true, found))
        assert row["f1"] == pytest.approx(metrics.f1_score(true, found))
        balanced = metrics.balanced_accuracy_score(true, found)
        assert row["balanced_accuracy"] == pytest.approx(balanced)


@pytest.mark.parametrize("plot", ["confusion", "reliability", "coverage"])
def test_plots_take_axes_or_make_them(plot):
    from matplotlib import pyplot as plt

    X, y = blobs(3)
    shares = np.exp(X[:, :3]) / np.exp(X[:, :3]).sum(axis=1, keepdims=True)
    draw = getattr(evaluate(Oracle([0, 1, 2]), shares, y), f"plot_{plot}")
    _, ax = plt.subplots()
    assert draw(ax) is ax
    assert draw() is not ax
    plt.close("all")


def test_html_of_a_notebook_is_escaped():
    names = ["<script>alert(1)</script>", "b&b", "c"]
    evaluation = evaluate(Oracle([0, 1, 2]), PROBA, [0, 1, 1, 2, 0], target_names=names)
    shown = evaluation._repr_html_()
    assert "<script>" not in shown and "&lt;script&gt;" in shown
