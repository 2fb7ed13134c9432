"""Tests of compare on several labels an image."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.datasets import make_multilabel_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from imgfeat import compare
from imgfeat.estimators import (
    LabelVote,
    LinearProbe,
    PlannedFolds,
    RidgeProbe,
)

X, Y = make_multilabel_classification(240, 10, n_classes=4, n_labels=2, random_state=3)
NAMES = ["brick", "grass", "gravel", "moss"]
LISTS = [[n for n, has in zip(NAMES, row, strict=True) if has] for row in Y]


@pytest.fixture(scope="module")
def found():
    candidates = {
        "ridge": RidgeProbe(),
        "one against the rest": OneVsRestClassifier(LogisticRegression()),
        "forest": RandomForestClassifier(5, random_state=0),
    }
    return compare(candidates, X, LISTS, cv=3, cache=False)


def test_scores_are_those_of_scikit_learn(found):
    folds = PlannedFolds(3, random_state=0)
    for score in ("f1_macro", "average_precision", "accuracy"):
        expected = cross_val_score(RidgeProbe(), X, Y, cv=folds, scoring=score)
        mean = found.table.loc["ridge", f"mean_test_{score}"]
        assert mean == pytest.approx(expected.mean())
    assert next(c for c in found.table if "mean_test" in c) == "mean_test_f1_macro"
    assert found.errors.empty


def test_probabilities_out_of_fold_are_evaluated(found):
    shares = found.probabilities["forest"]
    assert shares.shape == (240, 4) and np.isfinite(shares).all()
    evaluation = found.evaluate("ridge")
    assert evaluation.per_class.index.tolist() == NAMES
    said = found.probabilities["ridge"] > 0.5
    assert evaluation.metrics["hamming_loss"] == pytest.approx((said != Y).mean())


def test_shared_mistakes_are_images_that_nobody_has_right(found):
    wrong = np.all(
        [((s > 0.5) != Y).any(axis=1) for s in found.probabilities.values()], axis=0
    )
    table = found.shared_mistakes()
    assert sorted(table.index) == np.flatnonzero(wrong).tolist()
    assert table["true"].tolist() == [tuple(LISTS[row]) for row in table.index]


def test_a_page_is_written(found, tmp_path):
    found.save_html(tmp_path / "page.html", n_pictures=1)
    page = (tmp_path / "page.html").read_text()
    assert "rightly without" in page and "gravel" in page
    assert "average precision" in page


def test_a_budget_and_a_learning_curve_take_labels():
    found = compare(
        {f"C={C}": LinearProbe(C=C) for C in (0.01, 0.1, 1.0)},
        X, Y, cv=3, cache=False, time_budget="1h", learning_curve=True,
    )  # fmt: skip
    assert found.table["n_folds"].max() == 3
    assert len(found.learning_curve) >= 3


def test_what_was_kept_is_taken(tmp_path):
    first, again = (
        compare({"ridge": RidgeProbe()}, X, Y, cv=3, cache=False, keep=tmp_path)
        for _ in range(2)
    )
    pd.testing.assert_frame_equal(first.cv_results_, again.cv_results_)
    assert_allclose(first.probabilities["ridge"], again.probabilities["ridge"])
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize(
    "scoring", ["neg_log_loss", "balanced_accuracy", "matthews_corrcoef"]
)
def test_scores_of_one_label_are_refused(scoring):
    with pytest.raises(ValueError, match="cannot score several labels an image, of 4"):
        compare({"ridge": RidgeProbe()}, X, Y, scoring=scoring)


VIEWS = {"left": slice(0, 3), "middle": slice(3, 6), "right": slice(6, 9)}


def view_of(columns):
    take = FunctionTransformer(np.take, kw_args={"indices": columns, "axis": 1})
    return make_pipeline(take, RidgeProbe())


@pytest.fixture(scope="module", params=[2, 3])
def views(request):
    """Each three columns tell as much of two or three labels as another."""
    rng = np.random.default_rng(0)
    y = rng.integers(2, size=(240, request.param))
    signal = np.tile(np.pad(y, ((0, 0), (0, 3 - request.param))), 3)
    rows = rng.standard_normal((240, 9)) + 1.2 * signal
    candidates = {name: view_of(np.r_[part]) for name, part in VIEWS.items()}
    scoring = "average_precision", "f1_macro", "accuracy"
    return rows, y, compare(candidates, rows, y, cv=3, cache=False, scoring=scoring)


def test_a_vote_that_helps_is_a_row_and_a_model(views):
    rows, y, found = views
    vote = found.soft_vote
    assert found.table.index[0] == vote.name and found.errors.empty
    assert set(VIEWS) == set(vote.members)
    members = [found.probabilities[name] for name in vote.members]
    shares = found.probabilities[vote.name]
    np.testing.assert_allclose(shares, np.mean(members, axis=0), atol=1e-6)
    folds = PlannedFolds(3, random_state=0)
    for score in ("f1_macro", "accuracy"):
        expected = cross_val_score(vote.classifier, rows, y, cv=folds, scoring=score)
        assert found.table.loc[vote.name, f"mean_test_{score}"] == pytest.approx(
            expected.mean()
        )
    accuracy = found.table.loc[vote.name, "mean_test_accuracy"]
    evaluation = found.evaluate(vote.name)
    assert evaluation.metrics["accuracy"] == pytest.approx(accuracy)
    assert type(vote.classifier) is LabelVote
    assert set(found.shared_mistakes()["n_models"]) == {3}


def test_labels_that_are_too_rare_are_named():
    rare = [["rust"] if row in (3, 90) else names for row, names in enumerate(LISTS)]
    with pytest.raises(
        ValueError, match=r"5 folds need .* Got 2 on one side of 'rust'"
    ):
        compare({"ridge": RidgeProbe()}, X, rare)
    with pytest.raises(ValueError, match=r"part of fold 1 .* Got 0 of 120 with 'rust'"):
        folds = [(np.arange(120) + 120, np.arange(120))] * 2
        rare = [["rust"] if row in (3, 9) else names for row, names in enumerate(LISTS)]
        compare({"ridge": RidgeProbe()}, X, rare, cv=folds)
    none = pd.DataFrame(Y, columns=NAMES).assign(rust=0)
    with pytest.raises(ValueError, match="Got 0 of 240 with 'rust'"):
        compare({"ridge": RidgeProbe()}, X, none)


def test_one_column_is_no_matrix():
    with pytest.raises(ValueError, match=r"or a row of several. .* shape \(240, 1\)"):
        compare({"ridge": RidgeProbe()}, X, Y[:, :1])
