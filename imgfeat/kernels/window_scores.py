"""Scores of windows by a linear rule, from blocks of HOG that the windows share.

Blocks of some columns are described side by side, a vector for each feature, and
multiplied at once with the weights that windows have for them, while they are in the
cache. Only what some window needs is multiplied.
"""

import numpy as np

from imgfeat.kernels import simd
from imgfeat.kernels._block_norms import CLIP, invert
from imgfeat.kernels.simd import LANES, jit


@jit
def cell_energies(cells, norm):
    """What each cell adds to the norm of a block.

    Parameters
    ----------
    cells : ndarray of shape (n_kinds, n_rows, orientations, n_cols), float32
    norm : int
        Which of `BLOCK_NORMS`.

    Returns
    -------
    ndarray of shape (n_kinds, n_rows, n_cols), float32
    """
    n_kinds, n_rows, orientations, n_cols = cells.shape
    energies = np.zeros((n_kinds, n_rows, n_cols), np.float32)
    for kind in range(n_kinds):
        for row in range(n_rows):
            for k in range(orientations):
                for col in range(n_cols):
                    value = cells[kind, row, k, col]
                    energies[kind, row, col] += value if norm < 2 else value * value
    return energies


@jit
def add_blocks(cells, energies, kinds, norm, weights, places, first, stride, total):
    """Add to the scores of all windows what blocks of one pattern contribute.

    Parameters
    ----------
    cells : ndarray of shape (n_kinds, n_rows, orientations, n_cols), float32
        With `LANES` columns more than there are cells.
    energies : ndarray of shape (n_kinds, n_rows, n_cols), float32
        From `cell_energies`.
    kinds : ndarray of int of shape (height, width)
        Which kind each cell of a block is of.
    norm : int
        Which of `BLOCK_NORMS`.
    weights : ndarray of shape (n_places * n_decisions, n_features), float32
        Of each feature of a block, in the order of `hog`, at each place.
    places : ndarray of int of shape (n_places, 2)
        Where in a window such blocks are, in cells, row by row.
    first, stride : (int, int)
        Where the first window begins, and how far they are apart, in cells.
    total : ndarray of shape (n_decisions, n_down, n_across), float64
        Changed in place.
    """
    n_decisions, n_down, n_across = total.shape
    left, right = places[:, 1].min(), places[:, 1].max()
    n_cols = right - left + (n_across - 1) * stride[1] + 1
    n_rows = places[-1, 0] + (n_down - 1) * stride[0] + 1
    panel = np.empty((weights.shape[1], LANES), np.float32)
    factors = np.empty(LANES, np.float32)
    products = np.empty((len(weights) + 3, n_cols + LANES), np.float32)
    needed = np.empty(len(weights) + 3, np.intp)
    for row in range(places[0, 0], n_rows):
        n_needed = 0
        for k in range(len(weights)):
            ahead = row - places[k // n_decisions, 0]
            if ahead >= 0 and ahead % stride[0] == 0 and ahead < n_down * stride[0]:
                needed[n_needed] = k
                n_needed += 1
        if n_needed == 0:
            continue
        needed[n_needed : n_needed + 3] = needed[n_needed - 1]
        for col in range(0, n_cols, LANES):
            y, x = first[0] + row, first[1] + left + col
            _describe(cells, energies, kinds, norm, y, x, factors, panel)
            _multiply(panel, factors, weights, needed, n_needed, col, products)
        for k in range(n_needed):
            place, decision = needed[k] // n_decisions, needed[k] % n_decisions
            out = total[decision, (row - places[place, 0]) // stride[0]]
            part = products[k, places[place, 1] - left :]
            if stride[1] == 1:
                for across in range(n_across):
                    out[across] += np.float64(part[across])
            else:
                for across in range(n_across):
                    out[across] += np.float64(part[across * stride[1]])


@jit
def _describe(cells, energies, kinds, norm, y, x, factors, panel):
    """Write features of the blocks at ``(y, x)`` and the `LANES` - 1 to their right.

    They are to be multiplied by `factors` in the end.
    """
    _, n_rows, orientations, n_cols = cells.shape
    width = kinds.shape[1]
    energy = simd.splat(np.float32(0))
    for part in range(kinds.size):
        kind = kinds[part // width, part % width]
        place = (kind * n_rows + y + part // width) * n_cols + x + part % width
        energy = simd.add(energy, simd.load(energies, place))
    simd.store(factors, 0, energy)
    invert(factors, norm)
    scale, clip = simd.load(factors, 0), simd.splat(np.float32(CLIP))
    energy = simd.splat(np.float32(0))
    for part in range(kinds.size):
        kind = kinds[part // width, part % width]
        place = (kind * n_rows + y + part // width) * orientations * n_cols
        place += x + part % width
        for k in range(orientations):
            value = simd.multiply(simd.load(cells, place + k * n_cols), scale)
            if norm == 1:
                value = simd.square_root(value)
            elif norm == 3:
                value = simd.minimum(value, clip)
                energy = simd.fma(value, value, energy)
            simd.store(panel, (part * orientations + k) * LANES, value)
    if norm == 3:
        simd.store(factors, 0, energy)
        invert(factors, norm)
    else:
        factors[:] = 1


@jit
def _multiply(panel, factors, weights, needed, n_needed, col, products):
    """Weigh the features of a panel by the rows of `weights` that are needed."""
    factor = simd.load(factors, 0)
    n_features, n_cols = weights.shape[1], products.shape[1]
    for k in range(0, n_needed, 4):
        a, b, c, d = needed[k], needed[k + 1], needed[k + 2], needed[k + 3]
        sum_a = sum_b = sum_c = sum_d = simd.splat(np.float32(0))
        for j in range(n_features):
            value = simd.load(panel, j * LANES)
            sum_a = simd.fma(simd.splat(weights[a, j]), value, sum_a)
            sum_b = simd.fma(simd.splat(weights[b, j]), value, sum_b)
            sum_c = simd.fma(simd.splat(weights[c, j]), value, sum_c)
            sum_d = simd.fma(simd.splat(weights[d, j]), value, sum_d)
        place = k * n_cols + col
        simd.store(products, place, simd.multiply(sum_a, factor))
        simd.store(products, place + n_cols, simd.multiply(sum_b, factor))
        simd.store(products, place + 2 * n_cols, simd.multiply(sum_c, factor))
        simd.store(products, place + 3 * n_cols, simd.multiply(sum_d, factor))
