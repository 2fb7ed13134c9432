"""Tests for imgfeat/evaluation/audit/_out_of_fold.py."""

import numpy as np
import pytest

from imgfeat.evaluation.audit._out_of_fold import _strongest_of_the_best, out_of_fold


def blobs(counts, n_features=10, spread=0.5, seed=0):
    """Rows around a center for each class, shuffled, and names of the classes."""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.repeat(np.arange(len(counts)), counts))
    centers = rng.normal(size=(len(counts), n_features))
    X = centers[y] + rng.normal(0, spread, (len(y), n_features))
    return X, np.array([f"class {code:03}" for code in y])


def test_each_row_is_judged_by_models_that_have_not_seen_it():
    X, y = blobs([60, 60, 60])
    lies = y.copy()
    lies[::10] = "class 000"
    judged = out_of_fold(X, lies)
    assert judged.classes.tolist() == ["class 000", "class 001", "class 002"]
    np.testing.assert_allclose(judged.probabilities.sum(axis=1), 1, atol=1e-5)
    predicted = judged.classes[judged.probabilities.argmax(axis=1)]
    assert (predicted == y).mean() > 0.9
    assert judged.notes == []


def test_noise_is_not_learned_by_heart():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(80, 120)), rng.integers(0, 2, 80)
    judged = out_of_fold(X, y)
    assert abs((judged.probabilities.argmax(axis=1) == y).mean() - 0.5) < 0.2
    assert judged.C == 1e-4


def test_copies_vouch_for_a_wrong_label_unless_they_share_a_group():
    X, y = blobs([20, 20], n_features=60, spread=3.0)
    X, y = np.repeat(X, 2, axis=0), np.repeat(y, 2)
    wrong = slice(0, 12)
    y[wrong] = np.where(y[wrong] == "class 000", "class 001", "class 000")
    codes = (y == "class 001").astype(int)
    rows = np.arange(80)

    def belief(groups):
        return out_of_fold(X, y, groups=groups).probabilities[rows, codes][wrong].mean()

    assert belief(rows // 2) < belief(None) - 0.1


def test_groups_that_cross_classes_are_no_hindrance():
    X, y = blobs([30, 30])
    groups = np.arange(60) // 7
    probabilities = out_of_fold(X, y, groups=groups).probabilities
    assert np.isfinite(probabilities).all()


def test_a_class_of_one_image_is_not_judged_and_named():
    X, y = blobs([40, 40, 1, 3])
    judged = out_of_fold(X, y)
    lonely = np.flatnonzero(y == "class 002")
    unjudged = np.isnan(judged.probabilities).any(axis=1)
    assert np.flatnonzero(unjudged).tolist() == lonely.tolist()
    assert judged.notes == [
        "The labels of 1 images are not judged, for there is too little else of their "
        "class to learn from: 'class 002'."
    ]


def test_a_class_within_one_group_is_not_judged():
    X, y = blobs([40, 40, 4])
    groups = np.arange(84)
    groups[y == "class 002"] = 0
    judged = out_of_fold(X, y, groups=groups)
    assert np.isnan(judged.probabilities[y == "class 002"]).all()
    assert "'class 002'" in judged.notes[0]


def test_rows_without_embedding_or_label_are_left_out():
    X, y = blobs([30, 30])
    y = y.astype(object)
    X[4, 2], y[9] = np.nan, None
    probabilities = out_of_fold(X, y).probabilities
    assert np.flatnonzero(np.isnan(probabilities[:, 0])).tolist() == [4, 9]


@pytest.mark.parametrize("counts", [[], [5], [1, 1, 1]])
def test_where_nothing_can_be_learned_nothing_is_judged(counts):
    X, y = np.zeros((sum(counts), 4)), np.repeat(np.arange(len(counts)), counts)
    judged = out_of_fold(X, y)
    assert judged.probabilities.shape == (sum(counts), len(counts))
    assert np.isnan(judged.probabilities).all()
    assert judged.C is None
    assert "not judged" in judged.notes[0]


def test_two_images_a_class_are_enough_for_many_classes():
    X, y = blobs([2] * 60, n_features=80, spread=0.1)
    judged = out_of_fold(X, y)
    assert np.isfinite(judged.probabilities).all(axis=1).mean() > 0.9
    assert judged.probabilities.shape == (120, 60)


def test_the_seed_decides():
    X, y = blobs([30, 30])
    first, again = out_of_fold(X, y), out_of_fold(X, y, n_jobs=2)
    np.testing.assert_allclose(first.probabilities, again.probabilities, atol=1e-5)
    other = out_of_fold(X, y, random_state=1)
    assert abs(first.probabilities - other.probabilities).max() > 1e-3


def test_of_equal_penalties_the_strongest_is_taken():
    losses = np.random.default_rng(0).exponential(size=(1, 400)).repeat(4, axis=0)
    losses += np.array([[1.0], [0.01], [0.0], [0.5]])
    assert _strongest_of_the_best(losses) == 1


@pytest.mark.parametrize(
    ("shape", "y", "groups", "message"),
    [
        ((4, 2), ["a"] * 3, None, r"Got embeddings of shape \(4, 2\) and 3 labels"),
        ((4,), ["a"] * 4, None, r"embeddings of shape \(4,\)"),
        ((4, 2), ["a"] * 4, [0] * 5, r"Got groups of shape \(5,\)"),
        ((4, 2), ["a", "b", 1, 2], None, "of one kind. Got int and str"),
    ],
)
def test_what_does_not_fit_together_is_refused(shape, y, groups, message):
    y = np.array(y, dtype=object)
    with pytest.raises(ValueError, match=message):
        out_of_fold(np.zeros(shape), y, groups=groups)
