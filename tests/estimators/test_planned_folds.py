"""Tests for imgfeat/estimators/_planned_folds.py: as many folds as classes allow."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.svm import LinearSVC

from imgfeat import load, load_sample, make_recipe, save
from imgfeat.estimators import PlannedFolds


def labels(*counts):
    return np.repeat([f"class {i}" for i in range(len(counts))], counts)


@pytest.mark.parametrize(
    "n_folds, counts, n",
    [
        (10, (50, 50), 10),
        (10, (50, 4), 4),
        (3, (5, 5), 3),
        (3, (9, 2), 2),
    ],
)
def test_folds_are_as_many_as_wanted_and_as_the_smallest_class_allows(
    n_folds, counts, n
):
    y = labels(*counts)
    folds = PlannedFolds(n_folds)
    assert folds.get_n_splits(y=y) == n
    parts = list(folds.split(np.zeros(len(y)), y))
    assert len(parts) == n
    for train, test in parts:
        assert set(y[train]) == set(y[test]) == set(y)
    np.testing.assert_array_equal(
        np.sort(np.concatenate([test for _, test in parts])), np.arange(len(y))
    )


@pytest.mark.parametrize("shuffle", [True, False])
def test_folds_are_those_of_stratified_k_fold(shuffle):
    y = labels(12, 20)
    X = np.zeros((len(y), 1))
    theirs = StratifiedKFold(3, shuffle=shuffle, random_state=5 if shuffle else None)
    ours = PlannedFolds(3, shuffle=shuffle, random_state=5)
    for fold, expected in zip(ours.split(X, y), theirs.split(X, y), strict=True):
        np.testing.assert_array_equal(fold[0], expected[0])
        np.testing.assert_array_equal(fold[1], expected[1])


def test_what_cannot_be_planned_is_refused():
    with pytest.raises(ValueError, match=r"2 images of every class. Got 1 of class 'b"):
        PlannedFolds().get_n_splits(y=["a", "a", "b"])
    with pytest.raises(ValueError, match=r"needs labels .* Got no y"):
        PlannedFolds().get_n_splits()
    with pytest.raises(ValueError, match=r"at least 2. Got 1"):
        PlannedFolds(1).get_n_splits(y=["a", "a"])


def test_search_and_calibration_take_them_and_clone_them():
    y = labels(4, 4)
    X = np.random.default_rng(0).normal(size=(8, 3)) + (y == "class 1")[:, None]
    svm = CalibratedClassifierCV(LinearSVC(), cv=PlannedFolds(3), ensemble=False)
    search = GridSearchCV(svm, {"estimator__C": [0.1, 1]}, cv=PlannedFolds(9))
    search = clone(search).fit(X, y)
    assert search.n_splits_ == 4
    assert search.predict_proba(X).shape == (8, 2)


def test_they_are_saved_with_what_uses_them(tmp_path):
    digits = load_sample("digits")
    rows = digits.target < 2
    X, y = digits.images[rows][:40], digits.target[rows][:40]
    for search in (False, True):
        recipe = make_recipe("hog-svm", size=32, search=search).fit(X, y)
        save(recipe, tmp_path / "model.imgfeat")
        np.testing.assert_array_equal(
            load(tmp_path / "model.imgfeat").predict(X), recipe.predict(X)
        )


@pytest.mark.parametrize("n", [2, 3])
def test_searched_recipe_fits_small_classes(n):
    digits = load_sample("digits")
    rows = np.concatenate([np.flatnonzero(digits.target == d)[:n] for d in (0, 1)])
    X, y = digits.images[rows], digits.target[rows]
    assert make_recipe("hog-lr", size=32, search=True).fit(X, y).score(X, y) == 1
    recipe = make_recipe("hog-svm", size=32, search=True)
    assert recipe.fit(X, y).score(X, y) == 1


def test_groups_are_never_parted_and_count_like_images():
    y = labels(12, 20)
    groups = np.arange(len(y)) // 4  # three of the first class, five of the second
    folds = PlannedFolds(5)
    assert folds.get_n_splits(y=y, groups=groups) == 3
    for train, test in folds.split(np.zeros(len(y)), y, groups):
        assert not set(groups[train]) & set(groups[test])
        assert set(y[train]) == set(y)


def test_class_of_one_group_is_refused():
    with pytest.raises(
        ValueError, match=r"2 groups of every class. Got 1 of class 'a'"
    ):
        PlannedFolds().get_n_splits(y=["a", "a", "b", "b"], groups=[0, 0, 0, 1])
