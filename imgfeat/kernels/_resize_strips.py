"""Rows of pixels filtered along themselves, as many at a time as a vector has lanes.

Along a row, the pixels that one output needs lie side by side, and a sum over them is
no vector. So a strip of rows is turned, its columns become vectors of one pixel of
each row, and what was filtered is turned back.
"""

import numpy as np

from imgfeat.kernels import simd
from imgfeat.kernels.simd import LANES, jit

# So many are turned at a time, more or less, as the cache has room for them.
_COLUMNS = 512


@jit
def room_for_strips(image, n_channels, starts, weights, n_rows):
    """Scratch for the strips of an image.

    Parameters
    ----------
    image : ndarray of shape (height, width * n_channels), uint8 or uint16
    n_channels : int
    starts, weights : ndarray of shape (n_outputs,) and (n_outputs, n_taps)
        The first pixel that an output is of, and what each of them counts.
    n_rows : int
        Filtered rows that are needed at a time.

    Returns
    -------
    ring : ndarray, float32
        Row ``i`` of what is filtered is row ``i % len(ring)`` here; it is wider.
    room : tuple of ndarray
        For `filter_strip`.
    """
    n_outputs, n_taps = weights.shape
    at_once = _outputs_at_once(starts, n_channels)
    most = 0
    for j in range(0, n_outputs, at_once):
        last = min(j + at_once, n_outputs) - 1
        most = max(most, starts[last] - starts[j] + n_taps)
    # A square of columns more on both sides.
    turned = np.empty((most * n_channels + 2 * LANES, LANES), np.float32)
    n_squares = (n_outputs * n_channels + LANES - 1) // LANES
    filtered = np.empty((n_squares * LANES, LANES), np.float32)
    end = np.zeros((LANES, max(image.shape[1], LANES)), image.dtype)
    ring = np.empty(((n_rows // LANES + 2) * LANES, n_squares * LANES), np.float32)
    return ring, (turned, filtered, end)


@jit
def filter_strip(image, top, n_channels, starts, weights, middle, ring, room):
    """Filter the `LANES` rows from `top` on, a multiple of `LANES`, into the ring.

    They are rounded to whole numbers between those of `image` less `middle`.
    """
    turned, filtered, end = room
    rows, top_of_rows = image, top
    if top + LANES > image.shape[0] or image.shape[1] < LANES:
        # Squares reach beyond the image: what they find there is not used.
        for row in range(min(LANES, image.shape[0] - top)):
            for column in range(image.shape[1]):
                end[row, column] = image[top + row, column]
        rows, top_of_rows = end, 0
    n_outputs, n_taps = weights.shape
    at_once = _outputs_at_once(starts, n_channels)
    for first in range(0, n_outputs, at_once):
        stop = min(first + at_once, n_outputs)
        begin = n_channels * starts[first]
        n_columns = n_channels * (starts[stop - 1] + n_taps) - begin
        _turn(rows, top_of_rows, begin, n_columns, turned)
        _filter(
            turned, begin, n_channels, starts, weights, first, stop, middle, filtered
        )
    place = top % ring.shape[0] * ring.shape[1]
    for column in range(0, ring.shape[1], LANES):
        simd.transpose(
            filtered, column * LANES, LANES, ring, place + column, ring.shape[1]
        )


@jit
def _outputs_at_once(starts, n_channels):
    step = (starts[-1] - starts[0]) // len(starts) + 1
    return max(1, _COLUMNS // (step * n_channels))


@jit
def _turn(image, top, begin, n_columns, turned):
    """Write columns of `LANES` rows as rows from the one of number `LANES` on."""
    width = image.shape[1]
    for column in range(begin, begin + n_columns, LANES):
        # The last square of a row may begin a few columns too early.
        column = min(column, width - LANES)
        row = column - begin + LANES
        simd.transpose(image, top * width + column, width, turned, row * LANES, LANES)


@jit
def _filter(turned, begin, n_channels, starts, weights, first, stop, middle, filtered):
    """Filter outputs from `first` to `stop`, of columns from `begin` on."""
    lowest, highest = simd.splat(-middle), simd.splat(middle - np.float32(1))
    nothing, half = simd.splat(np.float32(0)), simd.splat(np.float32(0.5))
    for j in range(first, stop):
        for channel in range(n_channels):
            value = nothing
            column = n_channels * starts[j] + channel - begin + LANES
            for k in range(weights.shape[1]):
                # Of both signs, pixels add up to less, and so to finer sums.
                pixels = simd.add(simd.load(turned, column * LANES), lowest)
                value = simd.fma(simd.splat(weights[j, k]), pixels, value)
                column += n_channels
            # As Pillow, which keeps integers between its two passes.
            value = simd.floor(simd.add(value, half))
            value = simd.minimum(simd.maximum(value, lowest), highest)
            simd.store(filtered, (n_channels * j + channel) * LANES, value)
