"""Tests for imgfeat/kernels/patches.py."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from imgfeat.kernels import patches as kernel
from imgfeat.kernels.patches import (
    Dictionary,
    cell_of_position,
    cut_patches,
    encode,
    n_positions,
)


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def positions_of(height, width, size, stride):
    tops = range(0, height - size + 1, stride)
    return [(t, left) for t in tops for left in range(0, width - size + 1, stride)]


def cut(image, size, stride, norm_eps=0.1):
    down, across = n_positions(image.shape, size, stride)
    out = np.empty((down * across, size * size * image.shape[2]), dtype=np.float32)
    cut_patches(image, size, stride, np.float32(norm_eps), out)
    return out


@pytest.mark.parametrize("size, stride", [(1, 1), (3, 1), (3, 2), (4, 5), (7, 3)])
def test_positions_are_those_where_a_patch_fits(size, stride):
    down, across = n_positions((7, 12), size, stride)
    assert down * across == len(positions_of(7, 12, size, stride))
    assert (down - 1) * stride + size <= 7 < down * stride + size
    assert (across - 1) * stride + size <= 12 < across * stride + size


@pytest.mark.parametrize("n_channels", [1, 3])
@pytest.mark.parametrize("size, stride", [(1, 1), (3, 1), (3, 2), (4, 5)])
def test_patches_are_normalized_windows_row_by_row(n_channels, size, stride):
    image = noise(7, 12, n_channels)
    expected = []
    for top, left in positions_of(7, 12, size, stride):
        window = image[top : top + size, left : left + size].ravel().astype(float)
        window -= window.mean()
        expected.append(window / np.sqrt(window.var() + 0.1))
    assert_allclose(cut(image, size, stride), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float64])
def test_pixels_of_any_dtype_are_cut_alike(dtype):
    image = np.random.default_rng(0).integers(0, 256, (6, 6, 3))
    expected = cut(image.astype(np.float32), 3, 1)
    assert_array_equal(cut(image.astype(dtype), 3, 1), expected)


def test_patch_of_one_colour_is_zeros():
    assert_array_equal(cut(np.full((5, 5, 1), 200, np.uint8), 3, 1), 0)


def test_cells_split_positions_evenly_in_reading_order():
    cells = cell_of_position((5, 4), (2, 2)).reshape(5, 4)
    assert_array_equal(cells[:, 0], [0, 0, 0, 2, 2])
    assert_array_equal(cells[0], [0, 0, 1, 1])
    assert_array_equal(np.bincount(cells.ravel()), [6, 6, 4, 4])
    assert_array_equal(cell_of_position((3, 3), (1, 1)), [0] * 9)


def dictionary(n_values, n_components=5, n_atoms=7, seed=1):
    return Dictionary(
        noise(n_values, seed=seed),
        noise(n_values, n_components, seed=seed + 1),
        noise(n_atoms, n_components, seed=seed + 2),
    )


def slow(image, learned, *, size, stride, norm_eps, encoding, grid):
    """Patch by patch, atom by atom, in float64."""
    rows = cut(image, size, stride, norm_eps).astype(float)
    cells = cell_of_position(n_positions(image.shape, size, stride), grid)
    pooled = np.zeros((grid[0] * grid[1], len(learned.atoms)))
    for row, cell in zip(rows, cells, strict=True):
        white = (row - learned.mean) @ learned.whitening.astype(float)
        z = np.sqrt(np.square(white - learned.atoms).sum(axis=1))
        if encoding == "hard":
            pooled[cell, z.argmin()] += 1
        else:
            pooled[cell] += np.maximum(0, z.mean() - z)
    return pooled


@pytest.mark.parametrize("encoding", ["triangle", "hard"])
@pytest.mark.parametrize("grid", [(1, 1), (2, 3)])
@pytest.mark.parametrize("size, stride, n_channels", [(3, 1, 1), (4, 2, 3), (1, 1, 1)])
def test_codes_match_the_definition(encoding, grid, size, stride, n_channels):
    images = noise(3, 9, 11, n_channels)
    options = {"size": size, "stride": stride, "norm_eps": 0.1}
    options |= {"encoding": encoding, "grid": grid}
    learned = dictionary(size * size * n_channels)
    expected = [slow(image, learned, **options) for image in images]
    found = encode(images, learned, **options)
    assert found.dtype == np.float32
    assert_allclose(found, expected, rtol=1e-3, atol=1e-3)


OPTIONS = {"size": 3, "stride": 1, "norm_eps": 0.1, "grid": (1, 1)}


@pytest.mark.parametrize("encoding", ["triangle", "hard"])
def test_how_many_patches_are_in_flight_changes_nothing(encoding, monkeypatch):
    images, learned = noise(2, 12, 12, 1), dictionary(9)
    whole = encode(images, learned, encoding=encoding, **OPTIONS)
    monkeypatch.setattr(kernel, "_SLAB_BYTES", 1)  # sixteen at a time
    parts = encode(images, learned, encoding=encoding, **OPTIONS)
    assert_allclose(parts, whole, rtol=1e-5)


@pytest.mark.parametrize("encoding", ["triangle", "hard"])
def test_image_depends_on_no_other_to_the_last_bit(encoding):
    images, learned = noise(4, 10, 10, 1), dictionary(9)
    whole = encode(images, learned, encoding=encoding, **OPTIONS)
    for i in range(4):
        alone = encode(images[i : i + 1], learned, encoding=encoding, **OPTIONS)
        assert_array_equal(alone[0], whole[i])


def test_hard_codes_count_every_patch_once():
    options = OPTIONS | {"grid": (2, 2), "encoding": "hard"}
    found = encode(noise(3, 9, 9, 1), dictionary(9), **options)
    assert_array_equal(found.sum(axis=2), np.tile([16, 12, 12, 9], (3, 1)))


def test_patch_that_is_an_atom_is_nearest_to_it_and_stays_finite():
    image = noise(3, 3, 1)
    identity = np.eye(9, dtype=np.float32)
    atoms = np.concatenate([cut(image, 3, 1), noise(4, 9)]) * np.float32(1)
    learned = Dictionary(np.zeros(9, np.float32), identity, atoms)
    hard = encode(image[None], learned, encoding="hard", **OPTIONS)
    assert_array_equal(hard[0, 0], [1, 0, 0, 0, 0])
    triangle = encode(image[None], learned, encoding="triangle", **OPTIONS)
    assert np.isfinite(triangle).all() and triangle[0, 0].argmax() == 0
