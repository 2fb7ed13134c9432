"""Products of a few vectors at a time with a matrix, for the loops that need them.

A tile is four vectors. The matrix is cut into blocks, as many outputs side by side as
there are lanes, and every number read from it serves all four. Nothing passes through
memory on the way but the results, and no threads are started, as BLAS would.
"""

from typing import NamedTuple

import numpy as np

from imgfeat.kernels.simd import LANES, fma, jit, load, splat, store

TILE = 4


class AffineTables(NamedTuple):
    """A matrix in the order that the kernel reads it; see `affine_tables`."""

    center: np.ndarray
    blocks: np.ndarray
    bias: np.ndarray
    n_outputs: int


def affine_tables(matrix, center):
    """Lay out the map from x to ``matrix @ (x - center)`` for `affine_map`.

    Parameters
    ----------
    matrix : ndarray of shape (n_outputs, n_dims)
    center : ndarray of shape (n_dims,)

    Returns
    -------
    AffineTables
    """
    bias = np.zeros(padded(len(matrix)), dtype=np.float32)
    return AffineTables(center.astype(np.float32), in_blocks(matrix), bias, len(matrix))


def affine_map(values, tables):
    """Apply a matrix to each row.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_dims), float32
        C-contiguous, finite.
    tables : AffineTables

    Returns
    -------
    ndarray of shape (n_rows, n_outputs), float32
        A row depends on no other row, to the last bit.
    """
    out = np.empty((len(values), tables.n_outputs), dtype=np.float32)
    _affine_map(values, tables.center, tables.blocks, tables.bias, out)
    return out


def padded(length):
    """The next multiple of the number of lanes, at least one of them."""
    return max(1, -(-length // LANES)) * LANES


def in_blocks(rows):
    """Put rows side by side, in blocks of as many as there are lanes.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_dims)

    Returns
    -------
    ndarray of shape (n_blocks, n_dims, LANES), float32
        Zeros where the rows end.
    """
    blocks = np.zeros((padded(len(rows)), rows.shape[1]), dtype=np.float32)
    blocks[: len(rows)] = rows
    blocks = blocks.reshape(-1, LANES, rows.shape[1])
    return np.ascontiguousarray(blocks.transpose(0, 2, 1))


@jit
def load_tile(values, first, center, out, start=0):
    """Copy four vectors to rows of `out`, the last one again beyond the end."""
    for lane in range(TILE):
        row = min(first + lane, len(values) - 1)
        for dim in range(len(center)):
            out[start + lane, dim] = values[row, dim] - center[dim]


@jit
def multiply_tile(tile, blocks, bias, out):
    """``bias + tile @ matrix.T``, into `out` of shape (TILE, padded n_outputs)."""
    width = out.shape[1]
    n_dims = blocks.shape[1]
    for block in range(len(blocks)):
        at = block * LANES
        a = b = c = d = load(bias, at)
        for dim in range(n_dims):
            column = load(blocks, (block * n_dims + dim) * LANES)
            a = fma(splat(tile[0, dim]), column, a)
            b = fma(splat(tile[1, dim]), column, b)
            c = fma(splat(tile[2, dim]), column, c)
            d = fma(splat(tile[3, dim]), column, d)
        store(out, at, a)
        store(out, width + at, b)
        store(out, 2 * width + at, c)
        store(out, 3 * width + at, d)


@jit
def _affine_map(values, center, blocks, bias, out):
    tile = np.empty((TILE, len(center)), dtype=np.float32)
    rows = np.empty((TILE, len(bias)), dtype=np.float32)
    for first in range(0, len(values), TILE):
        load_tile(values, first, center, tile)
        multiply_tile(tile, blocks, bias, rows)
        for lane in range(min(TILE, len(values) - first)):
            for k in range(out.shape[1]):
                out[first + lane, k] = rows[lane, k]
