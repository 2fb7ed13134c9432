"""Local descriptors against a mixture of Gaussians: the sums of Fisher vectors and EM.

A descriptor has a share in few of the components. Its distance to all of them is taken,
which is what costs, and the rest of the work is done for those few alone.
"""

from typing import NamedTuple

import numpy as np

from imgfeat.kernels.simd import (
    LANES,
    add,
    fma,
    highest,
    jit,
    load,
    lowest_bit,
    maximum,
    multiply,
    nearest_integer,
    splat,
    store,
    total,
    two_to_the,
    where_above,
)
from imgfeat.kernels.tiles import TILE, in_blocks, load_tile, padded

_ZERO, _ONE, _MINUS_HALF = np.float32([0, 1, -0.5])
_NEVER = np.float32(-1e38)
# Series of 2**x, within 1e-7 for x in -0.5..0.5.
_LOG2_E = np.float32(np.log2(np.e))
_C1, _C2, _C3, _C4, _C5, _C6 = np.float32(
    [0.69314718, 0.24022651, 0.05550411, 0.00961813, 0.00133336, 0.00015404]
)
_SMALLEST_EXPONENT = np.float32(-126)


class MixtureTables(NamedTuple):
    """A mixture in the order that the kernel reads it; see `mixture_tables`."""

    center: np.ndarray
    scale: np.ndarray
    shift: np.ndarray
    scale_blocks: np.ndarray
    shift_blocks: np.ndarray
    log_weight: np.ndarray


def mixture_tables(weights, means, covariances):
    """Lay a mixture of Gaussians with diagonal covariances out for `fisher_sums`.

    Parameters
    ----------
    weights : ndarray of shape (n_components,)
    means, covariances : ndarray of shape (n_components, n_dims)

    Returns
    -------
    MixtureTables
    """
    # From the middle of the mixture, float32 holds the standardized numbers best.
    center = (weights @ means).astype(np.float32)
    scale = 1 / np.sqrt(covariances, dtype=np.float64)
    shift = (center.astype(np.float64) - means) * scale
    log_weight = np.full(padded(len(weights)), _NEVER, dtype=np.float32)
    log_weight[: len(weights)] = np.log(weights) + np.log(scale).sum(axis=1)
    return MixtureTables(
        center,
        _full_registers(scale),
        _full_registers(shift),
        in_blocks(scale),
        in_blocks(shift),
        log_weight,
    )


def fisher_sums(values, cells, n_cells, tables, *, cutoff=21.0):
    """Sum the shares of descriptors in the components, and their moments.

    With ``g`` the share of a descriptor x in a component (the posterior probability)
    and ``z = (x - mean) / deviation``, the sums of ``g``, ``g * z`` and ``g * z**2``
    over the descriptors of each cell.

    Parameters
    ----------
    values : ndarray of shape (n_descriptors, n_dims), float32
        C-contiguous, finite.
    cells : ndarray of shape (n_levels, n_descriptors), int32
        The cell that a descriptor belongs to at each level of the pyramid.
    n_cells : int
    tables : MixtureTables
    cutoff : float, default=21.0
        Leave out components whose share is ``exp(-cutoff)`` of the largest or less.
        Small shares count: the power normalization of a Fisher vector magnifies them.

    Returns
    -------
    log_likelihood : float
        Sum over the descriptors, up to a constant: ``n_dims / 2 * log(2 * pi)`` each.
    shares : ndarray of shape (n_cells, n_components), float32
    first, second : ndarray of shape (n_cells, n_components, n_dims), float32
    """
    n_dims = len(tables.center)
    shape = (n_cells, *tables.scale.shape)
    shares = np.zeros(shape[:2], dtype=np.float32)
    first = np.zeros(shape, dtype=np.float32)
    second = np.zeros(shape, dtype=np.float32)
    log_likelihood = _sum_moments(
        values, cells, *tables, np.float32(cutoff), shares, first, second
    )
    return log_likelihood, shares, first[..., :n_dims], second[..., :n_dims]


def _full_registers(rows):
    """Rows of float32, with zeros up to full registers."""
    out = np.zeros((len(rows), padded(rows.shape[1])), dtype=np.float32)
    out[:, : rows.shape[1]] = rows
    return out


@jit
def _log_density_tile(tile, scale, shift, log_weight, out):
    """Up to a constant, for all components, into `out` of shape (TILE, padded)."""
    width = out.shape[1]
    n_dims = scale.shape[1]
    half = splat(_MINUS_HALF)
    for block in range(len(scale)):
        at = block * LANES
        a = b = c = d = splat(_ZERO)
        for dim in range(n_dims):
            # Differences first: products of x and x^2 would cancel where a component
            # is narrow.
            s = load(scale, (block * n_dims + dim) * LANES)
            m = load(shift, (block * n_dims + dim) * LANES)
            z = fma(splat(tile[0, dim]), s, m)
            a = fma(z, z, a)
            z = fma(splat(tile[1, dim]), s, m)
            b = fma(z, z, b)
            z = fma(splat(tile[2, dim]), s, m)
            c = fma(z, z, c)
            z = fma(splat(tile[3, dim]), s, m)
            d = fma(z, z, d)
        log_w = load(log_weight, at)
        store(out, at, fma(a, half, log_w))
        store(out, width + at, fma(b, half, log_w))
        store(out, 2 * width + at, fma(c, half, log_w))
        store(out, 3 * width + at, fma(d, half, log_w))


@jit
def _exponential(x):
    """``exp(x)``, within 3e-6 for x in -25..0; below -87, 1e-38."""
    x = maximum(multiply(x, splat(_LOG2_E)), splat(_SMALLEST_EXPONENT))
    whole = nearest_integer(x)
    rest = fma(whole, splat(-_ONE), x)
    series = splat(_C6)
    series = fma(series, rest, splat(_C5))
    series = fma(series, rest, splat(_C4))
    series = fma(series, rest, splat(_C3))
    series = fma(series, rest, splat(_C2))
    series = fma(series, rest, splat(_C1))
    series = fma(series, rest, splat(_ONE))
    return multiply(series, two_to_the(whole))


@jit
def _sum_moments(
    values,
    cells,
    center,
    scale,
    shift,
    scale_blocks,
    shift_blocks,
    log_weight,
    cutoff,
    shares,
    first,
    second,
):
    n_components, width = scale.shape
    n_padded = len(log_weight)
    tile = np.zeros((TILE, width), dtype=np.float32)
    rows = np.empty((TILE, n_padded), dtype=np.float32)
    least = splat(np.exp(-cutoff))
    log_likelihood = 0.0
    for at_row in range(0, len(values), TILE):
        load_tile(values, at_row, center, tile)
        _log_density_tile(tile, scale_blocks, shift_blocks, log_weight, rows)
        for lane in range(min(TILE, len(values) - at_row)):
            start, stop = lane * n_padded, (lane + 1) * n_padded
            best = load(rows, start)
            for at in range(start + LANES, stop, LANES):
                best = maximum(best, load(rows, at))
            largest = highest(best)
            sums = splat(_ZERO)
            for at in range(start, stop, LANES):
                density = _exponential(add(load(rows, at), splat(-largest)))
                sums = add(sums, density)
                store(rows, at, density)
            density_sum = total(sums)
            log_likelihood += largest + np.log(density_sum)
            for at in range(start, stop, LANES):
                kept = where_above(load(rows, at), least)
                while kept:
                    k = at - start + lowest_bit(kept)
                    kept &= kept - np.uint64(1)
                    share = rows[lane, k] / density_sum
                    for level in range(len(cells)):
                        cell = cells[level, at_row + lane]
                        shares[cell, k] += share
                        out = (cell * n_components + k) * width
                        for dim in range(0, width, LANES):
                            z = fma(
                                load(tile, lane * width + dim),
                                load(scale, k * width + dim),
                                load(shift, k * width + dim),
                            )
                            part = multiply(splat(share), z)
                            store(first, out + dim, add(load(first, out + dim), part))
                            store(
                                second, out + dim, fma(part, z, load(second, out + dim))
                            )
    return log_likelihood
