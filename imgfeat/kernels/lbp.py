"""Local binary patterns: which neighbours on a circle are at least as bright.

Many pixels are compared at once, with one point of the circle after the other, so that
the comparisons run side by side in vector registers.
"""

import math

import numpy as np

from imgfeat.kernels._jit import njit

METHODS = ("default", "ror", "uniform", "nri_uniform")
# Patterns of more points than this have no table; "uniform" counts bits instead.
MAX_POINTS_IN_TABLE = 16
MAX_POINTS = 24

# Pixels that are compared with all points of the circle in one go.
_CHUNK = 2048

_ONE = np.uint32(1)
_BITS, _PAIRS, _NIBBLES, _BYTES = np.array(
    [0x55555555, 0x33333333, 0x0F0F0F0F, 0x01010101], dtype=np.uint32
)


def lbp_histograms(images, *, n_points, radius, method, grid=(1, 1), out=None):
    """Count the patterns around the pixels of each cell.

    Pixels whose circle leaves the image are not counted.

    Parameters
    ----------
    images : ndarray of shape (n_samples, height, width)
        C-contiguous, finite, at least ``2 * margin(radius)`` pixels larger than `grid`
        along both axes.
    n_points : int
        Points on the circle, up to 24, or 16 unless `method` is ``"uniform"``.
    radius : float
        Of the circle, in pixels.
    method : {"default", "ror", "uniform", "nri_uniform"}
    grid : tuple of (int, int), default=(1, 1)
        Cells down and across.
    out : ndarray of shape (n_samples, n_rows, n_cols, n_bins), uint32, optional
        Must hold zeros.

    Returns
    -------
    ndarray of shape (n_samples, n_rows, n_cols, n_bins), uint32
        Entry ``k`` counts code ``k``. With ``"ror"``, entry ``k`` counts the ``k``-th
        smallest of the codes that exist.
    """
    if out is None:
        n_bins = count_bins(n_points, method)
        out = np.zeros((len(images), *grid, n_bins), dtype=np.uint32)
    circle = _circle(n_points, radius)
    table = _table(n_points, method)
    _fill_histograms(images, *circle, margin(radius), table, out)
    return out


def lbp_codes(images, *, n_points, radius, method):
    """Code of every pixel whose circle stays in the image.

    The same codes as ``skimage.feature.local_binary_pattern``, in its arithmetic.

    Parameters
    ----------
    images, n_points, radius, method
        As for `lbp_histograms`.

    Returns
    -------
    ndarray of shape (n_samples, height - 2 * margin, width - 2 * margin), uint32
        Where margin is ``margin(radius)``.
    """
    n_samples, height, width = images.shape
    edge = margin(radius)
    codes = np.empty((n_samples, height - 2 * edge, width - 2 * edge), dtype=np.uint32)
    _fill_codes(
        images, *_circle(n_points, radius), edge, _table(n_points, method), codes
    )
    return _ror_codes(n_points)[codes] if method == "ror" else codes


def count_bins(n_points, method):
    """How many different codes there are."""
    if method == "uniform":
        return n_points + 2
    if method == "nri_uniform":
        return n_points * (n_points - 1) + 3
    return 2**n_points if method == "default" else len(_ror_codes(n_points))


def margin(radius):
    """Pixels along each border whose circle leaves the image."""
    return math.ceil(radius)


def _circle(n_points, radius):
    """Points counter-clockwise from the right: whole steps, then what remains."""
    angle = 2 * np.pi * np.arange(n_points) / n_points
    # Rounding, as scikit-image does, puts the points on the axes exactly on pixels.
    rows = np.round(-radius * np.sin(angle), 5)
    cols = np.round(radius * np.cos(angle), 5)
    row_steps, col_steps = (np.floor(x).astype(np.intp) for x in (rows, cols))
    return row_steps, col_steps, rows - row_steps, cols - col_steps


def _table(n_points, method):
    """Bin of every pattern; empty for "uniform", whose bins are computed."""
    if method == "uniform":
        return np.empty(0, dtype=np.uint32)
    patterns = np.arange(2**n_points, dtype=np.uint32)
    if method == "default":
        return patterns
    if method == "ror":
        return np.searchsorted(_ror_codes(n_points), _rotate_to_least(n_points)).astype(
            np.uint32
        )
    bits = (patterns[:, None] >> np.arange(n_points, dtype=np.uint32)) & 1
    n_ones = bits.sum(axis=1)
    first_one, first_zero = bits.argmax(axis=1), bits.argmin(axis=1)
    # How far the run of ones is turned; a run across the end starts before 0.
    turn = np.where(first_one == 0, n_ones - first_zero, n_points - first_one)
    bin_ = 1 + (n_ones - 1) * n_points + turn
    bin_[n_ones == 0] = 0
    bin_[n_ones == n_points] = n_points * (n_points - 1) + 1
    n_changes = (bits != np.roll(bits, 1, axis=1)).sum(axis=1)
    bin_[n_changes > 2] = n_points * (n_points - 1) + 2
    return bin_.astype(np.uint32)


def _rotate_to_least(n_points):
    """The smallest rotation of every pattern."""
    pattern = np.arange(2**n_points, dtype=np.uint32)
    least = pattern.copy()
    for _ in range(n_points - 1):
        pattern = (pattern >> _ONE) | ((pattern & _ONE) << np.uint32(n_points - 1))
        np.minimum(least, pattern, out=least)
    return least


def _ror_codes(n_points):
    return np.unique(_rotate_to_least(n_points))


@njit()
def _fill_histograms(images, row_steps, col_steps, d_rows, d_cols, edge, table, out):
    n_samples, height, width = images.shape
    n_rows, n_cols = height - 2 * edge, width - 2 * edge
    grid_rows, grid_cols = out.shape[1:3]
    pixels = np.empty((height, width), dtype=np.float64)
    codes = np.empty((n_rows, width), dtype=np.uint32)
    for i in range(n_samples):
        pixels[:] = images[i]
        _compare(pixels, row_steps, col_steps, d_rows, d_cols, edge, codes)
        _encode(codes.ravel(), len(d_rows), table)
        for row in range(n_rows):
            for cell_col in range(grid_cols):
                # The same cells as col * grid_cols // n_cols, without the division.
                start = edge - (-cell_col * n_cols // grid_cols)
                stop = edge - (-(cell_col + 1) * n_cols // grid_cols)
                counts = out[i, row * grid_rows // n_rows, cell_col]
                for code in codes[row, start:stop]:
                    counts[code] += _ONE


@njit()
def _fill_codes(images, row_steps, col_steps, d_rows, d_cols, edge, table, out):
    height, width = images.shape[1:]
    pixels = np.empty((height, width), dtype=np.float64)
    codes = np.empty((height - 2 * edge, width), dtype=np.uint32)
    for i in range(len(images)):
        pixels[:] = images[i]
        _compare(pixels, row_steps, col_steps, d_rows, d_cols, edge, codes)
        _encode(codes.ravel(), len(d_rows), table)
        out[i] = codes[:, edge : width - edge]


@njit()
def _compare(pixels, row_steps, col_steps, d_rows, d_cols, edge, codes):
    """Set bit ``p`` where point ``p`` of the circle is not darker than its centre.

    Rows run into one another, so that loops are long; the `edge` columns at both ends
    of `codes` mean nothing.
    """
    width = pixels.shape[1]
    flat, flat_codes = pixels.ravel(), codes.ravel()
    flat_codes[:] = np.uint32(0)
    first = edge * width + edge
    n_all = len(flat_codes) - 2 * edge
    # Some rows at a time, which stay in the cache for all the points.
    for start in range(0, n_all, _CHUNK):
        n = min(_CHUNK, n_all - start)
        part = flat_codes[edge + start : edge + start + n]
        centre = flat[first + start : first + start + n]
        for p in range(len(d_rows)):
            d_row, d_col = d_rows[p], d_cols[p]
            at = first + start + row_steps[p] * width + col_steps[p]
            top_left = flat[at : at + n]
            shift = np.uint32(p)
            # Branches would be guessed wrong half of the time, so bits are computed.
            if d_row == 0 and d_col == 0:
                for i in range(n):
                    bit = np.uint32(top_left[i] >= centre[i])
                    part[i] |= np.uint32(bit << shift)
                continue
            # On a pixel's row or column, there is no neighbour to read, maybe no room.
            right, below = at + (d_col > 0), at + (d_row > 0) * width
            top_right = flat[right : right + n]
            bottom_left = flat[below : below + n]
            below_right = below + right - at
            bottom_right = flat[below_right : below_right + n]
            for i in range(n):
                # As steps from one corner, so that equal corners give themselves.
                top = top_left[i] + d_col * (top_right[i] - top_left[i])
                bottom = bottom_left[i] + d_col * (bottom_right[i] - bottom_left[i])
                bit = np.uint32(top + d_row * (bottom - top) >= centre[i])
                part[i] |= np.uint32(bit << shift)


@njit()
def _encode(codes, n_points, table):
    """Replace patterns by their bins."""
    if len(table):
        for i in range(len(codes)):
            codes[i] = table[codes[i]]
        return
    last = np.uint32(n_points - 1)
    mixed = np.uint32(n_points + 1)
    for i in range(len(codes)):
        code = codes[i]
        turned = np.uint32(code >> _ONE) | np.uint32((code & _ONE) << last)
        n_ones = _count_ones(code)
        codes[i] = n_ones if _count_ones(code ^ turned) <= 2 else mixed


@njit(inline="always")
def _count_ones(x):
    # Sums of neighbouring bits, then of pairs, nibbles and bytes: no table, so it
    # vectorizes. The casts undo Numba's widening to 64 bits.
    x = np.uint32(x - np.uint32((x >> _ONE) & _BITS))
    x = np.uint32((x & _PAIRS) + np.uint32((x >> np.uint32(2)) & _PAIRS))
    x = np.uint32((x + np.uint32(x >> np.uint32(4))) & _NIBBLES)
    return np.uint32(np.uint32(x * _BYTES) >> np.uint32(24))
