"""Matrix products for a few hundred vectors at a time, in the loops that need them.

A tile is four vectors; what they are multiplied with is laid out so that the numbers
for neighbouring outputs stand side by side and fill a register, and each is read once
for all four. Between BLAS calls every intermediate would pass through memory, and BLAS
would start threads of its own.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

TILE = 4  # vectors that share one reading of the table
LANES = 16  # float32 numbers in the widest register
DEPTH = 4  # dimensions a pass: how seldom the running sums go to memory and back

# Sums may be reordered and fused, which vectorizes them. Callers refuse NaN.
jit = njit(nogil=True, cache=True, fastmath={"contract", "nnan", "nsz", "reassoc"})


class AffineTables(NamedTuple):
    """A matrix in the order that the kernel reads it; see `affine_tables`."""

    center: np.ndarray
    across: np.ndarray
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
    across = lay_across(matrix)
    bias = np.zeros(across.shape[1], dtype=np.float32)
    return AffineTables(center.astype(np.float32), across, bias, len(matrix))


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
    _affine_map(values, tables.center, tables.across, tables.bias, out)
    return out


def padded(length, multiple=LANES):
    """The next multiple of `multiple`, at least one of them."""
    return max(1, -(-length // multiple)) * multiple


def lay_across(rows):
    """Transpose to float32, with zeros up to full passes and full registers."""
    shape = padded(rows.shape[1], DEPTH), padded(len(rows))
    across = np.zeros(shape, dtype=np.float32)
    across[: rows.shape[1], : len(rows)] = rows.T
    return across


@jit
def load_tile(values, first, center, tile):
    """Copy four vectors from `first`, the last one again beyond the end."""
    for lane in range(TILE):
        row = values[min(first + lane, len(values) - 1)]
        for dim in range(len(center)):
            tile[lane, dim] = row[dim] - center[dim]


@jit
def multiply_tile(tile, across, bias, out):
    """``bias + tile @ across``, into `out` of shape (TILE, n_outputs)."""
    a, b, c, d = out[0], out[1], out[2], out[3]
    for k in range(len(bias)):
        a[k] = b[k] = c[k] = d[k] = bias[k]
    for dim in range(0, len(across), DEPTH):
        table0, table1 = across[dim], across[dim + 1]
        table2, table3 = across[dim + 2], across[dim + 3]
        a0, a1, a2, a3 = (
            tile[0, dim],
            tile[0, dim + 1],
            tile[0, dim + 2],
            tile[0, dim + 3],
        )
        b0, b1, b2, b3 = (
            tile[1, dim],
            tile[1, dim + 1],
            tile[1, dim + 2],
            tile[1, dim + 3],
        )
        c0, c1, c2, c3 = (
            tile[2, dim],
            tile[2, dim + 1],
            tile[2, dim + 2],
            tile[2, dim + 3],
        )
        d0, d1, d2, d3 = (
            tile[3, dim],
            tile[3, dim + 1],
            tile[3, dim + 2],
            tile[3, dim + 3],
        )
        for k in range(len(bias)):
            t0, t1, t2, t3 = table0[k], table1[k], table2[k], table3[k]
            a[k] += a0 * t0 + a1 * t1 + a2 * t2 + a3 * t3
            b[k] += b0 * t0 + b1 * t1 + b2 * t2 + b3 * t3
            c[k] += c0 * t0 + c1 * t1 + c2 * t2 + c3 * t3
            d[k] += d0 * t0 + d1 * t1 + d2 * t2 + d3 * t3


@jit
def _affine_map(values, center, across, bias, out):
    tile = np.zeros((TILE, len(across)), dtype=np.float32)
    rows = np.empty((TILE, len(bias)), dtype=np.float32)
    for first in range(0, len(values), TILE):
        load_tile(values, first, center, tile)
        multiply_tile(tile, across, bias, rows)
        for lane in range(min(TILE, len(values) - first)):
            for k in range(out.shape[1]):
                out[first + lane, k] = rows[lane, k]
