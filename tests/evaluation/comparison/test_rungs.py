"""Tests for imgfeat/evaluation/comparison/_rungs.py."""

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import ShuffleSplit

from imgfeat import compare
from imgfeat._target import Target
from imgfeat.evaluation.comparison import _deadline, _race
from imgfeat.evaluation.comparison._folds import draw_folds
from imgfeat.evaluation.comparison._rungs import draw_rungs, half_of


@pytest.fixture(params=["alone", "groups", "rare classes", "one split"])
def planned(request):
    """Labels, groups and folds of some hundred images, and their rungs."""
    rng = np.random.default_rng(7)
    n = int(rng.integers(900, 1300))
    shares = [0.02, 0.08, 0.3, 0.6] if request.param == "rare classes" else [0.25] * 4
    y = rng.choice(list("abcd"), n, p=shares)
    groups = rng.integers(n // 6, size=n) if request.param == "groups" else None
    cv = ShuffleSplit(1, random_state=0) if request.param == "one split" else 5
    folds = draw_folds(cv, Target.of(y, "compare"), groups, 0)
    return y, groups, folds, draw_rungs(y, folds, groups, 16)


def test_each_rung_is_within_the_next_and_about_a_half_of_it(planned):
    y, _, _, rungs = planned
    sizes = [*map(len, rungs), len(y)]
    assert len(rungs) == 3
    for lower, upper in pairwise(rungs):
        assert np.isin(lower, upper).all()
    for lower, upper in pairwise(sizes):
        assert 0.4 * upper < lower < 0.6 * upper


def test_rungs_have_the_classes_in_the_shares_of_all(planned):
    y, groups, _, rungs = planned
    most = 0.02 if groups is None else 0.08  # whole groups fit less well
    for rows in rungs:
        for label in "abcd":
            assert abs(np.mean(y[rows] == label) - np.mean(y == label)) < most


def test_groups_are_whole(planned):
    _, groups, _, rungs = planned
    if groups is None:
        groups = np.arange(len(planned[0]))
    for rows in rungs:
        outside = np.setdiff1d(np.arange(len(groups)), rows)
        assert not np.isin(groups[rows], groups[outside]).any()


def test_each_part_of_a_fold_has_what_it_needs_of_each_class(planned):
    y, groups, folds, rungs = planned
    units = np.arange(len(y)) if groups is None else groups
    for rows in rungs:
        for fold in folds:
            for side, least in zip(fold, (4, 1), strict=True):
                here = np.intersect1d(side, rows)
                for label in "abcd":
                    there = len(np.unique(units[side[y[side] == label]]))
                    n_units = len(np.unique(units[here[y[here] == label]]))
                    assert n_units >= min(least, there)


@pytest.mark.parametrize(
    "n_images, n_candidates, sizes",
    [
        (800, 2, []),  # nobody to leave out
        (800, 1, []),
        (800, 3, [400]),
        (800, 5, [200, 400]),
        (800, 100, [100, 200, 400]),  # fewer would tell nothing
        (199, 100, []),
    ],
)
def test_rungs_are_as_many_as_candidates_and_images_allow(
    n_images, n_candidates, sizes
):
    y = np.arange(n_images) % 2
    found = draw_rungs(
        y, draw_folds(5, Target.of(y, "compare"), None, 0), None, n_candidates
    )
    assert np.allclose([len(rows) for rows in found], sizes, atol=2)


def test_many_small_classes_need_all_images_at_once():
    y = np.arange(500) % 100
    assert (
        draw_rungs(y, draw_folds(5, Target.of(y, "compare"), None, 0), None, 16) == []
    )


def test_half_goes_on_but_two_at_least():
    assert [half_of(n) for n in (1, 2, 3, 4, 5, 11)] == [1, 2, 2, 2, 3, 6]


class Clock:
    """Seconds that pass where something says so."""

    now = 0.0


class Costly(ClassifierMixin, BaseEstimator):
    """Right in a share of its answers; a fit takes a known time for each image."""

    def __init__(self, right=1.0, image_s=1.0):
        self.right = right
        self.image_s = image_s

    def fit(self, X, y):
        Clock.now += self.image_s * len(X)
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        number, label = X[:, 0].astype(int), X[:, 1].astype(int)
        return (label + (number % 100 >= 100 * self.right)) % 2


@pytest.fixture
def clock(monkeypatch):
    Clock.now = 0.0
    monkeypatch.setattr(_deadline, "time", SimpleNamespace(monotonic=lambda: Clock.now))
    return Clock


@pytest.fixture(scope="module")
def numbered():
    """Rows that tell their number and their label, and the labels."""
    number = np.random.default_rng(0).permutation(400)
    return np.column_stack([number, number // 100 % 2]), number // 100 % 2


def candidates():
    return {f"right{n}": Costly(n / 100) for n in (50, 60, 70, 80, 90, 99)}


ALL_S = 6 * 4 * 300.0  # of six candidates on four folds, with 300 to train on


def test_best_half_goes_on_to_more_images(numbered, clock):
    found = compare(candidates(), *numbered, cv=4, time_budget=0.75 * ALL_S)
    n_images = found.table["n_images"]
    assert set(n_images[["right99", "right90"]]) == {400}
    assert found.table.index[0] == found.best == "right99"
    assert n_images.is_monotonic_decreasing
    lower = n_images.index[n_images < 400]
    assert len(lower)
    assert not set(lower) & set(found.verdict.tied)
    assert not set(lower) & set(found.verdict.table.index)
    assert set(lower) <= set(found.unfinished)
    assert str(found.verdict).startswith("On all images: right99 is ahead")
    for n in n_images[lower].unique():
        assert f"On {n} of 400 images only: " in str(found)
    assert "of images" in str(found)


class Fading(Costly):
    """Always right after few images, else in a half of its answers."""

    def fit(self, X, y):
        super().fit(X, y)
        self.right = 1.0 if len(X) < 200 else 0.5
        return self


def test_score_of_fewer_images_does_not_come_before_a_lower_one_of_all(numbered, clock):
    three = {"steady": Costly(0.9), "a": Fading(), "b": Fading()}
    budget = 3 * 4 * 150 + 2 * 4 * 300 - 100  # who is begun is finished
    found = compare(three, *numbered, cv=4, time_budget=budget)
    assert found.table["n_images"].to_dict() == {"a": 400, "b": 400, "steady": 200}
    means = found.table["mean_test_accuracy"]
    assert means["steady"] > means["a"]
    assert list(found.table.index) == ["a", "b", "steady"]
    assert found.verdict.tied == ("a", "b")


def test_enough_time_ends_as_no_budget_does(numbered, clock):
    plain = compare(candidates(), *numbered, cv=4)
    found = compare(candidates(), *numbered, cv=4, time_budget=2 * ALL_S)
    assert found.unfinished == []
    assert found.cv_results_.equals(plain.cv_results_)
    assert str(found.verdict) == str(plain.verdict)
    assert "of images" not in str(found)


def test_time_for_the_first_rung_only_gives_a_verdict_of_it(numbered, clock):
    options = {"time_budget": 4 * 75 * 3.5, "learning_curve": True}
    found = compare(candidates(), *numbered, cv=4, **options)
    n_images = found.table["n_images"]
    assert n_images.max() < 200
    assert found.verdict.sentence.startswith(f"On {n_images.max()} of 400 images: ")
    assert len(found.unfinished) == 6
    assert len(found.learning_curve) == 0  # which is on all images
    assert "there was too little time" in str(found)


def test_folds_of_a_rung_are_kept_for_it_alone(numbered, clock, tmp_path, monkeypatch):
    seen = []
    run_fold = _race.run_fold

    def counted(*args):
        seen.append(len(args[3]))  # labels of the images that it runs on
        return run_fold(*args)

    monkeypatch.setattr(_race, "run_fold", counted)
    options = {"cv": 4, "time_budget": 0.75 * ALL_S, "keep": tmp_path}
    first = compare(candidates(), *numbered, **options)
    assert len(set(seen)) == 3
    n_run = len(seen)
    clock.now = 0.0
    whole = compare(candidates(), *numbered, **options)
    assert whole.unfinished == []  # the time that is spared is spent on the others
    ran_on_all = first.table["n_folds"][first.table["n_images"] == 400].sum()
    assert set(seen[n_run:]) == {400}
    assert len(seen) - n_run == 24 - ran_on_all
