"""Tests for _paired_tests.py and _verdict.py of imgfeat/evaluation/comparison."""

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

from imgfeat.evaluation.comparison._paired_tests import paired_test
from imgfeat.evaluation.comparison._verdict import judge

SIZES = {"n_train": 80, "n_test": 20}


def test_equals_the_formula_of_nadeau_and_bengio():
    rng = np.random.default_rng(0)
    left, right = rng.normal(0.8, 0.05, 10), rng.normal(0.78, 0.05, 10)
    d = [a - b for a, b in zip(left, right, strict=True)]
    mean = sum(d) / 10
    s2 = sum((x - mean) ** 2 for x in d) / 9
    t = mean / np.sqrt((1 / 10 + 20 / 80) * s2)
    found = paired_test(left, right, **SIZES)
    assert found.difference == pytest.approx(mean)
    assert found.p_value == pytest.approx(2 * (1 - stats.t.cdf(abs(t), 9)))


def test_probabilities_are_the_areas_of_the_posterior():
    rng = np.random.default_rng(1)
    left, right = rng.normal(0.8, 0.05, 10), rng.normal(0.78, 0.05, 10)
    d = left - right
    scale = np.sqrt((1 / 10 + 20 / 80) * d.var(ddof=1))
    posterior = stats.t(9, loc=d.mean(), scale=scale)
    found = paired_test(left, right, rope=0.02, **SIZES)
    equal, _ = integrate.quad(posterior.pdf, -0.02, 0.02)
    right_better, _ = integrate.quad(posterior.pdf, -np.inf, -0.02)
    assert found.equal == pytest.approx(equal, abs=1e-6)
    assert found.right_better == pytest.approx(right_better, abs=1e-6)
    total = found.left_better + found.equal + found.right_better
    assert total == pytest.approx(1)


def test_equals_baycomp():
    baycomp = pytest.importorskip("baycomp")
    rng = np.random.default_rng(2)
    left, right = rng.normal(0.8, 0.05, 10), rng.normal(0.78, 0.05, 10)
    found = paired_test(left, right, n_train=90, n_test=10)
    theirs = baycomp.two_on_single(left, right, rope=0.01, runs=1)
    ours = found.left_better, found.equal, found.right_better
    np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_errs_as_seldom_as_it_says():
    """Two equally good classifiers, 5 folds of 100 images, 1,000 times."""
    rng = np.random.default_rng(0)
    n_wrong = 0
    for _ in range(1000):
        # Right or wrong, image by image; each fold scores a model of its own.
        quality = rng.normal(0.8, 0.01, (2, 5, 1)).clip(0, 1)
        left, right = (rng.random((2, 5, 20)) < quality).mean(axis=2)
        n_wrong += paired_test(left, right, **SIZES).p_value < 0.05
    assert n_wrong <= 70


@pytest.mark.parametrize(
    "left, p_value, areas",
    [([0.9] * 5, 1, (0, 1, 0)), ([1.0] * 5, 0, (1, 0, 0)), ([0.8] * 5, 0, (0, 0, 1))],
)
def test_folds_that_differ_by_the_same_leave_no_doubt(left, p_value, areas):
    found = paired_test(left, [0.9] * 5, **SIZES)
    assert found.p_value == p_value
    assert (found.left_better, found.equal, found.right_better) == areas


def test_one_fold_tells_nothing():
    assert np.isnan(paired_test([1.0], [0.0], **SIZES).p_value)
    assert np.isnan(paired_test([1.0, np.nan], [0.0, 0.0], **SIZES).p_value)


def scores(**rows):
    return pd.DataFrame.from_dict(rows, orient="index")


def test_of_those_that_cannot_be_told_apart_the_fastest_is_taken():
    table = scores(
        slow=[0.90, 0.92, 0.94, 0.91],
        fast=[0.91, 0.90, 0.93, 0.92],
        bad=[0.50, 0.52, 0.51, 0.49],
    )
    seconds = pd.Series({"slow": 1.0, "fast": 0.1, "bad": 0.01})
    found = judge(table, seconds=seconds, **SIZES)
    assert found.best == "fast"
    assert found.tied == ("slow", "fast")
    assert str(found) == (
        "slow and fast cannot be told apart on these folds; fast is the faster of "
        "them, 0.002 below the highest mean score."
    )
    assert found.table.loc["bad", "p_value"] < 0.01
    assert found.table.loc["bad", "worse"] > 0.99


def test_who_is_as_good_is_not_said_to_be_behind():
    table = scores(slow=[1.0, 1.0, 1.0], fast=[1.0, 1.0, 1.0])
    found = judge(table, seconds=pd.Series({"slow": 1.0, "fast": 0.1}), **SIZES)
    assert str(found).endswith("; fast is the faster of them.")


def test_a_clear_winner_is_called_one():
    table = scores(good=[0.90, 0.91, 0.92], bad=[0.5, 0.52, 0.51])
    found = judge(table, seconds=pd.Series({"good": 1.0, "bad": 0.1}), **SIZES)
    assert found.best == "good"
    assert str(found) == "good is ahead of all others, bad next, by 0.400."


def test_who_is_far_behind_on_few_folds_is_not_taken_for_its_speed():
    table = scores(net=[1.0, 1.0, 1.0], hog=[0.9, 0.6, 0.9], near=[1.0, 0.99, 1.0])
    seconds = pd.Series({"net": 1.0, "hog": 0.1, "near": 0.5})
    found = judge(table, seconds=seconds, **SIZES)
    assert found.table.loc["hog", "p_value"] > 0.05
    assert found.tied == ("net", "near")
    assert found.best == "near"


def test_on_one_fold_only_what_is_within_the_rope_is_tied():
    table = scores(net=[0.9], hog=[0.8], near=[0.895])
    seconds = pd.Series({"net": 1.0, "hog": 0.1, "near": 0.5})
    assert judge(table, seconds=seconds, **SIZES).tied == ("net", "near")


def test_one_candidate_is_the_only_one():
    found = judge(scores(lr=[0.9, 0.8]), seconds=pd.Series({"lr": 1.0}), **SIZES)
    assert str(found) == "lr is the only candidate, with a mean score of 0.850."


def test_many_ties_are_counted():
    names = [f"c{n}" for n in range(6)]
    rng = np.random.default_rng(0)
    table = scores(**{name: rng.normal(0.9, 0.02, 5) for name in names})
    found = judge(table, seconds=pd.Series(1.0, index=names), **SIZES)
    assert str(found).startswith("The best 5 of 6, c4 first, cannot be told apart")


def test_who_missed_folds_does_not_win():
    table = scores(part=[1.0, 1.0, np.nan], whole=[0.9, 0.8, 0.9], none=[np.nan] * 3)
    seconds = pd.Series({"part": 0.1, "whole": 1.0, "none": np.nan})
    found = judge(table, seconds=seconds, **SIZES)
    assert found.best == "whole"
    assert "none" not in found.table.index
    assert judge(table.loc[["none"]], seconds=seconds, **SIZES) is None


def test_verdict_says_of_which_images_it_is():
    scores = pd.DataFrame([[0.9, 0.92, 0.91], [0.5, 0.53, 0.5]], index=["a", "b"])
    options = {"seconds": pd.Series({"a": 1.0, "b": 1.0}), "on": "on 150 of 300 images"}
    found = judge(scores, **SIZES, **options)
    assert found.sentence.startswith("On 150 of 300 images: a is ahead of all others")
    alone = judge(scores.where(scores > 0.6), **SIZES, **options)
    assert alone.sentence.startswith("Only a was scored on 150 of 300 images, with")
