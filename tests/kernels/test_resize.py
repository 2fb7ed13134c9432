"""Tests for imgfeat/kernels/resize.py."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

from imgfeat.kernels.resize import INTERPOLATIONS, resize

SMOOTH = [name for name in INTERPOLATIONS if name != "nearest"]
SIZES = [(10, 7), (24, 20), (24, 9), (61, 50), (5, 40), (1, 1)]
INTEGERS = [np.uint8, np.uint16]
FLOATS = [np.float32, np.float64]


def with_pillow(image, size, interpolation):
    """Pillow's resize in two calls, so that all of its versions filter rows first."""
    method = Image.Resampling[interpolation.upper()]
    narrow = Image.fromarray(image).resize((size[1], image.shape[0]), method)
    return np.asarray(narrow.resize(size[::-1], method))


def reference_filter(x, interpolation):
    if interpolation == "box":
        return float(-0.5 < x <= 0.5)
    x = abs(x)
    if interpolation == "bilinear":
        return max(0.0, 1 - x)
    if interpolation == "lanczos":
        return np.sinc(x) * np.sinc(x / 3) if x < 3 else 0.0
    # Keys' cubic with a = -1/2
    if x < 1:
        return 1.5 * x**3 - 2.5 * x**2 + 1
    return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x < 2 else 0.0


def reference_matrix(n_in, n_out, interpolation):
    """Row i holds the weights of all inputs in output i, one at a time."""
    scale = n_in / n_out
    stretch = max(scale, 1)
    matrix = np.zeros((n_out, n_in))
    for i in range(n_out):
        for j in range(n_in):
            distance = (j + 0.5 - (i + 0.5) * scale) / stretch
            matrix[i, j] = reference_filter(distance, interpolation)
    return matrix / matrix.sum(axis=1, keepdims=True)


def reference(image, size, interpolation):
    """The definition in float64: one dense matrix an axis."""
    rows = reference_matrix(image.shape[0], size[0], interpolation)
    cols = reference_matrix(image.shape[1], size[1], interpolation)
    return np.einsum("ia,jb,ab...->ij...", rows, cols, image.astype(np.float64))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("interpolation", SMOOTH)
@pytest.mark.parametrize("dtype", FLOATS)
def test_matches_the_definition(color_images, size, interpolation, dtype):
    image = color_images[0].astype(dtype) / dtype(255)
    for channels in (image, np.ascontiguousarray(image[..., 0])):
        resized = resize(channels, size, interpolation=interpolation)
        assert resized.dtype == dtype
        expected = reference(channels, size, interpolation)
        assert_allclose(resized, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_uint8_is_within_one_level_of_pillow(color_images, size, interpolation):
    # Black and white noise makes the filters overshoot as far as they can.
    harsh = np.where(color_images[1] < 128, 0, 255).astype(np.uint8)
    for image in (color_images[0], harsh, np.ascontiguousarray(harsh[..., 0])):
        ours = resize(image, size, interpolation=interpolation).astype(int)
        off = abs(ours - with_pillow(image, size, interpolation))
        # Lanczos enlarges noise so that a level between the passes may tell twice.
        assert off.max() <= (2 if interpolation == "lanczos" else 1)
        assert np.mean(off > 1) < 1e-3


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("interpolation", SMOOTH)
def test_uint8_is_exact_so_that_the_order_of_sums_does_not_tell(
    color_images, size, interpolation
):
    harsh = np.where(color_images[1] < 128, 0, 255).astype(np.uint8)
    for image in (color_images[0], harsh):
        rows, cols = (
            whole_weights(*pair, interpolation)
            for pair in zip(image.shape, size, strict=False)
        )
        narrow = np.einsum("jb,ab...->aj...", cols, image.astype(np.int64))
        narrow = np.clip((narrow + 2**15) >> 16, 0, 255)
        small = np.einsum("ia,aj...->ij...", rows, narrow)
        expected = np.clip((small + 2**15) >> 16, 0, 255)
        resized = resize(image, size, interpolation=interpolation)
        assert_array_equal(resized, expected)


def whole_weights(n_in, n_out, interpolation):
    """The definition's weights as integers of 16 bits; every row sums to 2**16."""
    exact = reference_matrix(n_in, n_out, interpolation) * 2**16
    whole = np.floor(exact + 0.5 + 2**-20).astype(np.int64)
    whole[np.arange(n_out), whole.argmax(axis=1)] += 2**16 - whole.sum(axis=1)
    return whole


def test_nearest_equals_pillow_at_every_ratio():
    ramp = np.arange(200, dtype=np.uint8)[None]
    for width in range(1, 300):
        ours = resize(ramp, (1, width), interpolation="nearest")
        assert_array_equal(ours, with_pillow(ramp, (1, width), "nearest"))


# From Pillow, and written down: a new Pillow, numba or processor must not change
# what a saved model sees.
GOLDEN = {
    "box": [[118, 122, 102], [116, 134, 143]],
    "bilinear": [[115, 132, 105], [114, 120, 138]],
    "bicubic": [[115, 132, 101], [116, 119, 139]],
    "lanczos": [[116, 130, 101], [116, 120, 137]],
    "nearest": [[119, 222, 18], [9, 112, 164]],
}


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_golden_pixels_do_not_move(interpolation):
    row, col = np.indices((5, 8))
    image = ((row * 73 + col * col * 41 + 5) % 256).astype(np.uint8)
    resized = resize(image, (2, 3), interpolation=interpolation).astype(int)
    assert abs(resized - GOLDEN[interpolation]).max() <= 1


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
@pytest.mark.parametrize("dtype", INTEGERS + FLOATS)
def test_box_is_a_window_of_the_whole_result(color_images, interpolation, dtype):
    image = color_images[0].astype(dtype)
    for size in ((11, 9), (40, 31), image.shape[:2]):
        whole = resize(image, size, interpolation=interpolation)
        window = resize(image, size, interpolation=interpolation, box=(2, 1, 7, 5))
        assert window.shape == (7, 5, 3)
        assert_allclose(window, whole[2:9, 1:6], rtol=1e-6)


@pytest.mark.parametrize("n_channels", [1, 3])
def test_wide_and_high_images_are_filtered_in_parts_like_any_other(n_channels):
    rng = np.random.default_rng(0)
    shape = (3, 700, n_channels)[: 2 + (n_channels == 3)]
    wide = rng.integers(0, 256, shape).astype(np.uint8)
    high = np.ascontiguousarray(wide.swapaxes(0, 1))
    for image, size in ((wide, (3, 200)), (high, (200, 3)), (wide, (2, 800))):
        expected = reference(image, size, "bilinear")
        assert_allclose(resize(image, size), expected, rtol=0, atol=1.01)
    parts = [resize(wide, (3, 200), box=(0, left, 3, 50)) for left in (0, 50, 100)]
    assert_array_equal(np.hstack(parts), resize(wide, (3, 200))[:, :150])


def test_uint16_uses_all_of_its_range(color_images):
    image = color_images[0].astype(np.uint16) * 257
    resized = resize(image, (9, 11))
    assert resized.dtype == np.uint16
    assert_allclose(resized, reference(image, (9, 11), "bilinear"), rtol=0, atol=1.1)
    assert len(np.unique(resized)) > 256


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
@pytest.mark.parametrize("value", [0, 1, 254, 255])
def test_flat_image_stays_flat(interpolation, value):
    flat = np.full((13, 17, 3), value, dtype=np.uint8)
    for size in ((5, 6), (29, 40)):
        assert_array_equal(resize(flat, size, interpolation=interpolation), value)


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_same_size_gives_a_copy(images, interpolation):
    copy = resize(images[0], images[0].shape, interpolation=interpolation)
    assert_array_equal(copy, images[0])
    assert not np.shares_memory(copy, images[0])


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_writes_into_out(images, interpolation):
    out = np.empty((7, 8), dtype=np.uint8)
    assert resize(images[0], (7, 8), interpolation=interpolation, out=out) is out
    assert_array_equal(out, resize(images[0], (7, 8), interpolation=interpolation))


def test_takes_views_and_read_only_memory(color_images):
    expected = resize(color_images[0], (7, 8))
    wide = np.repeat(color_images[0], 2, axis=1)[:, ::2]
    wide.flags.writeable = False
    assert_array_equal(resize(wide, (7, 8)), expected)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 2)])
def test_smallest_images_resize(shape):
    image = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    for interpolation in INTERPOLATIONS:
        for size in ((1, 1), (3, 4)):
            ours = resize(image, size, interpolation=interpolation).astype(int)
            assert abs(ours - with_pillow(image, size, interpolation)).max() <= 1
