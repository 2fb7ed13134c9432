"""Tests for imgfeat/kernels/dense_sift.py and torch_dense_sift.py."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from skimage import data

from imgfeat.kernels import dense_sift as numba_dense_sift
from imgfeat.kernels import torch_dense_sift
from imgfeat.kernels.dense_sift import grid_starts


def orientation_maps(image):
    """Gradient lengths shared between 8 directions, (8, height, width)."""
    d_row, d_col = np.gradient(image.astype(np.float64))
    turn = np.arctan2(d_row, d_col) % (2 * np.pi) * (8 / (2 * np.pi))
    lower = np.floor(turn).astype(int)
    rows, cols = np.indices(image.shape)
    maps = np.zeros((8, *image.shape))
    length = np.hypot(d_row, d_col)
    maps[lower % 8, rows, cols] += (1 - (turn - lower)) * length
    maps[(lower + 1) % 8, rows, cols] += (turn - lower) * length
    return maps


def reference(image, step, bin_size, contrast_threshold=0.0, root=False):
    """The definition in float64, one bin of one descriptor at a time."""
    reach = np.arange(-bin_size, bin_size + 1)
    triangle = 1 - np.abs(reach) / bin_size
    maps = np.pad(
        orientation_maps(image), [(0, 0)] + [(bin_size, bin_size)] * 2, "edge"
    )
    window = [
        np.exp(-(((b - 1.5) * bin_size + reach[1:-1]) ** 2) / (8 * bin_size**2)).mean()
        for b in range(4)
    ]
    room = [side - 1 - 3 * bin_size for side in image.shape]
    grid = [range(free % step // 2, free + 1, step) for free in room]
    found = np.zeros((len(grid[0]), len(grid[1]), 4, 4, 8))
    for r, c, i, j in np.ndindex(found.shape[:4]):
        # Padding moved the bin's centre to the start of what it sees.
        top, left = grid[0][r] + i * bin_size, grid[1][c] + j * bin_size
        seen = maps[:, top : top + len(reach), left : left + len(reach)]
        weights = window[i] * window[j] * np.outer(triangle, triangle)
        found[r, c, i, j] = (weights * seen).sum(axis=(1, 2))
    return normalized(
        found.reshape(len(grid[0]), len(grid[1]), 128),
        contrast_threshold * (bin_size * sum(window)) ** 2,
        root,
    )


def normalized(found, threshold, root):
    result = np.zeros_like(found)
    keep = found.sum(axis=-1) > threshold
    kept = found[keep]
    kept = np.minimum(kept / np.linalg.norm(kept, axis=-1, keepdims=True), 0.2)
    kept /= np.linalg.norm(kept, axis=-1, keepdims=True)
    if root:
        kept = np.sqrt(kept / kept.sum(axis=-1, keepdims=True))
    result[keep] = kept
    return result


@pytest.fixture(params=["numba", "torch"])
def dense_sift(request):
    """The kernel, and its version for devices, on the CPU."""
    if request.param == "numba":
        return numba_dense_sift.dense_sift

    def on_tensors(images, *, contrast_threshold=0.0, **params):
        return torch_dense_sift.dense_sift(
            torch.from_numpy(images),
            contrast_threshold=torch.as_tensor(contrast_threshold),
            **params,
        ).numpy()

    return on_tensors


def photo(height, width):
    return np.ascontiguousarray(data.camera()[100:356:4, 200:456:4][:height, :width])


@pytest.mark.parametrize("root", [False, True])
@pytest.mark.parametrize("bin_size, step", [(4, 4), (3, 2), (5, 3), (2, 7), (1, 1)])
def test_matches_the_definition_on_a_photo(dense_sift, bin_size, step, root):
    image = photo(40, 37)
    found = dense_sift(image[None], step=step, bin_size=bin_size, root=root)
    expected = reference(image, step, bin_size, root=root)
    assert_allclose(found[0], expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("root", [False, True])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_matches_the_definition_on_noise_of_every_dtype(dense_sift, dtype, root):
    rng = np.random.default_rng(0)
    image = (rng.random((30, 26)) * (1 if dtype == np.float32 else 255)).astype(dtype)
    found = dense_sift(image[None], step=3, bin_size=4, root=root)
    assert found.dtype == np.float32
    assert_allclose(found[0], reference(image, 3, 4, root=root), rtol=0, atol=1e-5)


@pytest.mark.parametrize("root", [False, True])
@pytest.mark.parametrize("slope", [(0, 1), (1, 0), (1, 1), (-1, 1), (-1, 0), (2, -1)])
def test_matches_the_definition_where_all_edges_run_one_way(dense_sift, slope, root):
    # What leaks into the empty bins here, the square root magnifies most.
    image = (100 + np.indices((20, 20)).T @ slope).astype(np.uint8)
    found = dense_sift(image[None], step=2, bin_size=4, root=root)
    assert_allclose(found[0], reference(image, 2, 4, root=root), rtol=0, atol=1e-5)


def test_matches_the_definition_on_the_smallest_image(dense_sift):
    image = photo(13, 13)
    found = dense_sift(image[None], step=4, bin_size=4)
    assert found.shape == (1, 1, 1, 128)
    assert_allclose(found[0], reference(image, 4, 4), rtol=0, atol=1e-5)


def test_matches_the_definition_at_a_contrast_threshold(dense_sift):
    image = photo(64, 64)
    found = dense_sift(image[None], step=4, bin_size=4, contrast_threshold=12.0)
    expected = reference(image, 4, 4, contrast_threshold=12.0)
    is_zero = ~expected.any(axis=-1)
    assert 0 < is_zero.sum() < is_zero.size
    assert_array_equal(~found[0].any(axis=-1), is_zero)
    assert_allclose(found[0], expected, rtol=0, atol=1e-5)


def test_contrast_is_the_mean_gradient(dense_sift):
    ramp = np.tile(3 * np.arange(20, dtype=np.float32), (1, 20, 1))
    below, above = (
        dense_sift(ramp, step=4, bin_size=4, contrast_threshold=contrast)
        for contrast in (2.99, 3.01)
    )
    assert below.any(axis=-1).all()
    assert not above.any()


def test_each_image_may_have_its_own_threshold(dense_sift):
    images = np.stack([photo(20, 20)] * 2)
    found = dense_sift(
        images, step=4, bin_size=4, contrast_threshold=np.array([0, 1000])
    )
    assert found[0].any()
    assert not found[1].any()


@pytest.mark.parametrize("d_row, d_col, bin_", [(0, 1, 0), (1, 1, 1), (1, 0, 2)])
def test_ramp_fills_the_orientation_of_its_direction(dense_sift, d_row, d_col, bin_):
    rows, cols = np.indices((16, 16), dtype=np.float32)
    found = dense_sift((d_row * rows + d_col * cols)[None], step=4, bin_size=4)
    energy = found.reshape(-1, 8).sum(axis=0)
    assert energy.argmax() == bin_
    assert_allclose(np.delete(energy, bin_), 0, atol=1e-6)


def test_turning_the_image_turns_the_descriptors(dense_sift):
    image = photo(45, 45)
    found = dense_sift(image[None], step=4, bin_size=4)[0].reshape(9, 9, 4, 4, 8)
    turned = dense_sift(np.rot90(image).copy()[None], step=4, bin_size=4)[0]
    expected = np.rot90(np.rot90(found, axes=(0, 1)), axes=(2, 3))
    # Counter-clockwise seen from above, with rows that run downwards.
    expected = np.roll(expected, -2, axis=-1)
    assert_allclose(turned.reshape(expected.shape), expected, atol=1e-6)


def test_ignores_brightness_and_contrast(dense_sift):
    image = photo(30, 30).astype(np.float32)
    found, changed = (
        dense_sift(x[None], step=4, bin_size=4) for x in (image, 4 * image + 256)
    )
    assert_allclose(changed, found, atol=1e-6)


def test_blank_image_gives_zeros(dense_sift):
    assert not dense_sift(np.full((1, 20, 20), 7, np.uint8), step=4, bin_size=4).any()


@pytest.mark.parametrize("root", [False, True])
def test_descriptors_have_unit_length(dense_sift, root):
    found = dense_sift(photo(40, 40)[None], step=4, bin_size=4, root=root)
    assert_allclose(np.linalg.norm(found, axis=-1), 1, rtol=1e-6)


def test_an_image_gives_the_same_alone_and_in_a_batch():
    dense_sift = numba_dense_sift.dense_sift
    images = np.stack([photo(30, 30), photo(30, 30).T, 255 - photo(30, 30)])
    batch = dense_sift(images, step=2, bin_size=3, root=True)
    alone = [dense_sift(x[None], step=2, bin_size=3, root=True)[0] for x in images]
    assert_array_equal(batch, alone)


def test_writes_into_out():
    dense_sift = numba_dense_sift.dense_sift
    image = photo(20, 20)[None]
    out = np.empty((1, 2, 2, 128), dtype=np.float32)
    assert dense_sift(image, step=4, bin_size=4, out=out) is out
    assert_array_equal(out, dense_sift(image, step=4, bin_size=4))


@pytest.mark.parametrize(
    "side, step, bin_size, expected",
    [(13, 4, 4, [0]), (128, 4, 4, range(1, 114, 4)), (20, 5, 2, [1, 6, 11])],
)
def test_grid_lies_in_the_middle(side, step, bin_size, expected):
    starts = grid_starts(side, step=step, bin_size=bin_size)
    assert_array_equal(starts, list(expected))
    rest = side - 1 - (starts[-1] + 3 * bin_size)
    assert 0 <= rest - starts[0] <= 1
