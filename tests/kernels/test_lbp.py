"""Tests for imgfeat/kernels/lbp.py."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from skimage.feature import local_binary_pattern

from imgfeat.kernels.lbp import METHODS, count_bins, lbp_codes, lbp_histograms, margin

CIRCLES = [(1, 1), (4, 1), (6, 1.5), (8, 1), (8, 2.5), (16, 2)]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n_points, radius", CIRCLES)
def test_codes_are_those_of_skimage_up_to_the_border(images, n_points, radius, method):
    # scikit-image has zeros around the image.
    edge = margin(radius)
    padded = np.pad(images, ((0, 0), (edge, edge), (edge, edge)))
    codes = lbp_codes(padded, n_points=n_points, radius=radius, method=method)
    expected = [local_binary_pattern(x, n_points, radius, method) for x in images]
    assert_array_equal(codes, expected)


def test_uniform_codes_need_no_table(images):
    codes = lbp_codes(images, n_points=24, radius=3, method="uniform")
    expected = [local_binary_pattern(x, 24, 3, "uniform") for x in images]
    assert_array_equal(codes, np.array(expected)[:, 3:-3, 3:-3])


def pattern_of_one_pixel(image, row, col, n_points, radius):
    """The definition: which points of the circle are not darker than its centre."""
    pattern = 0
    for p in range(n_points):
        angle = 2 * np.pi * p / n_points
        y = np.round(-radius * np.sin(angle), 5) + row
        x = np.round(radius * np.cos(angle), 5) + col
        top, left = int(np.floor(y)), int(np.floor(x))
        corners = image[top : top + 2, left : left + 2]
        down, right = np.array([1 - (y - top), y - top]), [1 - (x - left), x - left]
        value = down[: len(corners)] @ corners @ right[: corners.shape[1]]
        pattern |= int(value >= image[row, col] - 1e-9) << p
    return pattern


def test_patterns_match_the_definition():
    # Few gray levels: points are as bright as their centre everywhere.
    image = np.random.default_rng(0).integers(0, 3, (14, 15)).astype(float)
    codes = lbp_codes(image[None], n_points=8, radius=1.5, method="default")[0]
    expected = [
        [pattern_of_one_pixel(image, row, col, 8, 1.5) for col in range(2, 13)]
        for row in range(2, 12)
    ]
    assert_array_equal(codes, expected)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("grid", [(1, 1), (3, 2), (16, 14)])
def test_histograms_count_codes_in_cells(images, method, grid):
    how = {"n_points": 8, "radius": 2, "method": method}
    codes = lbp_codes(images, **how)
    bins = np.searchsorted(np.unique(all_codes(8, method)), codes)
    n_samples, n_rows, n_cols = codes.shape
    expected = np.zeros((n_samples, *grid, count_bins(8, method)), dtype=int)
    for i, row, col in np.ndindex(codes.shape):
        cell = row * grid[0] // n_rows, col * grid[1] // n_cols
        expected[(i, *cell, bins[i, row, col])] += 1
    assert_array_equal(lbp_histograms(images, grid=grid, **how), expected)


def all_codes(n_points, method):
    if method != "ror":
        return np.arange(count_bins(n_points, method))
    turns = [
        [int(f"{p:0{n_points}b}"[k:] + f"{p:0{n_points}b}"[:k], 2) for p in range(256)]
        for k in range(n_points)
    ]
    return np.min(turns, axis=0)


@pytest.mark.parametrize(
    "method, n_bins",
    [("uniform", 10), ("nri_uniform", 59), ("ror", 36), ("default", 256)],
)
def test_knows_how_many_codes_there_are(method, n_bins):
    assert count_bins(8, method) == n_bins


@pytest.mark.parametrize("dtype", [np.uint16, np.float32, np.float64])
def test_every_dtype_gives_the_same_codes(images, dtype):
    how = {"n_points": 8, "radius": 1, "method": "default"}
    assert_array_equal(lbp_codes(images.astype(dtype), **how), lbp_codes(images, **how))
