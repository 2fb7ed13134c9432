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


@compiled
def cells_at_edges(image, pixels_per_cell, table, edges, kinds):
    """Fill the histograms that each cell has where edges of a window run along it.

    Parameters
    ----------
    image : ndarray of shape (height, width) or (height, width, 3), uint8
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
    Pixels of a cell are told apart by where they lie: in its first row, its last, or
    between them, and so for its columns. Those that no edge runs along vote with their
    gradients, those along one edge with the half of it that is left, and one in a
    corner between two with nothing.
    """
    orientations = kinds.shape[2]
    height, width = pixels_per_cell
    cell_rows, cell_cols = image.shape[0] // height, image.shape[1] // width
    # Cells lie side by side, so that sums are vectors.
    votes = np.empty((3, 3, orientations, cell_cols), np.float32)
    halves = np.empty((2, 3, 3, cell_cols), np.float32)
    flat = table[REACH * STRIDE + STRIDE // 2 + 1]
    steep = table[(REACH + 1) * STRIDE + STRIDE // 2]
    planes, gradients, is_tie, _ = scratch(
        image[None],
        pixels_per_cell,
        np.empty((1, cell_rows, cell_cols, 0)),
        np.empty(0, np.int16),
    )
    index = np.empty(gradients.shape[1:], np.uint32)
    lengths = np.empty((3, *gradients.shape[1:]), np.float32)
    at_once = gradients.shape[1] // height
    share = np.float32(1 / (height * width))
    for row in range(cell_rows):
        if row % at_once == 0:
            load_rows(image[None], 0, row * height, False, width * cell_cols, planes)
            differentiate(planes, gradients, is_tie)
            _measure(planes, gradients, index, lengths)
        top = row % at_once * height
        _vote(index, lengths, top, pixels_per_cell, table, votes, halves)
        for kind in range(len(edges)):
            kinds[kind, row] = 0
            for part in range(9):
                down, across = part // 3, part % 3
                is_cut_down = down != 1 and edges[kind, down // 2]
                is_cut_across = across != 1 and edges[kind, 2 + across // 2]
                if is_cut_down and is_cut_across:
                    continue
                if is_cut_down or is_cut_across:
                    half = 1 if is_cut_down else 0
                    k = flat if is_cut_down else steep
                    for col in range(cell_cols):
                        vote = halves[half, down, across, col] * share
                        kinds[kind, row, k, col] += vote
                    continue
                for k in range(orientations):
                    for col in range(cell_cols):
                        vote = votes[down, across, k, col] * share
                        kinds[kind, row, k, col] += vote


@compiled
def _measure(planes, gradients, index, lengths):
    """Where gradients are in the table, and their lengths: whole, down and across.

    Of the halves, the longest of any channel.
    """
    lengths[1:] = 0
    for y in range(index.shape[0]):
        for x in range(index.shape[1]):
            down, across = np.int32(gradients[0, y, x]), np.int32(gradients[1, y, x])
            index[y, x] = (down + REACH) * STRIDE + across + STRIDE // 2
            lengths[0, y, x] = np.sqrt(np.float32(down * down + across * across))
        for channel in range(planes.shape[0]):
            for x in range(index.shape[1]):
                above, below = planes[channel, y, x + 1], planes[channel, y + 2, x + 1]
                left, right = planes[channel, y + 1, x], planes[channel, y + 1, x + 2]
                down = np.float32(np.int32(abs(below - above)))
                across = np.float32(np.int32(abs(right - left)))
                lengths[1, y, x] = max(lengths[1, y, x], down)
                lengths[2, y, x] = max(lengths[2, y, x], across)


@compiled
def _vote(index, lengths, top, pixels_per_cell, table, votes, halves):
    """Sum the votes of a row of cells, by where in a cell pixels lie."""
    height, width = pixels_per_cell
    votes[:] = 0
    halves[:] = 0
    for y in range(top, top + height):
        down = 0 if y == top else 2 if y == top + height - 1 else 1
        # From cell to cell, as the next vote in the same cell has to wait for this one.
        for start in range(width):
            across = 0 if start == 0 else 2 if start == width - 1 else 1
            x = np.uint32(start)
            for col in range(votes.shape[3]):
                votes[down, across, table[index[y, x]], col] += lengths[0, y, x]
                x += np.uint32(width)
            if across != 1:
                x = np.uint32(start)
                for col in range(votes.shape[3]):
                    halves[0, down, across, col] += lengths[1, y, x]
                    x += np.uint32(width)
            if down != 1:
                x = np.uint32(start)
                for col in range(votes.shape[3]):
                    halves[1, down, across, col] += lengths[2, y, x]
                    x += np.uint32(width)
