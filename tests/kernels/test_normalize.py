"""Tests for imgfeat/kernels/normalize.py."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from imgfeat.kernels.normalize import normalize_rows, power_normalize, sum_of_squares


@pytest.fixture
def rows():
    return np.random.default_rng(0).normal(size=(5, 3, 37)).astype(np.float32)


@pytest.mark.parametrize("power", [1, 0.5, 0.3])
def test_power_keeps_the_sign(rows, power):
    expected = np.sign(rows) * np.abs(rows) ** power
    assert_allclose(power_normalize(rows.copy(), power), expected, rtol=1e-6)


@pytest.mark.parametrize("norm, order", [("l1", 1), ("l2", 2)])
def test_rows_get_length_one(rows, norm, order):
    expected = rows / np.linalg.norm(rows, ord=order, axis=2, keepdims=True)
    assert_allclose(normalize_rows(rows.copy(), norm), expected, rtol=1e-6)


def test_no_norm_leaves_rows_alone(rows):
    assert_array_equal(normalize_rows(rows.copy(), None), rows)


@pytest.mark.parametrize("size", [1e-38, 1e-25, 1e25, 1e38])
@pytest.mark.parametrize("norm", ["l1", "l2"])
def test_the_size_of_rows_does_not_matter(norm, size):
    rows = np.array([[1, -1, 0.5, 0]], dtype=np.float32)
    scaled = normalize_rows(rows * np.float32(size), norm)
    assert_allclose(scaled, normalize_rows(rows, norm), rtol=1e-5)


def test_zeros_stay_and_nothing_is_fine():
    assert_array_equal(normalize_rows(np.zeros((2, 3), np.float32), "l2"), 0)
    assert normalize_rows(np.zeros((0, 3), np.float32), "l2").shape == (0, 3)
    assert normalize_rows(np.zeros((2, 0), np.float32), "l2").shape == (2, 0)


def test_sum_of_squares_shows_what_is_not_finite(rows):
    values = rows[0]
    assert_allclose(sum_of_squares(values), np.square(values).sum(), rtol=1e-5)
    values[1, 5] = np.nan
    assert np.isnan(sum_of_squares(values))
    values[1, 5] = np.inf
    assert sum_of_squares(values) == np.inf
    assert sum_of_squares(np.empty((0, 4), np.float32)) == 0
