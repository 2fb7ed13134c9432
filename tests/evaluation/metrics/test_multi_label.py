"""Tests of evaluate on several labels an image: scikit-learn's numbers, and pages."""

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import metrics as sk
from sklearn.datasets import make_multilabel_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.neural_network import MLPClassifier

from imgfeat import evaluate
from imgfeat.estimators import LinearProbe, RidgeProbe
from imgfeat.estimators._label_thresholds import best_thresholds
from imgfeat.evaluation import MultiLabelEvaluation

X, Y = make_multilabel_classification(160, 10, n_classes=4, n_labels=2, random_state=3)
NAMES = ["brick", "grass", "gravel", "moss"]
TRAIN, TEST = np.arange(0, 160, 2), np.arange(1, 160, 2)
TABLE = pd.DataFrame(Y, columns=NAMES)


@pytest.fixture(scope="module")
def model():
    return LinearProbe(C=0.1).fit(X[TRAIN], TABLE.iloc[TRAIN])


@pytest.fixture(scope="module")
def found(model):
    return evaluate(model, X[TEST], TABLE.iloc[TEST], n_resamples=200)


def test_metrics_are_those_of_scikit_learn(model, found):
    true, said, shares = Y[TEST], model.predict(X[TEST]), model.predict_proba(X[TEST])
    expected = {
        "accuracy": sk.accuracy_score(true, said),
        "hamming_loss": sk.hamming_loss(true, said),
        "jaccard_macro": sk.jaccard_score(true, said, average="macro"),
        "jaccard_samples": sk.jaccard_score(
            true, said, average="samples", zero_division=1
        ),
        "f1_samples": sk.f1_score(true, said, average="samples", zero_division=1),
        "f1_weighted": sk.f1_score(true, said, average="weighted"),
        "roc_auc": sk.roc_auc_score(true, shares, average="macro"),
        "average_precision": sk.average_precision_score(true, shares, average="macro"),
        "log_loss": np.mean(
            [sk.log_loss(t, p) for t, p in zip(true.T, shares.T, strict=True)]
        ),
        "brier": np.mean(
            [sk.brier_score_loss(t, p) for t, p in zip(true.T, shares.T, strict=True)]
        ),
    }
    for how in ("micro", "macro"):
        three = sk.precision_recall_fscore_support(true, said, average=how)[:3]
        for name, value in zip(("precision", "recall", "f1"), three, strict=True):
            expected[f"{name}_{how}"] = value
    measured = found.metrics.drop("n_images")
    assert set(measured.index) == set(expected)
    assert_allclose(measured[list(expected)], list(expected.values()))
    assert found.metrics["n_images"] == len(TEST)


def test_tables_of_each_label_are_those_of_scikit_learn(model, found):
    true, said, shares = Y[TEST], model.predict(X[TEST]), model.predict_proba(X[TEST])
    boxes = sk.multilabel_confusion_matrix(true, said)
    columns = ["rightly_without", "false_alarms", "missed", "found"]
    assert_array_equal(found.confusion[columns], boxes.reshape(4, 4))
    each = sk.precision_recall_fscore_support(true, said)
    columns = ["precision", "recall", "f1", "n_images"]
    assert_allclose(found.per_class[columns], np.transpose(each))
    ranks = sk.average_precision_score(true, shares, average=None)
    assert_allclose(found.per_class["average_precision"], ranks)
    assert found.per_class.index.tolist() == NAMES


def test_macro_means_leave_out_labels_that_no_image_has_or_is_given():
    y = np.column_stack([Y[:, :3], np.arange(160) % 2 == 0])
    model = RidgeProbe().fit(X, y)
    rows = np.flatnonzero((y[:, 3] == 0) & (model.predict(X)[:, 3] == 0))
    assert len(rows) > 20
    measured = evaluate(model, X[rows], y[rows]).metrics
    scores = sk.f1_score(y[rows], model.predict(X[rows]), average=None, zero_division=0)
    assert measured["f1_macro"] == pytest.approx(scores[:3].mean())


def test_every_way_to_write_labels_gives_the_same(model, found):
    lists = [[n for n, has in zip(NAMES, row, strict=True) if has] for row in Y[TEST]]
    for y in (Y[TEST], Y[TEST].astype(bool), lists, TABLE.iloc[TEST][NAMES[::-1]]):
        again = evaluate(model, X[TEST], y)
        pd.testing.assert_series_equal(again.metrics, found.metrics)
    assert found.predictions["true"].tolist() == [tuple(names) for names in lists]


@pytest.mark.parametrize(
    "model",
    [
        OneVsRestClassifier(LogisticRegression()),
        MultiOutputClassifier(LogisticRegression()),
        RandomForestClassifier(10, random_state=0),
        RidgeClassifier(),
        MLPClassifier((8,), max_iter=20, random_state=0),
    ],
)
def test_classifiers_of_scikit_learn_are_evaluated(model):
    with warnings.catch_warnings(action="ignore"):  # of a short training
        model.fit(X[TRAIN], Y[TRAIN])
    found = evaluate(model, X[TEST], Y[TEST], target_names=NAMES)
    said = model.predict(X[TEST])
    assert found.metrics["f1_macro"] == pytest.approx(
        sk.f1_score(Y[TEST], said, average="macro")
    )
    assert found.per_class.index.tolist() == NAMES
    has_shares = hasattr(model, "predict_proba")
    assert found.ranked_by == ("probabilities" if has_shares else "decision values")
    assert np.isfinite(found.metrics["roc_auc"])


def test_intervals_hold_what_was_measured(found):
    table = found.metrics_table
    assert table["value"].notna().all()
    inside = (table["low"] <= table["value"]) & (table["value"] <= table["high"])
    assert inside.all()
    assert table.loc["f1_macro", "n_resamples"] == 200
    assert table.loc["accuracy", "n_resamples"] == 0  # Wilson's


def test_mistakes_come_by_loss_and_name_what_is_wrong(model, found):
    wrong = (model.predict(X[TEST]) != Y[TEST]).sum(axis=1)
    assert len(found.mistakes) == (wrong > 0).sum()
    assert found.mistakes["loss"].is_monotonic_decreasing
    assert_array_equal(found.mistakes["n_wrong"], wrong[found.mistakes.index])
    assert len(found.top_mistakes(3)) == 3


def test_thresholds_have_the_highest_f1_that_there_is(model, found):
    shares, true = model.predict_proba(X[TEST]), Y[TEST]
    table = found.thresholds()
    for place, name in enumerate(NAMES):
        every = [sk.f1_score(true[:, place], shares[:, place] >= t)
                 for t in np.unique(shares[:, place])]  # fmt: skip
        row = table.loc[name]
        assert row["f1"] == pytest.approx(max(every))
        said = shares[:, place] > row["threshold"]
        assert row["f1"] == pytest.approx(sk.f1_score(true[:, place], said))
        assert row["f1_at_half"] == pytest.approx(
            sk.f1_score(true[:, place], shares[:, place] > 0.5)
        )
        assert found.threshold_curve(name)["f1"].max() == pytest.approx(max(every))
    with pytest.raises(ValueError, match=r"needs one of the labels .* Got 'rust'"):
        found.threshold_curve("rust")


def test_a_label_without_images_has_no_threshold():
    scores, true = np.array([[0.2, 0.1], [0.2, 0.4]]), np.array([[1, 0], [1, 0]]) > 0
    found = best_thresholds(scores, true)
    assert found[0] < 0.2 and np.isnan(found[1])


def test_images_without_a_group_are_one_of_their_own(model):
    groups = np.where(np.arange(80) % 4, 1.0, np.nan)
    found = evaluate(model, X[TEST], Y[TEST], groups=groups).per_group
    assert sorted(found["n_images"]) == [20, 60]


def test_groups_have_scores_of_their_own(model):
    groups = np.where(np.arange(80) % 4, "a", "b")
    found = evaluate(model, X[TEST], Y[TEST], groups=groups).per_group
    for name, rows in (("a", groups == "a"), ("b", groups == "b")):
        said = model.predict(X[TEST][rows])
        expected = sk.f1_score(Y[TEST][rows], said, average="micro")
        assert found.loc[name, "f1_micro"] == pytest.approx(expected)


def test_a_page_has_labels_and_no_pairs(found, tmp_path):
    found.save_html(tmp_path / "page.html", n_pictures=2)
    page = (tmp_path / "page.html").read_text()
    assert "F1 is" in page and "all labels right" in page
    assert "rightly without" in page and "taken for</th>" not in page
    assert "coverage ask for one label an image" in page
    assert "gravel" in found._repr_html_() and "MultiLabelEvaluation" in repr(found)


def test_a_picture_has_two_by_two_for_each_label(found):
    figure = found.plot_each_label()
    assert [ax.get_title() for ax in figure.axes] == NAMES
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert texts == [str(n) for n in found.confusion.iloc[0, [0, 2, 1, 3]]]
    figure.clear()


@pytest.mark.parametrize(
    "ask",
    [
        lambda found: found.most_confused(),
        lambda found: found.reliability(),
        lambda found: found.coverage(),
        lambda found: found.plot_confusion(),
    ],
)
def test_what_asks_for_one_label_an_image_is_refused_with_a_word(found, ask):
    with pytest.raises(ValueError, match=r"needs one label an image\. Got several; "):
        ask(found)


@pytest.mark.parametrize(
    "y, said",
    [
        ([["brick"], ["rust"]] * 40, "knows the labels 'brick', .* Got 'rust'"),
        (Y[TEST][:, :3], r"needs a column for each of 4 labels. Got y of shape"),
        (Y[TEST] * 2, "needs 0 and 1 in a matrix"),
        (Y[TEST][:5], "needs a row of labels an image. Got 80 images and 5 rows"),
        (Y[TEST][:, 0], "one an image, and a model that gives several"),
    ],
)
def test_labels_that_do_not_fit_are_refused(model, y, said):
    with pytest.raises(ValueError, match=said):
        evaluate(model, X[TEST], y)


def test_labels_and_model_have_to_be_of_one_kind():
    one = RidgeProbe().fit(X, Y[:, 0])
    with pytest.raises(ValueError, match="several an image, and a model that gives on"):
        evaluate(one, X, Y)
    with pytest.raises(ValueError, match="unknown='table' needs one label an image"):
        evaluate(RidgeProbe().fit(X, Y), X, Y, unknown="table")


def test_it_is_public(found):
    assert isinstance(found, MultiLabelEvaluation)


def test_decision_values_that_are_no_numbers_rank_nothing():
    class Broken(RidgeProbe):
        predict_proba = property()

        def decision_function(self, X):
            values = super().decision_function(X)
            values[3, 1] = np.inf
            return values

    found = evaluate(Broken().fit(X, Y), X, Y)
    assert found.ranked_by == "nothing" and np.isnan(found.metrics["roc_auc"])
    with pytest.raises(ValueError, match="Thresholds need probabilities"):
        found.thresholds()
