"""Cells of HOG along the edges of a window.

A window that is cut out of an image has no pixels beyond its edge, so gradients across
it are zero there.
"""

import numpy as np

from imgfeat.kernels._hog_votes import (
    REACH,
    STRIDE,
    compiled,
    differentiate,
    load_rows,
    scratch,
)

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
    kinds : ndarray of shape (n_kinds, cell_rows, orientations, n_cols), float32
        Filled, but for columns beyond those of cells.

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
    planes, gradients, is_tie, _ = scratch(
        image[None], pixels_per_cell, histogram[None], np.empty(0, np.int16)
    )
    index = np.empty(gradients.shape[1:], np.uint32)
    lengths = np.empty(gradients.shape[1:], np.float32)
    alone = np.empty((2, *gradients.shape[1:]), np.int16)
    pixels = index, lengths, alone
    at_once = gradients.shape[1] // height
    for row in range(cell_rows):
        if row % at_once == 0:
            load_rows(image[None], 0, row * height, False, width * cell_cols, planes)
            differentiate(planes, gradients, is_tie)
            _measure(gradients, index, lengths)
            _differentiate_alone(planes, alone)
        changes[:] = 0
        corners[:] = 0
        top = row % at_once * height
        _change_across(pixels, top, pixels_per_cell, table, changes, corners)
        _change_down(pixels, top, pixels_per_cell, table, changes)
        for col in range(cell_cols):
            for k in range(orientations):
                plain[k, col] = histogram[row, col, k] * area
        for kind in range(len(edges)):
            for k in range(orientations):
                for col in range(cell_cols):
                    votes[col] = plain[k, col]
                for edge in range(4):
                    if edges[kind, edge]:
                        for col in range(cell_cols):
                            votes[col] += changes[edge, k, col]
                for corner in range(4):
                    if edges[kind, corner // 2] and edges[kind, 2 + corner % 2]:
                        for col in range(cell_cols):
                            votes[col] += corners[corner, k, col]
                for col in range(cell_cols):
                    value = votes[col] * (1 / area)
                    kinds[kind, row, k, col] = value if votes[col] > _LEAST_VOTE else 0


@compiled
def _measure(gradients, index, lengths):
    """Where in the table each gradient is, and its length."""
    for y in range(index.shape[0]):
        for x in range(index.shape[1]):
            down, across = np.int32(gradients[0, y, x]), np.int32(gradients[1, y, x])
            index[y, x] = (down + REACH) * STRIDE + across + STRIDE // 2
            lengths[y, x] = np.sqrt(np.float32(down * down + across * across))


@compiled
def _differentiate_alone(planes, alone):
    """The most that any channel has of a gradient down, and of one across."""
    alone[:] = 0
    for channel in range(planes.shape[0]):
        for y in range(alone.shape[1]):
            for x in range(alone.shape[2]):
                above, below = planes[channel, y, x + 1], planes[channel, y + 2, x + 1]
                left, right = planes[channel, y + 1, x], planes[channel, y + 1, x + 2]
                alone[0, y, x] = max(alone[0, y, x], abs(below - above))
                alone[1, y, x] = max(alone[1, y, x], abs(right - left))


@compiled
def _change_across(pixels, top, pixels_per_cell, table, changes, corners):
    """Find what edges along the top and the bottom change in a row of cells."""
    index, lengths, alone = pixels
    height, width = pixels_per_cell
    flat = np.uint32(table[REACH * STRIDE + STRIDE // 2 + 1])
    steep = np.uint32(table[(REACH + 1) * STRIDE + STRIDE // 2])
    for side in range(2):
        y = top + side * (height - 1)
        # From cell to cell, as the next change of the same cell has to wait.
        for start in range(width):
            x = np.uint32(start)
            for col in range(changes.shape[2]):
                changes[side, table[index[y, x]], col] -= lengths[y, x]
                changes[side, flat, col] += alone[1, y, x]
                x += np.uint32(width)
        for corner in range(2 * side, 2 * side + 2):
            x = np.uint32(corner % 2 * (width - 1))
            for col in range(changes.shape[2]):
                corners[corner, table[index[y, x]], col] += lengths[y, x]
                corners[corner, flat, col] -= alone[1, y, x]
                corners[corner, steep, col] -= alone[0, y, x]
                x += np.uint32(width)


@compiled
def _change_down(pixels, top, pixels_per_cell, table, changes):
    """Find what edges along the left and the right change in a row of cells."""
    index, lengths, alone = pixels
    height, width = pixels_per_cell
    steep = np.uint32(table[(REACH + 1) * STRIDE + STRIDE // 2])
    for side in range(2):
        for y in range(top, top + height):
            x = np.uint32(side * (width - 1))
            for col in range(changes.shape[2]):
                changes[2 + side, table[index[y, x]], col] -= lengths[y, x]
                changes[2 + side, steep, col] += alone[0, y, x]
                x += np.uint32(width)
