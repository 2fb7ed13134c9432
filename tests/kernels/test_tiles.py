"""Tests for imgfeat/kernels/tiles.py; test_encode.py has the product itself."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from imgfeat.kernels.simd import LANES
from imgfeat.kernels.tiles import TILE, affine_map, affine_tables, in_blocks, padded


def draw(n_rows, n_dims, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n_rows, n_dims)).astype(np.float32)


@pytest.mark.parametrize(
    "length, expected",
    [(0, 1), (1, 1), (LANES - 1, 1), (LANES, 1), (LANES + 1, 2), (3 * LANES, 3)],
)
def test_lengths_are_filled_up_to_whole_vectors(length, expected):
    assert padded(length) == expected * LANES


@pytest.mark.parametrize("n_rows", [1, LANES, LANES + 3])
def test_blocks_hold_rows_side_by_side_and_zeros_behind(n_rows):
    rows = draw(n_rows, 5)
    blocks = in_blocks(rows)
    assert blocks.shape == (padded(n_rows) // LANES, 5, LANES)
    assert blocks.flags.c_contiguous and blocks.dtype == np.float32
    side_by_side = np.concatenate(list(blocks), axis=1)
    assert_array_equal(side_by_side[:, :n_rows], rows.T)
    assert_array_equal(side_by_side[:, n_rows:], 0)


@pytest.mark.parametrize("n_outputs", [1, LANES + 1])
def test_row_depends_on_no_other_to_the_last_bit(n_outputs):
    values = draw(3 * TILE + 1, 7)
    tables = affine_tables(draw(n_outputs, 7, seed=1), np.full(7, 0.3))
    whole = affine_map(values, tables)
    for row in range(len(values)):
        assert_array_equal(affine_map(values[row : row + 1], tables)[0], whole[row])
    assert_array_equal(affine_map(values[::-1].copy(), tables)[::-1], whole)


def test_center_itself_is_mapped_to_zero():
    center = draw(1, 9)
    tables = affine_tables(draw(20, 9, seed=1), center[0])
    assert_array_equal(affine_map(center, tables), np.zeros((1, 20)))


def test_far_from_the_origin_nothing_is_lost():
    matrix, values = draw(6, 4, seed=1), np.round(draw(10, 4) * 64) / 64
    far = np.float32(1024)
    near = affine_map(values, affine_tables(matrix, np.zeros(4)))
    moved = affine_map(values + far, affine_tables(matrix, np.full(4, far)))
    assert_array_equal(moved, near)


def test_no_rows_give_no_rows():
    tables = affine_tables(draw(3, 4), np.zeros(4))
    assert affine_map(np.empty((0, 4), np.float32), tables).shape == (0, 3)
