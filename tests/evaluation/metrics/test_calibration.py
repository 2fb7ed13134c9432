"""Tests for imgfeat/evaluation/metrics/_calibration.py and _interval.py."""

import numpy as np
import pytest

from imgfeat.evaluation.metrics._calibration import (
    bin_of_equal_mass,
    coverage_table,
    reliability_table,
)
from imgfeat.evaluation.metrics._interval import wilson_interval


def test_bins_hold_as_many_images_each():
    confidence = np.random.default_rng(0).random(1000)
    assert np.bincount(bin_of_equal_mass(confidence)).tolist() == [100] * 10


@pytest.mark.parametrize("n_images", [1, 2, 7])
def test_equal_values_share_a_bin(n_images):
    assert bin_of_equal_mass(np.full(n_images, 0.3)).tolist() == [0] * n_images
    confidence = np.repeat([0.2, 0.9], [3, 40])
    bins = bin_of_equal_mass(confidence)
    assert len(np.unique(bins[3:])) == 1


def test_honest_probabilities_lie_on_the_diagonal():
    rng = np.random.default_rng(0)
    confidence = rng.random(20_000)
    table = reliability_table(confidence, rng.random(20_000) < confidence)
    assert np.abs(table["probability"] - table["accuracy"]).max() < 0.03
    assert table["n_images"].sum() == 20_000


def test_coverage_ends_at_the_accuracy_of_all():
    confidence = np.array([0.9, 0.5, 0.5, 0.8])
    right = np.array([True, False, True, True])
    table = coverage_table(confidence, right)
    assert table["coverage"].tolist() == [0.25, 0.5, 1.0]
    assert table["accuracy"].tolist() == [1, 1, 0.75]
    assert table["threshold"].tolist() == [0.9, 0.8, 0.5]


def test_wilson_interval_is_that_of_the_paper():
    low, high = wilson_interval([10, 0], [10, 20])
    assert low == pytest.approx([0.7224672, 0], abs=1e-6)
    assert high == pytest.approx([1, 0.1611252], abs=1e-6)
