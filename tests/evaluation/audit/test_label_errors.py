"""Tests for imgfeat/evaluation/audit/_label_errors.py."""

import sys

import numpy as np
import pytest

from imgfeat.evaluation.audit._label_errors import (
    COLUMNS,
    MIN_SCORE,
    label_issues,
    label_scores,
)

pytest.importorskip("cleanlab")


def judged(n, n_classes, n_wrong, seed=0):
    """True classes, labels with `n_wrong` of them wrong, and good probabilities."""
    rng = np.random.default_rng(seed)
    true = np.arange(n) % n_classes
    given = true.copy()
    wrong = np.sort(rng.choice(n, n_wrong, replace=False))
    given[wrong] = (true[wrong] + rng.integers(1, n_classes, n_wrong)) % n_classes
    probabilities = np.full((n, n_classes), 0.05 / (n_classes - 1))
    probabilities[np.arange(n), true] = 0.95
    return given, wrong, probabilities


@pytest.mark.parametrize("n_classes", [2, 3, 1000])
def test_wrong_labels_are_found_whatever_the_number_of_classes(n_classes):
    names = np.array([f"class {i:04}" for i in range(n_classes)])
    y, wrong, probabilities = judged(max(200, 3 * n_classes), n_classes, n_wrong=8)
    issues = label_issues(names[y], probabilities, names)
    assert sorted(issues["row"]) == wrong.tolist()
    best = names[probabilities[issues["row"]].argmax(axis=1)]
    assert issues["suggested"].tolist() == best.tolist()
    assert issues["label"].tolist() == names[y[issues["row"]]].tolist()


def test_a_finding_has_the_columns_of_every_audit():
    y, _, probabilities = judged(60, 3, n_wrong=3)
    issues = label_issues(y, probabilities, [0, 1, 2])
    assert issues.columns.tolist() == COLUMNS
    assert set(issues["kind"]) == {"label error"}
    assert set(issues["group"]) == {-1}
    assert set(issues["path"]) == {""}
    first = issues.iloc[0]
    assert first["what"].startswith(
        f"Labelled {first['label']}, but looks like {first['suggested']}: "
    )


def test_scores_are_margins_between_nothing_and_one():
    y = ["a", "a", "b", "a"]
    probabilities = np.array([[0.8, 0.2], [0.5, 0.5], [0.8, 0.2], [0.0, 1.0]])
    scores = label_scores(y, probabilities, ["a", "b"])
    np.testing.assert_allclose(scores, [0.2, 0.5, 0.8, 1.0])


def test_findings_come_the_surest_first_and_near_ties_are_none():
    y = np.array([0] * 20 + [1] * 20)
    probabilities = np.where(y[:, np.newaxis] == [0, 1], 0.95, 0.05)
    probabilities[[3, 7, 30]] = [[0.04, 0.96], [0.02, 0.98], [0.55, 0.45]]
    issues = label_issues(y, probabilities, [0, 1])
    assert issues["row"].tolist() == [7, 3]
    np.testing.assert_allclose(issues["score"], [0.98, 0.96])
    assert (issues["score"] >= MIN_SCORE).all()


def test_classes_without_images_keep_their_column_and_may_be_suggested():
    y, wrong, probabilities = judged(90, 3, n_wrong=4)
    wider = np.zeros((90, 5))
    wider[:, [0, 2, 3]] = probabilities
    wider[wrong[0]] = [0, 0, 0, 0, 1]
    issues = label_issues(np.array([0, 2, 3])[y], wider, np.arange(5))
    assert sorted(issues["row"]) == wrong.tolist()
    assert issues.set_index("row")["suggested"][wrong[0]] == 4


def test_what_cannot_be_judged_is_left_out():
    y, wrong, probabilities = judged(90, 3, n_wrong=4)
    y = y.astype(object)
    y[wrong[0]] = None
    y[wrong[1]] = "unheard of"
    probabilities[wrong[2]] = np.nan
    issues = label_issues(y, probabilities, [0, 1, 2])
    assert issues["row"].tolist() == [wrong[3]]
    scores = label_scores(y, probabilities, [0, 1, 2])
    assert np.flatnonzero(np.isnan(scores)).tolist() == sorted(wrong[:3])


@pytest.mark.parametrize("y", [[], ["a", "a", "a"], [None, None, None]])
def test_nothing_to_tell_apart_gives_no_finding(y):
    probabilities = np.tile([0.1, 0.9], (len(y), 1)).reshape(len(y), 2)
    issues = label_issues(y, probabilities, ["a", "b"])
    assert len(issues) == 0
    assert issues.columns.tolist() == COLUMNS


def test_a_wrong_label_in_a_rare_class_is_found():
    y = np.array([0] * 100 + [1] * 100 + [2] * 4)
    probabilities = np.full((204, 3), 0.02)
    probabilities[np.arange(204), y] = 0.96
    probabilities[200] = [0.9, 0.05, 0.05]
    probabilities[201:] = [0.3, 0.1, 0.6]
    assert label_issues(y, probabilities, [0, 1, 2])["row"].tolist() == [200]


def test_a_model_that_is_often_wrong_is_believed_only_where_it_is_sure():
    y = np.tile([0, 1], 100)
    probabilities = np.where(y[:, np.newaxis] == [0, 1], 0.8, 0.2)
    doubted = np.arange(0, 200, 4)
    probabilities[doubted] = 1 - probabilities[doubted]
    probabilities[8] = [0.01, 0.99]
    assert label_issues(y, probabilities, [0, 1])["row"].tolist() == [8]


def test_clean_labels_give_no_finding():
    y, _, probabilities = judged(300, 10, n_wrong=0)
    assert len(label_issues(y, probabilities, np.arange(10))) == 0


@pytest.mark.parametrize(
    ("probabilities", "classes", "message"),
    [
        (np.full((3, 2), 0.5), ["a", "b"], r"a column a class, \(2, 2\). Got \(3, 2\)"),
        (np.full((2, 3), 0.5), ["a", "b"], r"Got \(2, 3\)"),
        (np.full((2, 2), 0.5), ["a", "a"], "classes must differ. Got 'a' twice"),
        (np.array([[0.5, 0.5], [2, 3]]), ["a", "b"], r"Got \[2.0, 3.0\] in row 1"),
        (np.array([[-1.0, 2], [0, 1]]), ["a", "b"], r"Got \[-1.0, 2.0\] in row 0"),
    ],
)
def test_what_are_no_probabilities_is_refused(probabilities, classes, message):
    with pytest.raises(ValueError, match=message):
        label_issues(["a", "b"], probabilities, classes)


def test_without_cleanlab_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "cleanlab", None)
    y, _, probabilities = judged(30, 3, n_wrong=2)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'imgfeat\[audit\]'"):
        label_issues(y, probabilities, [0, 1, 2])
