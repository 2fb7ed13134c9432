"""Cells of HOG along the edges of a window.

A window that is cut out of an image has no pixels beyond its edge, so gradients across
it are zero there.
"""

import math

import numpy as np

from imgfeat.kernels._hog_votes import REACH, STRIDE, compiled

# A gradient of 8-bit pixels is 0, or 1 long at least: votes below are rounding.
_LEAST_VOTE = 0.5


@compiled
def cells_at_edges(image, histogram, pixels_per_cell, table, edges, kinds):
    """Fill the histograms that each cell has where edges of a window run along it.

    Parameters
    ----------
    image : ndarray of shape (height, width) or (height, width, 3), uint8
    histogram : ndarray of shape (cell_rows, cell_cols, orientations), float64
        Of the cells without any edge.
    pixels_per_cell : (int, int)
        2 at least, so that no pixel lies at two opposite edges.
    table : ndarray of uint8
        As for `vote_bytes`.
    edges : ndarray of bool of shape (n_kinds, 4)
        Whether an edge runs along the top, the bottom, the left and the right.
    kinds : ndarray of shape (n_kinds, cell_rows, orientations, cell_cols), float32
        Filled.

    Notes
    -----
    Along an edge, what the pixels voted with their gradients is taken away, and what
    they vote with the half of it that is left is added. A pixel in a corner is taken
    away twice, put back once, and left with nothing.
    """
    cell_rows, cell_cols, orientations = histogram.shape
    height, width = pixels_per_cell
    area = np.float64(height * width)
    # What an edge along the top, the bottom, the left and the right changes in a row
    # of cells, and what is to put right in the four corners. Cells lie side by side,
    # so that sums are vectors.
    changes = np.empty((4, orientations, cell_cols))
    corners = np.empty((4, orientations, cell_cols))
    plain = np.empty((orientations, cell_cols))
    votes = np.empty(cell_cols)
    for row in range(cell_rows):
        _change(image, row, pixels_per_cell, table, changes, corners)
        for k in range(orientations):
            for col in range(cell_cols):
                plain[k, col] = histogram[row, col, k] * area
        for kind in range(len(edges)):
            for k in range(orientations):
                votes[:] = plain[k]
                for edge in range(4):
                    if edges[kind, edge]:
                        _add(changes[edge, k], votes)
                for corner in range(4):
                    if edges[kind, corner // 2] and edges[kind, 2 + corner % 2]:
                        _add(corners[corner, k], votes)
                _write(votes, 1 / area, kinds[kind, row, k])


@compiled
def _change(image, row, pixels_per_cell, table, changes, corners):
    """Find what edges change in the votes of a row of cells."""
    height, width = pixels_per_cell
    flat = np.int64(table[REACH * STRIDE + STRIDE // 2 + 1])
    steep = np.int64(table[(REACH + 1) * STRIDE + STRIDE // 2])
    changes[:] = 0
    corners[:] = 0
    top, left, n_cols = row * height, 0, changes.shape[2]
    for side in range(2):
        y = top + side * (height - 1)
        for col in range(n_cols):
            left = col * width
            for x in range(left, left + width):
                place, length, down, across = _vote(image, y, x, table)
                changes[side, place, col] -= length
                changes[side, flat, col] += across
                if x == left or x == left + width - 1:
                    corner = 2 * side + (x != left)
                    corners[corner, place, col] += length
                    corners[corner, flat, col] -= across
                    corners[corner, steep, col] -= down
        for y in range(top, top + height):
            for col in range(n_cols):
                x = col * width + side * (width - 1)
                place, length, down, _ = _vote(image, y, x, table)
                changes[2 + side, place, col] -= length
                changes[2 + side, steep, col] += down


@compiled
def _add(part, total):
    for col in range(len(total)):
        total[col] += part[col]


@compiled
def _write(votes, share, out):
    for col in range(len(out)):
        value = votes[col] * share
        out[col] = value if votes[col] > _LEAST_VOTE else 0.0


@compiled
def _vote(image, y, x, table):
    """Bin and length of a gradient, and the most that is down, and across, alone."""
    height, width = image.shape[:2]
    n_channels = 1 if image.ndim == 2 else 3
    best, best_down, best_across, most_down, most_across = -1, 0, 0, 0, 0
    for channel in range(n_channels):
        down, across = 0, 0
        if 0 < y < height - 1:
            down = _pixel(image, y + 1, x, channel) - _pixel(image, y - 1, x, channel)
        if 0 < x < width - 1:
            across = _pixel(image, y, x + 1, channel) - _pixel(image, y, x - 1, channel)
        most_down = max(most_down, abs(down))
        most_across = max(most_across, abs(across))
        square = down * down + across * across
        is_longer = square > best
        # Equal squares, yet scikit-image's ``np.hypot`` may round them apart.
        if square == best and n_channels > 1:
            is_longer = math.hypot(down, across) > math.hypot(best_down, best_across)
        if is_longer:
            best, best_down, best_across = square, down, across
    place = table[(best_down + REACH) * STRIDE + best_across + STRIDE // 2]
    return np.int64(place), np.sqrt(np.float64(best)), most_down, most_across


@compiled
def _pixel(image, y, x, channel):
    if image.ndim == 2:
        return np.int64(image[y, x])
    return np.int64(image[y, x, channel])
