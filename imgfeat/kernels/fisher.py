"""Local descriptors against a mixture of Gaussians: the sums of Fisher vectors and EM.

A descriptor has a share in few of the components. Its distance to all of them is taken,
which is what costs, and the rest of the work is done for those few alone.
"""

import math
from typing import NamedTuple

import numpy as np

from imgfeat.kernels.tiles import TILE, jit, lay_across, load_tile, padded

_HALF = np.float32(0.5)
_NEVER = np.float32(-1e38)


class MixtureTables(NamedTuple):
    """A mixture in the order that the kernel reads it; see `mixture_tables`."""

    center: np.ndarray
    scale: np.ndarray
    shift: np.ndarray
    scale_across: np.ndarray
    shift_across: np.ndarray
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
    shift = (means - center.astype(np.float64)) * scale
    log_weight = np.full(padded(len(weights)), _NEVER, dtype=np.float32)
    log_weight[: len(weights)] = np.log(weights) + np.log(scale).sum(axis=1)
    return MixtureTables(
        center,
        scale.astype(np.float32),
        shift.astype(np.float32),
        lay_across(scale),
        lay_across(shift),
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
    shape = (n_cells, *tables.scale.shape)
    shares = np.zeros(shape[:2], dtype=np.float32)
    first = np.zeros(shape, dtype=np.float32)
    second = np.zeros(shape, dtype=np.float32)
    log_likelihood = _sum_moments(
        values, cells, *tables, np.float32(cutoff), shares, first, second
    )
    return log_likelihood, shares, first, second


@jit
def _distance_tile(tile, scale, shift, squared):
    """Squared distances to all components, in their own deviations."""
    a, b, c, d = squared[0], squared[1], squared[2], squared[3]
    squared[:] = 0
    # Two dimensions a pass halve how often the running sums go to memory and back.
    for dim in range(0, len(scale), 2):
        scale0, shift0 = scale[dim], shift[dim]
        scale1, shift1 = scale[dim + 1], shift[dim + 1]
        a0, a1 = tile[0, dim], tile[0, dim + 1]
        b0, b1 = tile[1, dim], tile[1, dim + 1]
        c0, c1 = tile[2, dim], tile[2, dim + 1]
        d0, d1 = tile[3, dim], tile[3, dim + 1]
        for k in range(scale.shape[1]):
            s, m = scale0[k], shift0[k]
            p, q, r, t = a0 * s - m, b0 * s - m, c0 * s - m, d0 * s - m
            s, m = scale1[k], shift1[k]
            u, v, w, x = a1 * s - m, b1 * s - m, c1 * s - m, d1 * s - m
            a[k] += p * p + u * u
            b[k] += q * q + v * v
            c[k] += r * r + w * w
            d[k] += t * t + x * x


@jit
def _sum_moments(
    values,
    cells,
    center,
    scale,
    shift,
    scale_across,
    shift_across,
    log_weight,
    cutoff,
    shares,
    first,
    second,
):
    tile = np.zeros((TILE, len(scale_across)), dtype=np.float32)
    rows = np.empty((TILE, len(log_weight)), dtype=np.float32)
    kept = np.empty(len(log_weight) + 1, dtype=np.intp)
    log_likelihood = 0.0
    for start in range(0, len(values), TILE):
        load_tile(values, start, center, tile)
        _distance_tile(tile, scale_across, shift_across, rows)
        for lane in range(min(TILE, len(values) - start)):
            row = rows[lane]
            best = _NEVER
            for k in range(len(row)):
                row[k] = log_weight[k] - _HALF * row[k]
                best = max(best, row[k])
            low = best - cutoff
            n_kept = 0
            for k in range(len(row)):  # without a branch: it would be mispredicted
                kept[n_kept] = k
                n_kept += row[k] > low
            total = np.float32(0)
            for i in range(n_kept):
                # Never overwrites what is still to be read: kept[i] >= i.
                row[i] = math.exp(row[kept[i]] - best)
                total += row[i]
            log_likelihood += best + math.log(total)
            x = tile[lane]
            for i in range(n_kept):
                share = row[i] / total
                k = kept[i]
                for level in range(len(cells)):
                    cell = cells[level, start + lane]
                    shares[cell, k] += share
                    _add_moments(
                        x, share, scale[k], shift[k], first[cell, k], second[cell, k]
                    )
    return log_likelihood


@jit
def _add_moments(x, share, scale, shift, first, second):
    for dim in range(len(scale)):
        z = x[dim] * scale[dim] - shift[dim]
        first[dim] += share * z
        second[dim] += share * z * z
