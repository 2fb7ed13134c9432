"""Pixels vote for the directions of their gradients: the inner loops of HOG.

A row of cells is read into planes of numbers wide enough for their differences, its
gradients are taken and binned many at a time, and then its pixels vote one by one.
"""

import math

import numpy as np

from imgfeat.kernels._jit import njit

# Gradients of 8-bit images, -255..255, index a table with rows of 512.
REACH, STRIDE = 255, 512
# Pixels that are read and differentiated at once, if a row of cells has no more.
_PIXELS_AT_ONCE = 2048
# What _bin_unless_close may be wrong by, in radians, five times over.
_ANGLE_ERROR = 1e-7

compiled = njit(error_model="numpy")


@compiled
def vote_bytes(images, pixels_per_cell, table, histogram):
    """Fill the histograms of 8-bit images, with bins from a table.

    Parameters
    ----------
    images : ndarray of shape (n, height, width[, 3]), uint8
    pixels_per_cell : (int, int)
    table : ndarray of shape (511 * 512,), uint8
        Bin of each gradient, at ``(down + REACH) * STRIDE + across + STRIDE // 2``.
    histogram : ndarray of shape (n, cell_rows, cell_cols, orientations), float64
    """
    n, cell_rows, cell_cols, orientations = histogram.shape
    height, width = pixels_per_cell
    planes, gradients, is_tie, votes = scratch(
        images, pixels_per_cell, histogram, np.empty(0, np.int16)
    )
    index = np.zeros(gradients.shape[1:], np.uint32)
    magnitude = np.zeros(gradients.shape[1:])
    at_once = len(index) // height
    for i in range(n):
        for cell_row in range(cell_rows):
            if cell_row % at_once == 0:
                load_rows(
                    images, i, cell_row * height, False, width * cell_cols, planes
                )
                differentiate(planes, gradients, is_tie)
                for y in range(index.shape[0]):
                    for x in range(index.shape[1]):
                        down = np.int32(gradients[0, y, x])
                        across = np.int32(gradients[1, y, x])
                        index[y, x] = (down + REACH) * STRIDE + across + STRIDE // 2
                        square = np.float64(down * down + across * across)
                        magnitude[y, x] = np.sqrt(square)
            top = cell_row % at_once * height
            for y in range(top, top + height):
                # From cell to cell, as the next vote in the same cell has to wait for
                # this one. Unsigned, which spares a check for negative indices.
                for col in range(width):
                    x, first = np.uint32(col), np.uint32(0)
                    while x < np.uint32(width * cell_cols):
                        vote = first + table[index[y, x]]
                        votes[vote] = np.float64(votes[vote]) + magnitude[y, x]
                        x += np.uint32(width)
                        first += np.uint32(orientations)
            _count(votes, pixels_per_cell, histogram, i, cell_row)


@compiled
def vote_floats(
    images,
    pixels_per_cell,
    transform_sqrt,
    like,
    compass,
    decided,
    undecided,
    histogram,
):
    """Fill the histograms of any images, but for gradients close to the edge of a bin.

    Parameters
    ----------
    images : ndarray of shape (n, height, width[, 3])
    pixels_per_cell : (int, int)
    transform_sqrt : bool
    like : ndarray
        Of the dtype that gradients are taken in.
    compass : ndarray of shape (3, 3), int32
        Bins of horizontal, vertical and diagonal gradients, by their signs plus one.
    decided : ndarray of int32
        Bins of the gradients that an earlier call left in `undecided`, or none yet.
    undecided : tuple of three ndarrays
        Gets the index of the image, the gradient down and the gradient across. These
        pixels do not vote.
    histogram : ndarray of shape (n, cell_rows, cell_cols, orientations), float64

    Returns
    -------
    int
        Number of undecided gradients.
    """
    n, cell_rows, cell_cols, orientations = histogram.shape
    height, width = pixels_per_cell
    n_pixels = width * cell_cols
    planes, gradients, is_tie, votes = scratch(images, pixels_per_cell, histogram, like)
    bins = np.zeros(gradients.shape[2], np.int32)
    magnitude = np.zeros(gradients.shape[2])
    at_once = gradients.shape[1] // height
    image, undecided_down, undecided_across = undecided
    n_asked = 0
    for i in range(n):
        for cell_row in range(cell_rows):
            if cell_row % at_once == 0:
                load_rows(
                    images, i, cell_row * height, transform_sqrt, n_pixels, planes
                )
                differentiate(planes, gradients, is_tie)
            top = cell_row % at_once * height
            for y in range(top, top + height):
                for x in range(len(bins)):
                    down = np.float64(gradients[0, y, x])
                    across = np.float64(gradients[1, y, x])
                    bins[x] = _bin_unless_close(down, across, orientations)
                    magnitude[x] = np.sqrt(down * down + across * across)
                for x in range(n_pixels):
                    if bins[x] >= 0:
                        continue
                    down = np.float64(gradients[0, y, x])
                    across = np.float64(gradients[1, y, x])
                    if down == 0 or across == 0 or abs(down) == abs(across):
                        bins[x] = compass[_sign(down) + 1, _sign(across) + 1]
                    elif len(decided):
                        bins[x] = decided[n_asked]
                        n_asked += 1
                    else:
                        image[n_asked] = i
                        undecided_down[n_asked] = down
                        undecided_across[n_asked] = across
                        n_asked += 1
                for col in range(width):
                    x, first = np.uint32(col), np.uint32(0)
                    while x < np.uint32(n_pixels):
                        if bins[x] >= 0:
                            vote = first + np.uint32(bins[x])
                            votes[vote] = np.float64(votes[vote]) + magnitude[x]
                        x += np.uint32(width)
                        first += np.uint32(orientations)
            _count(votes, pixels_per_cell, histogram, i, cell_row)
    return n_asked


@compiled
def scratch(images, pixels_per_cell, histogram, like):
    """Room for the pixels of some rows of cells, and for the votes of one."""
    _, cell_rows, cell_cols, orientations = histogram.shape
    height, width = pixels_per_cell
    # Whole vectors only: loops over pixels then have no rest to do one by one.
    padded = (width * cell_cols + 31) // 32 * 32
    # Of small images all rows at once, as the border between rows is read twice.
    height *= min(cell_rows, max(1, _PIXELS_AT_ONCE // (height * padded)))
    n_channels = 1 if images.ndim == 3 else 3
    planes = np.zeros((n_channels, height + 2, padded + 2), like.dtype)
    # Down and across, of the pixel and of the channel that contends for it.
    gradients = np.zeros((4, height, padded), like.dtype)
    is_tie = np.zeros((height, padded), np.bool_)
    # scikit-image sums in float32, pixel by pixel. In large cells that tells, so we do
    # the same in the same order.
    votes = np.zeros(cell_cols * orientations, np.float32)
    return planes, gradients, is_tie, votes


# The functions below take whole arrays and indices, not views: a view of an array
# costs an atomic count, which at a row of 28 pixels is a good part of the work.


@compiled
def load_rows(images, i, top, transform_sqrt, n_pixels, planes):
    """Copy rows from `top` on, one more on each side, into a plane per channel.

    Beyond the border the image is mirrored, which makes its gradient zero there:
    scikit-image's rule.
    """
    height, width = images.shape[1:3]
    n_copied = min(n_pixels + 1, width)
    for channel in range(planes.shape[0]):
        for row in range(planes.shape[1]):
            y = top + row - 1
            if y < 0:
                y = min(1, height - 1)
            elif y >= height:
                y = max(height - 2, 0)
            for x in range(n_copied):
                if images.ndim == 3:
                    planes[channel, row, x + 1] = images[i, y, x]
                else:
                    planes[channel, row, x + 1] = images[i, y, x, channel]
            if transform_sqrt:
                for x in range(1, n_copied + 1):
                    planes[channel, row, x] = np.sqrt(planes[channel, row, x])
            planes[channel, row, 0] = planes[channel, row, min(2, width)]
            if n_copied == width:
                mirrored = planes[channel, row, max(width - 1, 1)]
                planes[channel, row, width + 1] = mirrored


@compiled
def differentiate(planes, gradients, is_tie):
    """Central differences, from the channel where they are the longest."""
    _differences(planes, 0, gradients, 0)
    for channel in range(1, planes.shape[0]):
        _differences(planes, channel, gradients, 2)
        for y in range(is_tie.shape[0]):
            _keep_longer(gradients, is_tie, y)


@compiled
def _differences(planes, channel, gradients, where):
    for y in range(gradients.shape[1]):
        for x in range(gradients.shape[2]):
            above, below = planes[channel, y, x + 1], planes[channel, y + 2, x + 1]
            left, right = planes[channel, y + 1, x], planes[channel, y + 1, x + 2]
            gradients[where, y, x] = below - above
            gradients[where + 1, y, x] = right - left


@compiled
def _keep_longer(gradients, is_tie, y):
    """Replace gradients by their contenders where those are longer, by ``np.hypot``.

    Squares decide all but near ties: 8-bit gradients (4, 7) and (1, 8) are equally
    long, yet hypot may round them apart.
    """
    g = gradients
    for x in range(is_tie.shape[1]):
        down, across = abs(np.float64(g[0, y, x])), abs(np.float64(g[1, y, x]))
        down2, across2 = abs(np.float64(g[2, y, x])), abs(np.float64(g[3, y, x]))
        square = down * down + across * across
        square2 = down2 * down2 + across2 * across2
        # Written so that squares that overflowed count as near.
        is_near = not abs(square2 - square) > 1e-6 * square
        is_same = (down == down2) & (across == across2)
        is_same |= (down == across2) & (across == down2)
        is_tie[y, x] = is_near & (not is_same)
    for x in range(is_tie.shape[1]):
        if is_tie[y, x]:
            length = math.hypot(g[0, y, x], g[1, y, x])
            if math.hypot(g[2, y, x], g[3, y, x]) > length:
                g[0, y, x], g[1, y, x] = g[2, y, x], g[3, y, x]
            else:
                g[2, y, x], g[3, y, x] = g[0, y, x], g[1, y, x]
    # Squares once more: reading back what was decided would wait for its writing.
    for x in range(is_tie.shape[1]):
        down, across = np.float64(g[0, y, x]), np.float64(g[1, y, x])
        down2, across2 = np.float64(g[2, y, x]), np.float64(g[3, y, x])
        is_longer = down2 * down2 + across2 * across2 > down * down + across * across
        down, across = g[0, y, x], g[1, y, x]
        down2, across2 = g[2, y, x], g[3, y, x]
        g[0, y, x] = down2 if is_longer else down
        g[1, y, x] = across2 if is_longer else across


@compiled
def _bin_unless_close(down, across, orientations):
    """Bin of a direction, or -1 when it is close to the edge of a bin."""
    down_abs, across_abs = abs(down), abs(across)
    longer, shorter = max(down_abs, across_abs), min(down_abs, across_abs)
    ratio = shorter / max(longer, 1e-300)
    # Abramowitz and Stegun, 4.4.49: the arc tangent on 0..1 within 2e-8.
    z = ratio * ratio
    series = -0.0161657367 + z * 0.0028662257
    series = -0.0752896400 + z * (0.0429096138 + z * series)
    series = -0.1420889944 + z * (0.1065626393 + z * series)
    series = -0.3333314528 + z * (0.1999355085 + z * series)
    angle = ratio * (1 + z * series)
    if down_abs > across_abs:
        angle = math.pi / 2 - angle
    if (down < 0) != (across < 0):
        angle = math.pi - angle
    position = angle * (orientations / math.pi)
    tolerance = _ANGLE_ERROR * (orientations / math.pi)
    is_clear = abs(position - np.rint(position)) > tolerance
    return np.int32(position) if is_clear else np.int32(-1)


@compiled
def _sign(value):
    return (value > 0) - (value < 0)


@compiled
def _count(votes, pixels_per_cell, histogram, i, cell_row):
    """Move the votes of a row of cells into their histograms."""
    area = np.float32(pixels_per_cell[0] * pixels_per_cell[1])
    orientations = histogram.shape[3]
    for cell in range(histogram.shape[2]):
        for bin_ in range(orientations):
            k = cell * orientations + bin_
            histogram[i, cell_row, cell, bin_] = votes[k] / area
            votes[k] = 0
