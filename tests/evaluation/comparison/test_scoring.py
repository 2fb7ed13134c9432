"""Tests for imgfeat/evaluation/comparison/_scoring.py and what it decides."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_validate
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import LinearSVC

from imgfeat import compare
from imgfeat.evaluation.comparison._scoring import find_scorers, with_usual


@pytest.fixture(scope="module")
def blobs():
    rng = np.random.default_rng(0)
    y = np.array(["ash", "birch", "cedar"])[np.arange(90) % 3]
    return rng.standard_normal((90, 5)) + 1.5 * np.eye(3, 5)[np.arange(90) % 3], y


NAMES = ["balanced_accuracy", "f1_macro", "roc_auc_ovr", "neg_log_loss"]


@pytest.mark.parametrize("name", NAMES)
def test_scores_are_those_of_scikit_learn(blobs, name):
    found = compare({"lr": LogisticRegression()}, *blobs, cv=3, scoring=name)
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    theirs = cross_validate(LogisticRegression(), *blobs, cv=folds, scoring=name)
    scores = found.cv_results_.loc["lr"]
    np.testing.assert_allclose(scores, theirs["test_score"])
    assert next(iter(found.table)) == f"mean_test_{name}"
    assert str(found.verdict).startswith(f"By {name}: lr is the only candidate")


def test_the_first_score_ranks_and_decides(blobs):
    X, y = blobs
    candidates = {
        # Sure and often wrong: a poor log loss whatever its accuracy.
        "knn": KNeighborsClassifier(1),
        "lr": LogisticRegression(C=1e-3),
    }
    found = compare(candidates, X, y, scoring=("neg_log_loss", "accuracy"))
    # Between being too sure and not sure enough, their mean is better than both.
    assert found.table.index.tolist() == ["soft-vote (lr + knn)", "lr", "knn"]
    assert found.best == "soft-vote (lr + knn)"
    assert compare(candidates, X, y, scoring=("accuracy",)).best != found.best


def test_row_of_a_candidate_without_probabilities_says_why(blobs):
    candidates = {"svc": LinearSVC(), "lr": LogisticRegression()}
    found = compare(
        candidates, *blobs, cv=3, scoring=with_usual("neg_log_loss", blobs[1])
    )
    assert found.best == "lr"
    row = found.table.loc["svc"]
    assert np.isnan(row["mean_test_neg_log_loss"])
    assert row["n_folds"] == 0
    assert row["mean_test_accuracy"] > 0.6
    assert "svc failed on 3 of the folds: neg_log_loss needs probabilities, which" in (
        str(found)
    )


@pytest.mark.parametrize(
    "scoring, message",
    [
        ("balanced_acuracy", "Got 'balanced_acuracy'; near it are balanced_accuracy"),
        ("quality", "Got 'quality'; near it are"),
        ("roc_auc", r"'roc_auc' cannot score 3 classes such as 'ash'"),
        ("precision", r"'precision' cannot score 3 classes"),
        ([], "at least one name of a scorer"),
    ],
)
def test_scorers_that_cannot_be_are_refused_before_the_work(blobs, scoring, message):
    with pytest.raises(ValueError, match=message):
        compare({"lr": LogisticRegression()}, *blobs, scoring=scoring)


def test_usual_scores_follow_each_once():
    assert with_usual("f1_macro", np.arange(2)) == (
        "f1_macro", "accuracy", "precision_macro", "recall_macro",
    )  # fmt: skip


@pytest.mark.parametrize("name", [*NAMES, "top_k_accuracy", "matthews_corrcoef"])
def test_scorers_of_two_classes_are_found_too(name):
    y = np.array(["ant", "bee"] * 5)
    assert list(find_scorers(name, y)) == [name]
