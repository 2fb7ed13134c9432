"""Tests for imgfeat/_validation.py."""

import re

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator

from imgfeat._validation import check_image_array, check_shape_param, size_text


class Lens(BaseEstimator):
    """An estimator to be named in messages, and to remember the shape."""


def check(X, lens=None, *, reset=True, **options):
    return check_image_array(
        Lens() if lens is None else lens, X, reset=reset, **options
    )


def refuses(words):
    return pytest.raises(ValueError, match=words)


# What comes out


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(2, 3, 5), (2, 3, 5, 3), (1, 1, 1)])
def test_images_come_out_as_they_went_in(dtype, shape):
    X = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    before = X.copy()
    found = check(X)
    assert found.dtype == dtype and found.shape == shape
    assert_array_equal(found, before)
    assert_array_equal(X, before)


def test_any_layout_of_memory_becomes_c_contiguous(color_images):
    for X in (
        np.asfortranarray(color_images),
        color_images[:, ::-2],
        color_images[::2],
    ):
        found = check(X)
        assert found.flags.c_contiguous
        assert_array_equal(found, X)


@pytest.mark.parametrize(
    "given, expected",
    [
        (np.array([[[False, True]]]), np.array([[[0, 255]]], np.uint8)),
        (np.array([[[0.1, 1]]], np.float16), np.array([[[0.1, 1]]], np.float16)),
        (np.array([[[0, 255]]], np.int64), np.array([[[0, 255]]], np.uint8)),
        (np.array([[[0, 9]]], np.int8), np.array([[[0, 9]]], np.uint8)),
        (np.array([[[3, 255]]], np.uint64), np.array([[[3, 255]]], np.uint8)),
        ([[[0.5, 2.5]]], np.array([[[0.5, 2.5]]])),
        ([[[7, 8]]], np.array([[[7, 8]]], np.uint8)),
    ],
    ids=["bool", "half", "8 bits", "signed", "unsigned", "list", "list of ints"],
)
def test_other_numbers_are_brought_to_a_dtype_of_images(given, expected):
    found = check(given)
    wanted = np.float32 if expected.dtype == np.float16 else expected.dtype
    assert found.dtype == wanted
    assert_array_equal(found, expected)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", ["u2", "f4", "f8"])
def test_byte_order_of_the_file_does_not_matter(order, kind):
    X = np.arange(12).reshape(1, 3, 4).astype(order + kind)
    found = check(X)
    assert_array_equal(found, np.arange(12).reshape(1, 3, 4))
    assert found.dtype.itemsize == X.dtype.itemsize


def test_last_axis_of_one_channel_is_dropped(images):
    assert_array_equal(check(images[..., None]), images)


@pytest.mark.parametrize("low, high", [(-1, 5), (0, 256)])
def test_integers_that_are_no_pixels_are_refused(low, high):
    words = rf"int64 pixels are read as 0\.\.255\. Got values from {low} to {high}; use"
    with pytest.raises(ValueError, match=words):
        check(np.array([[[low, high]]]))


# Flattened images


@pytest.mark.parametrize(
    "n_pixels, shape", [(16, (4, 4)), (48, (4, 4, 3)), (1, (1, 1)), (3, (1, 1, 3))]
)
def test_rows_of_square_images_are_folded_in_reading_order(n_pixels, shape):
    X = np.arange(2 * n_pixels).reshape(2, n_pixels)
    assert_array_equal(check(X), X.reshape(2, *shape))


@pytest.mark.parametrize("shape", [(2, 8), [8, 2], (np.int64(16), 1)])
def test_image_shape_folds_what_is_not_square_and_what_is(shape):
    X = np.arange(48).reshape(3, 16)
    assert_array_equal(check(X, image_shape=shape), X.reshape(3, *shape))


def test_image_shape_says_that_rows_are_rgb():
    X = np.arange(36).reshape(1, 36)  # 6 x 6 in gray, or 4 x 3 in RGB
    assert check(X).shape == (1, 6, 6)
    assert_array_equal(check(X, image_shape=(4, 3, 3)), X.reshape(1, 4, 3, 3))


def test_rows_that_fit_no_shape_are_refused():
    with pytest.raises(
        ValueError,
        match=r"Lens cannot tell .* 15 values a row.* Reshape them to \(n_samples, h",
    ):
        check(np.zeros((2, 15)))
    with pytest.raises(
        ValueError,
        match=r"image_shape=\(2, 8\) needs rows of 16 values\. Got 15 features",
    ):
        check(np.zeros((2, 15)), image_shape=(2, 8))


# What is refused


@pytest.mark.parametrize(
    "shape, remedy",
    [
        ((2, 3, 8, 8), r"move the channels last: X\.transpose\(0, 2, 3, 1\)"),
        ((2, 1, 8, 8), "move the channels last"),
        ((2, 8, 8, 4), r"drop the alpha channel: X\[\.\.\., :3\]"),
        ((2, 8, 8, 2), "give gray images, or RGB with the channels last"),
        ((2, 2, 8, 8, 3), "give gray images, or RGB with the channels last"),
    ],
)
def test_axes_in_another_order_are_named_with_a_remedy(shape, remedy):
    with pytest.raises(
        ValueError,
        match=rf"Lens expects images of shape .* Got {re.escape(str(shape))}; {remedy}",
    ):
        check(np.zeros(shape, np.uint8))


def test_one_photo_is_no_batch():
    with pytest.raises(ValueError, match=r"one RGB image; put it in a list: \[X\]"):
        check(np.zeros((20, 30, 3), np.uint8))
    assert check(np.zeros((20, 30, 3, 1), np.uint8)).shape == (20, 30, 3)


@pytest.mark.parametrize("shape", [(2, 0, 5), (2, 5, 0, 3)])
def test_images_without_pixels_are_refused(shape):
    with pytest.raises(ValueError, match=r"needs images with pixels\. Got shape"):
        check(np.zeros(shape))


def test_masked_arrays_are_refused():
    with pytest.raises(ValueError, match=r"masked pixels\. Got .*: X\.filled\(0\)"):
        check(np.ma.masked_less(np.zeros((2, 5, 5)), 1))


def test_less_than_a_batch_is_refused():
    with pytest.raises(ValueError, match=r"a batch of images.*shape \(8,\).*X\[None\]"):
        check(np.zeros(8))
    with pytest.raises(TypeError, match="at least 1 dimension"):
        check(np.float32(3))


@pytest.mark.parametrize(
    "value, name", [(np.nan, "NaN"), (np.inf, "infinity"), (-np.inf, "infinity")]
)
def test_images_that_are_not_finite_are_counted_and_the_first_is_named(value, name):
    X = np.zeros((5, 4, 4), np.float32)
    X[1, 0, :2] = X[3, 2, 2] = value
    with pytest.raises(
        ValueError,
        match=rf"contains {name}: 2 of 5 images, the first is image 1 with 2 such",
    ):
        check(X)


def test_huge_pixels_whose_sum_overflows_are_still_finite():
    X = np.full((2, 8, 8), np.finfo(np.float64).max)
    assert_array_equal(check(X), X)


def test_infinities_that_cancel_are_found():
    X = np.zeros((1, 2, 2))
    X[0, 0] = np.inf, -np.inf
    with pytest.raises(ValueError, match="contains infinity: 1 of 1 images"):
        check(X)


# What is remembered


def test_shape_of_fit_is_required_afterwards(color_images):
    lens = Lens()
    check(color_images, lens)
    assert lens.image_shape_in_ == (24, 20, 3)
    assert lens.n_features_in_ == 24 * 20 * 3
    check(color_images[:1], lens, reset=False)
    with pytest.raises(
        ValueError,
        match=r"Lens was fitted on RGB images\. Got gray images; .*mode='rgb'\)",
    ):
        check(color_images[..., 0], lens, reset=False)
    with pytest.raises(
        ValueError,
        match=r"on images of 24 x 20 pixels\. Got 20 x 24; .*size=\(24, 20\)\)",
    ):
        check(color_images.transpose(0, 2, 1, 3), lens, reset=False)
    assert lens.image_shape_in_ == (24, 20, 3)


def test_any_size_lets_other_images_by(images):
    lens = Lens()
    check(images, lens)
    assert check(images[:, :5], lens, reset=False, any_size=True).shape == (6, 5, 18)


def test_nothing_is_remembered_without_fit(images):
    lens = Lens()
    check(images, lens, reset=False)
    assert vars(lens) == {}


# Shapes as parameters


def test_shape_becomes_a_tuple_of_plain_ints():
    shape = check_shape_param([np.int32(3), 4], "size")
    assert shape == (3, 4)
    assert [type(side) for side in shape] == [int, int]


@pytest.mark.parametrize("value", [3, (3,), (3, 4, 3), (0, 3), (2.0, 3), "ab", None])
def test_bad_shape_names_the_parameter_and_the_value(value):
    words = rf"size must be a tuple of 2 positive ints\. Got {re.escape(repr(value))}\."
    with pytest.raises(ValueError, match=words):
        check_shape_param(value, "size")


def test_either_length_may_be_allowed():
    assert check_shape_param((3, 4, 3), "image_shape", length=(2, 3)) == (3, 4, 3)
    with pytest.raises(
        ValueError, match="image_shape must be a tuple of 2 or 3 positive ints"
    ):
        check_shape_param((3,), "image_shape", length=(2, 3))


def test_size_is_told_as_height_by_width():
    assert size_text((28, 32, 3)) == "28 x 32"


def test_remedies_name_only_parameters_that_there_are():
    flat = np.zeros((4, 37), np.uint8)
    with refuses(r"Reshape them to .*; one image goes into a list: \[X\]"):
        check(flat)
    lens = Lens()
    lens.image_shape = None
    with refuses(r"Pass image_shape=\(height, width\)"):
        check(flat, lens)


def test_lists_of_numbers_have_one_length():
    with refuses("rows of one length. Got lists of numbers whose lengths differ"):
        check([[1, 2], [3]])
