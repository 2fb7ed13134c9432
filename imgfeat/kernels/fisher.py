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

_ZERO, _ONE, _MINUS_HALF, _ROOT_HALF = np.float32([0, 1, -0.5, 0.5**0.5])
_ONE_BIT = np.uint64(1)
_NEVER = np.float32(-1e38)
# Descriptors whose shares are found before any is used: as many as a mask has bits.
GROUP = 64
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
    weight: np.ndarray
    finest: float


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
        weights.astype(np.float32),
        float(scale.max()),
    )


def fisher_sums(values, cells, n_cells, tables, *, cutoff=18.0):
    """Sum the shares of descriptors in the components, and their moments.

    With ``g`` the share of a descriptor x in a component (the posterior probability)
    and ``z = (x - mean) / deviation``, the sums of ``g``, ``g * z`` and
    ``g * (z**2 - 1)`` over the descriptors of each cell.

    Parameters
    ----------
    values : ndarray of shape (n_descriptors, n_dims), float32
        C-contiguous, finite.
    cells : ndarray of shape (n_levels, n_descriptors), int32
        The cell that a descriptor belongs to at each level of the pyramid.
    n_cells : int
    tables : MixtureTables
    cutoff : float, default=18.0
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
        values, cells, *tables[:-2], np.float32(cutoff), shares, first, second
    )
    return log_likelihood, shares, first[..., :n_dims], second[..., :n_dims]


def fisher_vectors(
    values, cells, n_cells, tables, *, weights=False, means=True, variances=True
):
    """Encode the descriptors of each cell by their Fisher vector.

    Parameters
    ----------
    values, cells, n_cells, tables
        As in `fisher_sums`.
    weights, means, variances : bool
        The parts to give, in this order; `imgfeat.features.FisherVector` defines them.

    Returns
    -------
    ndarray of shape (n_cells, n_numbers), float32
        Before any normalization. A cell without descriptors is zeros.
    """
    _, shares, first, second = fisher_sums(values, cells, n_cells, tables)
    n_components, n_dims = first.shape[1:]
    n_numbers = weights * n_components + (means + variances) * n_components * n_dims
    out = np.empty((n_cells, n_numbers), dtype=np.float32)
    _gradients(
        shares, first, second, cells, tables.weight, weights, means, variances, out
    )
    return out


def _full_registers(rows):
    """Rows of float32, with zeros up to full registers."""
    out = np.zeros((len(rows), padded(rows.shape[1])), dtype=np.float32)
    out[:, : rows.shape[1]] = rows
    return out


@jit
def _log_density_tile(rows, tile, scale, shift, log_weight, out):
    """Of four rows, from `tile` on, up to a constant, into the same rows of `out`."""
    width = out.shape[1]
    n_dims = scale.shape[1]
    half = splat(_MINUS_HALF)
    for block in range(len(scale)):
        a = b = c = d = splat(_ZERO)
        for dim in range(n_dims):
            # Differences first: products of x and x^2 would cancel where a component
            # is narrow.
            s = load(scale, (block * n_dims + dim) * LANES)
            m = load(shift, (block * n_dims + dim) * LANES)
            z = fma(splat(rows[tile, dim]), s, m)
            a = fma(z, z, a)
            z = fma(splat(rows[tile + 1, dim]), s, m)
            b = fma(z, z, b)
            z = fma(splat(rows[tile + 2, dim]), s, m)
            c = fma(z, z, c)
            z = fma(splat(rows[tile + 3, dim]), s, m)
            d = fma(z, z, d)
        log_w = load(log_weight, block * LANES)
        at = tile * width + block * LANES
        store(out, at, fma(a, half, log_w))
        store(out, at + width, fma(b, half, log_w))
        store(out, at + 2 * width, fma(c, half, log_w))
        store(out, at + 3 * width, fma(d, half, log_w))


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
def _to_densities(densities, row):
    """Divide a row of log densities by the largest; return its log, and the new sum."""
    start = row * densities.shape[1]
    stop = start + densities.shape[1]
    best = load(densities, start)
    for at in range(start + LANES, stop, LANES):
        best = maximum(best, load(densities, at))
    largest = highest(best)
    sums = splat(_ZERO)
    for at in range(start, stop, LANES):
        density = _exponential(add(load(densities, at), splat(-largest)))
        sums = add(sums, density)
        store(densities, at, density)
    return largest, total(sums)


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
    rows = np.zeros((GROUP, width), dtype=np.float32)
    densities = np.empty((GROUP, n_padded), dtype=np.float32)
    inverses = np.empty(GROUP, dtype=np.float32)
    # For each component a bit for each row that has a share in it.
    members = np.zeros(n_padded, dtype=np.uint64)
    least = splat(np.exp(-cutoff))
    log_likelihood = 0.0
    for start in range(0, len(values), GROUP):
        n_rows = min(GROUP, len(values) - start)
        for tile in range(0, n_rows, TILE):
            load_tile(values, start + tile, center, rows, tile)
            _log_density_tile(
                rows, tile, scale_blocks, shift_blocks, log_weight, densities
            )
        for row in range(n_rows):
            log_largest, density_sum = _to_densities(densities, row)
            inverses[row] = _ONE / density_sum
            log_likelihood += log_largest + np.log(density_sum)
        members[:] = 0
        for row in range(n_rows):
            row_bit = _ONE_BIT << np.uint64(row)
            for at in range(0, n_padded, LANES):
                kept = where_above(load(densities, row * n_padded + at), least)
                while kept:
                    k = at + lowest_bit(kept)
                    kept &= kept - _ONE_BIT
                    members[k] |= row_bit
                    densities[row, k] *= inverses[row]
                    for level in range(len(cells)):
                        shares[cells[level, start + row], k] += densities[row, k]
        for k in range(n_components):
            if members[k]:
                for level in range(len(cells)):
                    _add_moments(
                        rows, densities, members[k], k, scale, shift,
                        cells, level, start, first, second,
                    )  # fmt: skip
    return log_likelihood


@jit
def _add_moments(
    rows, densities, members, k, scale, shift, cells, level, start, first, second
):
    """Add what the members of component k bring, cell by cell."""
    width = scale.shape[1]
    minus_one = splat(-_ONE)
    for dim in range(k * width, (k + 1) * width, LANES):
        scales, shifts = load(scale, dim), load(shift, dim)
        # Sums stay in registers as long as the next descriptor is in the same cell.
        sum1 = sum2 = splat(_ZERO)
        cell, left = -1, members
        while left:
            row = lowest_bit(left)
            left &= left - _ONE_BIT
            if cells[level, start + row] != cell:
                if cell >= 0:
                    at = cell * scale.size + dim
                    store(first, at, add(load(first, at), sum1))
                    store(second, at, add(load(second, at), sum2))
                    sum1 = sum2 = splat(_ZERO)
                cell = cells[level, start + row]
            z = fma(load(rows, row * width + dim - k * width), scales, shifts)
            share = splat(densities[row, k])
            sum1 = fma(share, z, sum1)
            # What second moments exceed those of a perfect fit by is small; the
            # difference of two sums would lose it.
            sum2 = fma(share, fma(z, z, minus_one), sum2)
        if cell >= 0:
            at = cell * scale.size + dim
            store(first, at, add(load(first, at), sum1))
            store(second, at, add(load(second, at), sum2))


@jit
def _gradients(
    shares, first, second, cells, weight, with_weights, with_means, with_variances, out
):
    n_components, n_dims = first.shape[1:]
    counts = np.zeros(len(out), dtype=np.intp)
    for level in range(cells.shape[0]):
        for row in range(cells.shape[1]):
            counts[cells[level, row]] += 1
    for cell in range(len(out)):
        count = np.float32(max(counts[cell], 1))
        for k in range(n_components):
            per_root = _ONE / (np.sqrt(weight[k]) * count)
            at = k * n_dims
            if with_weights:
                expected = np.float32(counts[cell]) * weight[k]
                out[cell, k] = (shares[cell, k] - expected) * per_root
                at += n_components
            if with_means:
                for dim in range(n_dims):
                    out[cell, at + dim] = first[cell, k, dim] * per_root
                at += n_components * n_dims
            if with_variances:
                for dim in range(n_dims):
                    out[cell, at + dim] = second[cell, k, dim] * (
                        -_ROOT_HALF * per_root
                    )
