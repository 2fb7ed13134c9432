"""Tests for imgfeat/evaluation/metrics/_sensitivity.py."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from imgfeat import evaluate
from tests.evaluation.metrics.test_evaluate import Oracle

RNG = np.random.default_rng(0)
TRUE = RNG.random(120) < 0.3
SCORES = np.round(RNG.random(120) + 0.4 * TRUE, 2) / 1.4  # some are equal


def evaluation_of(scores, true, **options):
    proba = np.column_stack([1 - scores, scores])
    return evaluate(Oracle([0, 1]), proba, true.astype(int), **options)


def slowly(specificity):
    """The best of all thresholds that leave enough of the others alone."""
    found = [
        ((SCORES[TRUE] >= threshold).mean(), (SCORES[~TRUE] < threshold).mean())
        for threshold in [np.inf, *SCORES]
    ]
    return max(sensitivity for sensitivity, kept in found if kept >= specificity)


@pytest.mark.parametrize("specificity", [0, 0.5, 0.9, 0.99, 1])
def test_it_is_the_best_of_all_thresholds_that_are_allowed(specificity):
    found = evaluation_of(SCORES, TRUE, n_resamples=10).sensitivity_at(specificity)
    assert found["sensitivity"] == pytest.approx(slowly(specificity))
    assert found["specificity"] >= specificity
    is_found = found["threshold"] <= SCORES
    assert is_found[TRUE].mean() == pytest.approx(found["sensitivity"])
    assert (~is_found[~TRUE]).mean() == pytest.approx(found["specificity"])


def test_no_threshold_that_finds_as_many_leaves_more_alone():
    true = np.array([1, 0, 1, 0, 0], dtype=bool)
    scores = np.array([0.9, 0.6, 0.8, 0.7, 0.2])
    found = evaluation_of(scores, true).sensitivity_at(0.3)
    assert found["threshold"] == 0.8
    assert found["specificity"] == found["sensitivity"] == 1


def test_images_that_come_again_in_their_group_make_the_interval_no_narrower():
    once = evaluation_of(SCORES, TRUE).sensitivity_at(0.8)
    nine = evaluation_of(SCORES.repeat(9), TRUE.repeat(9))
    by_image = nine.sensitivity_at(0.8)
    by_group = nine.sensitivity_at(0.8, groups=np.arange(120).repeat(9))
    assert_allclose(by_group, once)
    width = once["high"] - once["low"]
    assert by_image["high"] - by_image["low"] < 0.5 * width
    assert once["low"] < once["sensitivity"] < once["high"]


def test_the_level_and_the_seed_are_those_of_the_evaluation():
    wide, narrow = (
        evaluation_of(SCORES, TRUE, level=level).sensitivity_at(0.8)
        for level in (0.95, 0.5)
    )
    assert wide["low"] < narrow["low"] <= narrow["high"] < wide["high"]
    again = evaluation_of(SCORES, TRUE).sensitivity_at(0.8)
    assert_allclose(again, wide)


@pytest.mark.parametrize("true", [np.zeros(120), np.ones(120)], ids=["none", "all"])
def test_without_images_of_a_class_nothing_is_known(true):
    assert evaluation_of(SCORES, true).sensitivity_at().isna().all()


def test_what_cannot_be_is_refused():
    evaluation = evaluation_of(SCORES, TRUE)
    with pytest.raises(ValueError, match=r"specificity from 0 to 1. Got 90"):
        evaluation.sensitivity_at(90)
    with pytest.raises(ValueError, match=r"one group an image. Got 120 .* \(3,\)"):
        evaluation.sensitivity_at(groups=[1, 2, 3])


def test_it_is_of_two_classes():
    found = evaluate(Oracle([0, 1, 2]), np.eye(3), [0, 1, 2])
    with pytest.raises(ValueError, match=r"sensitivity_at needs two classes. Got 3"):
        found.sensitivity_at()
