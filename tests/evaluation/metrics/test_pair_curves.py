"""Tests for imgfeat/evaluation/metrics/_pair_curves.py."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score, roc_curve

from imgfeat.evaluation.metrics._pair_curves import (
    PairCurves,
    area,
    equal_error_rate,
    true_accepts_at,
)


@pytest.fixture
def pairs():
    rng = np.random.default_rng(0)
    same = rng.random(300) < 0.4
    return np.round(rng.normal(same, 0.7), 1), same  # with equals among them


def test_rates_are_those_of_scikit_learn(pairs):
    similarity, same = pairs
    for weights in (np.ones(300), np.arange(300) % 4):
        found = PairCurves(similarity, same).rates(weights)
        expected = roc_curve(
            same, similarity, sample_weight=weights, drop_intermediate=False
        )
        for mine, other in zip(found, expected[:2], strict=True):
            np.testing.assert_allclose(np.unique(mine), np.unique(other))
        auc = roc_auc_score(same, similarity, sample_weight=weights)
        assert area(*found) == pytest.approx(auc)


def test_a_weight_is_as_good_as_so_many_pairs(pairs):
    similarity, same = pairs
    times = np.arange(300) % 3
    found = PairCurves(similarity, same).rates(times)
    repeated = np.repeat(similarity, times), np.repeat(same, times)
    other = PairCurves(*repeated).rates(np.ones(len(repeated[0])))
    assert equal_error_rate(*found) == pytest.approx(equal_error_rate(*other))
    assert true_accepts_at(0.1, *found) == pytest.approx(true_accepts_at(0.1, *other))


def test_what_is_told_without_a_mistake_has_no_errors():
    similarity, same = np.array([0.1, 0.2, 0.8, 0.9]), np.array([False, False, 1, 1])
    both = PairCurves(similarity, same.astype(bool)).rates(np.ones(4))
    assert equal_error_rate(*both) == 0
    assert true_accepts_at(0.001, *both) == 1
    both = PairCurves(-similarity, same.astype(bool)).rates(np.ones(4))
    assert equal_error_rate(*both) == 1
    assert true_accepts_at(0.5, *both) == 0


def test_errors_are_equal_between_thresholds():
    # Passing: 0 and 1 of the same, then 1 of two others: 1/2 of the line is wrong.
    similarity, same = np.array([3.0, 2.0, 1.0]), np.array([False, True, False])
    both = PairCurves(similarity, same).rates(np.ones(3))
    assert equal_error_rate(*both) == pytest.approx(0.5)
    assert true_accepts_at(0.5, *both) == 1
    assert true_accepts_at(0.49, *both) == 0


def test_nothing_is_said_of_what_is_not_there(pairs):
    similarity, same = pairs
    both = PairCurves(similarity, same).rates(same.astype(float))
    assert np.isnan([area(*both), equal_error_rate(*both)]).all()
    assert np.isnan(true_accepts_at(0.1, *both))
