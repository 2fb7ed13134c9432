"""Tests for imgfeat/kernels/hog.py, _hog_votes.py, _hog_edges.py and torch_hog.py."""

import math

import numpy as np
import pytest
import skimage.feature
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from imgfeat.kernels import torch_hog
from imgfeat.kernels._block_norms import BLOCK_NORMS
from imgfeat.kernels.hog import hog, level_cells
from imgfeat.kernels.simd import LANES
from imgfeat.kernels.window_scores import add_blocks, cell_energies

DEFAULTS = {
    "orientations": 9,
    "pixels_per_cell": (8, 8),
    "cells_per_block": (2, 2),
    "block_norm": "L2-Hys",
    "transform_sqrt": False,
}


def hog_by_skimage(images, **params):
    channel_axis = 2 if images.ndim == 4 else None
    return np.stack(
        [
            skimage.feature.hog(
                image, feature_vector=False, channel_axis=channel_axis, **params
            )
            for image in images
        ]
    )


def assert_equals_skimage(images, **params):
    params = DEFAULTS | params
    expected = hog_by_skimage(images, **params)
    on_tensors = torch_hog.hog(torch.from_numpy(images), **params).numpy()
    # scikit-image sums up votes in float32, tensors in float64.
    for features, atol in ((hog(images, **params), 1e-6), (on_tensors, 1e-5)):
        assert features.dtype == np.float32
        assert_allclose(features, expected, rtol=0, atol=atol)


# What an image may hold, as values from 0 to 1. Few levels make ties: between channels,
# and between directions and the edges of bins.
CONTENTS = {
    "noise": lambda rng, shape: rng.random(shape),
    "five levels": lambda rng, shape: rng.integers(0, 5, shape) / 4,
    "ramp": lambda rng, shape: np.indices(shape)[rng.integers(1, 3)] / max(shape),
    "diagonal": lambda rng, shape: np.indices(shape)[1:3].sum(axis=0) / sum(shape),
    "constant": lambda rng, shape: np.full(shape, 0.3),
    "dark": lambda rng, shape: rng.random(shape) * (rng.random(shape) < 0.1),
    "many scales": lambda rng, shape: 10.0 ** rng.uniform(-20, 0, shape),
}
# How these values become pixels.
DTYPES = {
    "uint8": lambda values: (values * 255).astype(np.uint8),
    "uint16": lambda values: (values * 65535).astype(np.uint16),
    "float32": lambda values: values.astype(np.float32),
    "float64": lambda values: values,
    "8-bit values as float64": lambda values: np.rint(values * 255),
    "faint float64": lambda values: values * 1e-4,
    "strong float32": lambda values: (values * 1e30).astype(np.float32),
    "signed float64": lambda values: values - 0.5,
}


@st.composite
def batches(draw):
    """Images, and parameters that fit them."""
    cell = draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))
    block = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    rest = draw(st.tuples(st.integers(0, 20), st.integers(0, 20)))
    shape = (2, *(c * b + r for c, b, r in zip(cell, block, rest, strict=True)))
    if draw(st.booleans()):
        shape += (3,)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    values = CONTENTS[draw(st.sampled_from(sorted(CONTENTS)))](rng, shape)
    images = DTYPES[draw(st.sampled_from(sorted(DTYPES)))](values)
    few, many = st.integers(1, 20), st.sampled_from([28, 36, 41, 180, 256, 300])
    params = {
        "orientations": draw(few | many),
        "pixels_per_cell": cell,
        "cells_per_block": block,
        "block_norm": draw(st.sampled_from(BLOCK_NORMS)),
        "transform_sqrt": bool(images.min() >= 0) and draw(st.booleans()),
    }
    return images, params


@given(batches())
@settings(max_examples=250, deadline=None, derandomize=True)
def test_equals_skimage(batch):
    images, params = batch
    assert_equals_skimage(images, **params)


@pytest.mark.parametrize("orientations", [2, 4, 8, 9, 12, 20, 28, 36, 180])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_every_8_bit_gradient_falls_into_the_bin_of_skimage(orientations, dtype):
    # Cells of one pixel; the middle one of each image has the gradient (down, across).
    up_to = [0, 1, 2, 3, 5, 17, 64, 127, 128, 254, 255]
    gradients = [(d, a) for d in up_to for a in up_to] + [(255, a) for a in range(256)]
    images = np.zeros((len(gradients), 3, 3), dtype=dtype)
    images[:, 2, 1], images[:, 1, 2] = np.transpose(gradients)
    params = {"pixels_per_cell": (1, 1), "cells_per_block": (1, 1)}
    for flipped in (images, images[:, ::-1].copy()):
        assert_equals_skimage(flipped, orientations=orientations, **params)


@pytest.mark.parametrize("degrees", [20, 40, 60, 80, 100, 140, 160, 179.9999999])
def test_noise_around_the_edge_of_a_bin_is_binned_as_by_skimage(degrees):
    # Rounding scatters the gradients of these ramps to both sides of the edge.
    y, x = np.indices((1, 32, 40))[1:]
    angle = math.radians(degrees)
    ramp = x * math.cos(angle) + y * math.sin(angle)
    assert_equals_skimage(ramp)
    assert_equals_skimage(ramp.astype(np.float32))


def test_fractions_of_255_are_binned_as_by_skimage():
    # Gradients that are diagonal in 8 bits are so only nearly after the division.
    images = np.random.default_rng(0).integers(0, 9, (3, 32, 32)) / 255
    assert_equals_skimage(images, orientations=8)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_equally_long_gradients_of_two_channels_are_told_apart_as_by_skimage(dtype):
    # np.hypot rounds (4, 7) and (1, 8) apart on some systems, and (3, 4) and (0, 5).
    pairs = [(4, 7), (7, 4), (1, 8), (8, 1), (3, 4), (0, 5), (5, 0), (16, 63), (33, 56)]
    images = np.zeros((len(pairs) ** 2, 3, 3, 3), dtype=dtype)
    for image, (first, second) in zip(
        images, ((a, b) for a in pairs for b in pairs), strict=True
    ):
        image[2, 1, 0], image[1, 2, 0] = first
        image[2, 1, 2], image[1, 2, 2] = second
    assert_equals_skimage(images, pixels_per_cell=(1, 1), cells_per_block=(1, 1))


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_sums_of_large_cells_round_as_those_of_skimage(dtype):
    ramp = np.add.outer(np.arange(300) % 120, np.arange(310) % 97).astype(dtype)
    for cell in [(150, 155), (300, 310)]:
        assert_equals_skimage(ramp[None], pixels_per_cell=cell, cells_per_block=(1, 1))


@pytest.mark.parametrize("n_threads", [2, 3, 50])
def test_threads_change_nothing(images, color_images, n_threads):
    for batch in (images, color_images, images / 255):
        alone = hog(batch, **DEFAULTS)
        assert_array_equal(hog(batch, **DEFAULTS, n_threads=n_threads), alone)


def test_chunks_change_nothing(monkeypatch, images):
    for batch in (images, images / 255):
        whole = hog(batch, **DEFAULTS | {"orientations": 8})
        with monkeypatch.context() as patch:
            patch.setattr("imgfeat.kernels.hog._CHUNK_PIXELS", 2 * 20 * 18)
            chunked = hog(batch, **DEFAULTS | {"orientations": 8})
        assert_array_equal(chunked, whole)


def test_takes_an_empty_batch():
    features = hog(np.zeros((0, 16, 24), dtype=np.uint8), **DEFAULTS)
    assert features.shape == (0, 1, 2, 2, 2, 9)


# A whole image, as windows see it ---------------------------------------------------

MIDDLE, FIRST, LAST = (False, False), (True, False), (False, True)
EVERY_KIND = [
    (row, col) for row in (MIDDLE, FIRST, LAST) for col in (MIDDLE, FIRST, LAST)
]


@pytest.mark.parametrize("block_norm", BLOCK_NORMS)
@pytest.mark.parametrize("shape", [(44, 39), (44, 39, 3)])
@pytest.mark.parametrize("cell", [(8, 8), (5, 2)])
def test_blocks_of_an_image_are_those_of_windows_cut_from_it(cell, shape, block_norm):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, shape, dtype=np.uint8)
    image[10:30] = image[10:30, :1]  # without an edge across
    edges = np.array([row + col for row, col in EVERY_KIND])
    cells = level_cells(image, orientations=8, pixels_per_cell=cell, edges=edges)
    params = DEFAULTS | {
        "orientations": 8, "pixels_per_cell": cell, "block_norm": block_norm
    }  # fmt: skip
    down, across = [FIRST, MIDDLE, MIDDLE, LAST], [FIRST, MIDDLE, LAST]
    for top, left in [(0, 0), (1, 1), (cells.shape[1] - 4, cells.shape[3] - LANES - 3)]:
        rows = slice(top * cell[0], (top + 4) * cell[0])
        cols = slice(left * cell[1], (left + 3) * cell[1])
        window = np.ascontiguousarray(image[rows, cols])
        expected = hog(window[None], **params)[0].reshape(3, 2, -1)
        for row, col in np.ndindex(3, 2):
            kinds = np.array(
                [
                    [EVERY_KIND.index((y, x)) for x in across[col : col + 2]]
                    for y in down[row : row + 2]
                ]
            )
            found = _block(cells, kinds, block_norm, (top + row, left + col))
            assert_allclose(found, expected[row, col], atol=1e-6)


def _block(cells, kinds, block_norm, place):
    """Features of one block: each is a score of the only window."""
    norm = BLOCK_NORMS.index(block_norm)
    weights = np.eye(kinds.size * cells.shape[2], dtype=np.float32)
    total, here = np.zeros((len(weights), 1, 1)), np.zeros((1, 2), dtype=int)
    energies = cell_energies(cells, norm)
    add_blocks(cells, energies, kinds, norm, weights, here, place, (1, 1), total)
    return total[:, 0, 0]
