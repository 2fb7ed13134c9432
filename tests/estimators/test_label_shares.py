"""Tests for imgfeat/estimators/_label_shares.py, and folds of several labels."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.datasets import make_multilabel_classification
from sklearn.model_selection import KFold, cross_val_score
from sklearn.utils import check_random_state

from imgfeat.estimators import PlannedFolds, RidgeProbe
from imgfeat.estimators._label_shares import count_units, share_out_labels

X, Y = make_multilabel_classification(150, 8, n_classes=6, n_labels=2, random_state=0)


def spread(folds):
    """How far labels in the folds are from their share, in images, at most."""
    return max(np.abs(Y[test].sum(axis=0) - Y.sum(axis=0) / 5).max() for test in folds)


def test_every_fold_has_its_share_of_each_label():
    parts = list(PlannedFolds(5).split(X, Y))
    tests = [test for _, test in parts]
    assert_array_equal(np.sort(np.concatenate(tests)), np.arange(150))
    assert all(len(np.intersect1d(*part)) == 0 for part in parts)
    assert {len(test) for test in tests} <= {29, 30, 31}
    plain = [t for _, t in KFold(5, shuffle=True, random_state=0).split(X)]
    assert spread(tests) <= 2 < spread(plain)


def test_groups_stay_whole_and_folds_are_even_nearly():
    groups = np.arange(150) // 3
    tests = [test for _, test in PlannedFolds(5).split(X, Y, groups)]
    for test in tests:
        assert np.isin(groups, groups[test]).sum() == len(test)
    assert spread(tests) <= 5


def test_a_rare_label_comes_once_into_each_fold():
    values = np.zeros((60, 2), dtype=int)
    values[:4, 0] = 1
    values[:-4, 1] = 1  # nearly all have it: those without are the rare ones
    assert count_units(values, None).tolist() == [4, 4]
    assert PlannedFolds(5).get_n_splits(y=values) == 4
    for _, test in PlannedFolds(5).split(values, values):
        assert values[test, 0].sum() == 1
        assert (1 - values[test, 1]).sum() == 1


def test_parts_have_the_shares_that_are_asked_for():
    rng = check_random_state(0)
    part_of = share_out_labels(Y, None, [0.8, 0.2], rng)
    assert np.bincount(part_of).tolist() == [120, 30]
    assert np.abs(Y[part_of == 1].sum(axis=0) - 0.2 * Y.sum(axis=0)).max() < 3


def test_the_seed_shuffles():
    first, again, other = (
        next(PlannedFolds(5, random_state=seed).split(X, Y))[1] for seed in (0, 0, 1)
    )
    assert first.tolist() == again.tolist() != other.tolist()
    still = [next(PlannedFolds(5, shuffle=False).split(X, Y))[1] for _ in range(2)]
    assert_array_equal(*still)


def test_scikit_learn_takes_them():
    scores = cross_val_score(RidgeProbe(), X, Y, cv=PlannedFolds(4), scoring="f1_micro")
    assert scores.shape == (4,) and scores.mean() > 0.5


def test_a_label_of_one_image_cannot_be_held_out():
    values = np.zeros((20, 2), dtype=int)
    values[0, 0] = values[:9, 1] = 1
    with pytest.raises(ValueError, match=r"2 images with each label.* Got 1 .* of 0"):
        PlannedFolds(5).get_n_splits(y=values)
    names = [["rust"] if row == 0 else ["dent"] * (row < 9) for row in range(20)]
    with pytest.raises(ValueError, match="Got 1 on one side of 'rust'"):
        PlannedFolds(5).get_n_splits(y=names)
