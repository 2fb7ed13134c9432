"""Tests for imgfeat/sources/_aspect.py: one image, brought to a size."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from imgfeat.kernels.resize import resize
from imgfeat.sources._aspect import ASPECTS, center_corner, fit_image

SIZES = [(8, 8), (5, 9), (9, 5), (1, 1), (30, 40), (1, 20)]
SHAPES = [(12, 12), (7, 20), (20, 7, 3), (1, 1), (1, 50), (50, 1, 3)]


def noise(shape, seed=0):
    return np.random.default_rng(seed).integers(1, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("aspect", ASPECTS)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("shape", SHAPES)
def test_has_the_size_the_channels_and_the_dtype(aspect, size, shape):
    image = noise(shape)
    for given in (image, image.astype(np.float32)):
        fitted = fit_image(given, size, aspect=aspect)
        assert fitted.shape == (*size, *shape[2:])
        assert fitted.dtype == given.dtype


@pytest.mark.parametrize("aspect", ASPECTS)
@pytest.mark.parametrize("shape", [(6, 9), (9, 6, 3)])
def test_image_of_the_size_stays_as_it_is(aspect, shape):
    image = noise(shape)
    assert_array_equal(fit_image(image, shape[:2], aspect=aspect), image)


@pytest.mark.parametrize("size", SIZES)
def test_stretch_is_a_resize_and_nothing_else(size):
    image = noise((11, 17, 3))
    assert_array_equal(fit_image(image, size), resize(image, size))


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic", "nearest"])
def test_same_aspect_ratio_needs_no_crop_and_no_padding(interpolation):
    image = noise((12, 20))
    expected = fit_image(image, (6, 10), interpolation=interpolation)
    for aspect in ("crop", "pad"):
        fitted = fit_image(image, (6, 10), aspect=aspect, interpolation=interpolation)
        assert_array_equal(fitted, expected)


@pytest.mark.parametrize(
    "shape, size, whole, corner",
    [
        ((10, 30), (10, 10), (10, 30), (0, 10)),
        ((30, 10), (10, 10), (30, 10), (10, 0)),
        ((10, 30), (5, 5), (5, 15), (0, 5)),
        ((20, 20), (5, 10), (10, 10), (2, 0)),  # torchvision rounds 2.5 to even
    ],
)
def test_crop_is_the_middle_of_what_covers_the_size(shape, size, whole, corner):
    image = noise(shape)
    top, left = corner
    covering = resize(image, whole)
    expected = covering[top : top + size[0], left : left + size[1]]
    assert_array_equal(fit_image(image, size, aspect="crop"), expected)


@pytest.mark.parametrize(
    "shape, size, whole, corner",
    [
        ((10, 30), (30, 30), (10, 30), (10, 0)),
        ((30, 10, 3), (30, 30), (30, 10), (0, 10)),
        ((10, 30), (9, 15), (5, 15), (2, 0)),
    ],
)
def test_pad_centers_all_of_the_image_on_black(shape, size, whole, corner):
    image = noise(shape)
    expected = np.zeros((*size, *shape[2:]), dtype=np.uint8)
    rows, cols = (slice(a, a + n) for a, n in zip(corner, whole, strict=True))
    expected[rows, cols] = resize(image, whole)
    assert_array_equal(fit_image(image, size, aspect="pad"), expected)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("aspect", ASPECTS)
def test_image_of_one_colour_stays_so_but_for_black_bars(shape, aspect):
    fitted = fit_image(np.full(shape, 77, np.uint8), (9, 13), aspect=aspect)
    assert set(np.unique(fitted)) <= ({0, 77} if aspect == "pad" else {77})
    assert (fitted == 77).any()


@pytest.mark.parametrize("aspect", ASPECTS)
@pytest.mark.parametrize("shape, size", [((10, 30), (6, 8)), ((13, 8), (8, 5))])
def test_axes_may_be_swapped_before_or_after(aspect, shape, size):
    image = noise(shape).astype(np.float32)
    swapped = fit_image(np.ascontiguousarray(image.T), size[::-1], aspect=aspect)
    fitted = fit_image(image, size, aspect=aspect)
    np.testing.assert_allclose(swapped.T, fitted, rtol=1e-5)


def test_corner_of_the_middle_is_rounded_to_even():
    assert center_corner((10, 11), (4, 4)) == (3, 4)
    assert center_corner((9, 7), (4, 2)) == (2, 2)
    assert center_corner((5, 5), (5, 5)) == (0, 0)
