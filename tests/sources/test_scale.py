"""Tests for imgfeat/sources/_scale.py."""

import numpy as np
import pytest

from imgfeat.sources._scale import check_unit_range, outside_unit_range, white_of


@pytest.mark.parametrize(
    "dtype, white", [("uint8", 255), ("uint16", 65535), ("float32", 1), ("float64", 1)]
)
def test_white_is_the_same_brightness_in_every_dtype(dtype, white):
    assert white_of(np.dtype(dtype)) == white


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_decides_by_the_values_of_floats(dtype):
    for inside in ([0, 1], [0.5, 0.5], [-0.0, 1]):
        assert outside_unit_range(np.array(inside, dtype=dtype)) is None
    for outside in ([-0.1, 1], [0, 1.01], [0, np.inf]):
        low, high = outside_unit_range(np.array(outside, dtype=dtype))
        assert (low, high) == tuple(np.array(outside, dtype=dtype))
    assert np.isnan(outside_unit_range(np.array([0, np.nan], dtype=dtype))).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_integers_pass(dtype):
    assert check_unit_range(np.full((2, 2), 255, dtype=dtype), "HOG") is None


@pytest.mark.parametrize(
    "values, message",
    [
        ([0, 255], r"HOG needs float pixels in 0\.\.1\. Got values from 0 to 255 in X"),
        ([0, 255], r"in X; divide by 255, or give uint8 images\."),
        ([-1, 1], r"Got values from -1 to 1 in X; scale them to 0\.\.1, or give uint8"),
        ([0, 300], r"scale them to 0\.\.1"),
        ([0.5, np.nan], r"HOG needs finite pixels\. Got NaN in X; drop the image"),
    ],
)
def test_says_who_needs_what_and_what_to_do(values, message):
    with pytest.raises(ValueError, match=message):
        check_unit_range(np.array(values, dtype=float), "HOG")


def test_says_where_and_what_else_would_do():
    with pytest.raises(ValueError, match=r"in image 3; divide by .*, or use 'light'\."):
        check_unit_range(np.array([2.0]), "HOG", "image 3", instead="use 'light'")
