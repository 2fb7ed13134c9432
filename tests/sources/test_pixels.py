"""Tests for imgfeat/sources/_pixels.py."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from imgfeat.sources._pixels import as_dtype, as_mode, check_pixels

# Kinds of arrays


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(3, 5), (3, 5, 3)])
def test_pixels_stay_what_they_are(dtype, shape):
    pixels = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    for given in (pixels, np.asfortranarray(pixels), pixels[::-1][::-1]):
        found = check_pixels(given)
        assert found.dtype == dtype and found.flags.c_contiguous
        assert_array_equal(found, pixels)


def test_one_channel_is_gray():
    pixels = np.arange(6, dtype=np.uint8).reshape(2, 3, 1)
    assert_array_equal(check_pixels(pixels), pixels[..., 0])


@pytest.mark.parametrize(
    "given, dtype, expected",
    [
        ([False, True], bool, np.uint8([0, 255])),
        ([0.25, 1], np.float16, np.float32([0.25, 1])),
        ([0, 255], np.int64, np.uint8([0, 255])),
        ([0, 255], np.int16, np.uint8([0, 255])),
        ([0, 200], np.uint32, np.uint8([0, 200])),
    ],
)
def test_other_numbers_become_pixels_of_the_same_value(given, dtype, expected):
    found = check_pixels(np.array([given], dtype=dtype))
    assert found.dtype == expected.dtype
    assert_array_equal(found, expected[None])


@pytest.mark.parametrize("kind", ["u2", "f4", "f8"])
def test_byte_order_does_not_change_the_depth(kind):
    pixels = np.arange(6).reshape(2, 3).astype(f">{kind}")
    found = check_pixels(pixels)
    assert found.dtype == np.dtype(kind)
    assert_array_equal(found, pixels)


@pytest.mark.parametrize("shape", [(4,), (4, 4, 2), (4, 4, 4), (1, 4, 4, 3), ()])
def test_shapes_that_are_no_image_are_refused(shape):
    with pytest.raises(ValueError, match=r"is not \(height, width\) or \(height, wid"):
        check_pixels(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("shape", [(0, 4), (4, 0, 3)])
def test_image_without_pixels_is_refused(shape):
    with pytest.raises(ValueError, match="has no pixels"):
        check_pixels(np.zeros(shape))


@pytest.mark.parametrize("low, high", [(-1, 3), (0, 256)])
def test_integers_that_are_no_pixels_are_refused(low, high):
    with pytest.raises(ValueError, match=rf"0\.\.255\. Got .* {low} to {high}; use"):
        check_pixels(np.array([[low, high]]))


@pytest.mark.parametrize("values", [["a"], [None], [1j]])
def test_what_is_no_number_is_refused(values):
    with pytest.raises(ValueError, match=r"pixels of dtype .* are not uint8, uint16"):
        check_pixels(np.array([values]))


# Depth


def test_sixteen_bits_are_rounded_to_the_nearest_of_eight():
    every = np.arange(65536, dtype=np.uint16)
    assert_array_equal(as_dtype(every, "uint8"), np.rint(every / 257))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_integers_survive_the_way_to_floats_and_back(dtype):
    every = np.arange(np.iinfo(dtype).max + 1).astype(dtype)
    floats = as_dtype(every, "float32")
    assert floats.dtype == np.float32
    assert (floats[0], floats[-1]) == (0, 1)
    assert_array_equal(np.rint(floats * np.iinfo(dtype).max), every)
    assert_array_equal(as_dtype(floats, "uint8"), as_dtype(every, "uint8"))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_floats_are_rounded_to_eight_bits(dtype):
    values = np.linspace(0, 1, 1001, dtype=dtype)
    found = as_dtype(values, "uint8")
    assert np.abs(found - values * 255.0).max() <= 0.5 + 1e-4
    assert as_dtype(values, "float32").dtype == np.float32


def test_what_needs_no_change_is_not_copied():
    gray, floats = np.zeros((2, 2), np.uint8), np.zeros((2, 2), np.float32)
    assert as_dtype(gray, "uint8") is gray
    assert as_dtype(floats, "float32") is floats


@pytest.mark.parametrize("value", [-0.01, 1.01, 255, np.nan, np.inf])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_floats_outside_of_the_unit_range_are_refused(value, dtype):
    with pytest.raises(ValueError, match=r"float pixels from .* are outside 0\.\.1"):
        as_dtype(np.array([[0.5, value]]), dtype)


# Gray and RGB


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_gray_becomes_three_equal_channels_and_comes_back(dtype):
    gray = (np.arange(12) / 12 * 250).reshape(3, 4).astype(dtype)
    rgb = as_mode(gray, "rgb")
    assert rgb.shape == (3, 4, 3) and rgb.dtype == dtype
    for channel in range(3):
        assert_array_equal(rgb[..., channel], gray)
    np.testing.assert_allclose(as_mode(rgb, "gray"), gray, rtol=1e-5)


def test_mode_that_is_there_is_kept():
    gray, rgb = np.zeros((2, 2), np.uint8), np.zeros((2, 2, 3), np.uint8)
    for pixels, mode in [(gray, "gray"), (gray, None), (rgb, "rgb"), (rgb, None)]:
        assert as_mode(pixels, mode) is pixels


def test_value_range_says_what_black_and_white_are():
    pixels = np.int16([[-1000, 0, 1000]])
    found = check_pixels(pixels, (-1000, 1000))
    assert_array_equal(found, np.float32([[0, 0.5, 1]]))
    eight = np.uint8([[0, 7]])
    assert check_pixels(eight, (0, 9)) is eight
    with pytest.raises(ValueError, match=r" to 1000 are outside value_range=\(0, 9"):
        check_pixels(pixels, (0, 900))


def test_masked_pixels_are_refused():
    with pytest.raises(ValueError, match=r"masked array: fill it with pixels\.filled"):
        check_pixels(np.ma.masked_less(np.eye(3), 1))
