"""Dense SIFT: orientation maps, triangular windows, one descriptor a grid point.

The 8 orientations of a pixel lie side by side, one register wide, and stay so to the
end: a row of the image is read once, added to the few rows of bins that see it, and
each bin is computed once however many descriptors share it.
"""

import math
from functools import lru_cache

import numpy as np

from imgfeat.kernels._jit import njit

N_BINS = 4
N_ORIENTATIONS = 8
SIZE = N_BINS * N_BINS * N_ORIENTATIONS
_QUARTER = N_BINS * N_ORIENTATIONS

# Angle in eighths of a turn for a slope s in 0..1, atan(s) * 4 / pi, written as
# s * (1 + (1 - s^2) * P(s^2)): exact at 0 and at 1, within 1e-7 between. Exactness
# matters where edges run along the axes and diagonals: what leaks into a neighbouring
# empty bin would be magnified by the square root of RootSIFT.
ARC_TANGENT = np.array(
    [
        0.2732395354, -0.1511720566, 0.1034296917, -0.0779236719, 0.0602365642,
        -0.0432074902, 0.0247906750, -0.0093668042, 0.0016636772,
    ],
    dtype=np.float32,
)  # fmt: skip
_P0, _P1, _P2, _P3, _P4, _P5, _P6, _P7, _P8 = ARC_TANGENT
_ZERO, _HALF, _ONE, _TWO, _FOUR, _EIGHT = np.array(
    [0, 0.5, 1, 2, 4, 8], dtype=np.float32
)
# Below this a length counts as zero.
TINY = np.float32(1e-37)
CLIP = np.float32(0.2)

# Sums may be reordered and fused, which vectorizes them; nothing is approximated.
_jit = njit(
    error_model="numpy",
    fastmath={"contract", "nnan", "nsz", "reassoc"},
)


def dense_sift(images, *, step, bin_size, contrast_threshold=0.0, root=False, out=None):
    """Describe every `step`-th point of gray images by SIFT's histograms.

    Parameters
    ----------
    images : ndarray of shape (n_samples, height, width), uint8, uint16 or float32
        C-contiguous, finite; at least ``3 * bin_size + 1`` pixels along both axes.
    step : int
        Distance between descriptors, in pixels.
    bin_size : int
        Distance between a descriptor's bins, in pixels.
    contrast_threshold : float or ndarray of shape (n_samples,), default=0.0
        Mean gradient, in gray levels a pixel, at or below which a descriptor is zero.
    root : bool, default=False
        Give the square roots of the L1-normalized descriptors (RootSIFT).
    out : ndarray of shape (n_samples, n_rows, n_cols, 128), float32, optional

    Returns
    -------
    ndarray of shape (n_samples, n_rows, n_cols, 128), float32
        4 x 4 bins from top left, row by row, of 8 orientations each: 0, 45, ...
        degrees from "brighter to the right" to "brighter downwards" and on.
        Of unit length, or zero.

    Notes
    -----
    1. Gradients are central differences, one-sided at the border (``np.gradient``).
    2. A gradient is shared between the two nearest of the 8 orientations, linearly.
    3. The value of a bin is the sum over the pixels around its centre, weighted
       ``(1 - |dy| / bin_size) * (1 - |dx| / bin_size)``. Beyond the border, the
       border's gradients repeat.
    4. Each bin is then weighted by the mean, over the pixels it covers, of a Gaussian
       around the descriptor's centre with a deviation of ``2 * bin_size``.
    5. A descriptor is brought to unit length, cut at 0.2, and brought to unit length.
    """
    n_samples, height, width = images.shape
    row_of_bin, first_row, row_weights = axis_windows(height, step, bin_size)
    col_of_bin, first_col, col_weights = axis_windows(width, step, bin_size)
    window = gaussian_means(bin_size)
    # What the contrast threshold is compared with is a sum; bring it there.
    scale = bin_size**2 * window.sum(dtype=np.float64) ** 2
    thresholds = np.empty(n_samples, dtype=np.float32)
    thresholds[:] = np.multiply(contrast_threshold, scale)
    grid = n_samples, len(row_of_bin), len(col_of_bin)
    if out is None:
        out = np.empty((*grid, SIZE), dtype=np.float32)
    _describe_batch(
        images,
        first_row,
        row_weights,
        first_col,
        col_weights,
        row_of_bin,
        col_of_bin,
        window,
        thresholds,
        root,
        out.reshape(*grid, N_BINS, _QUARTER),
    )
    return out


def grid_starts(side, *, step, bin_size):
    """First bin's centre of each descriptor along an axis of `side` pixels.

    The grid lies in the middle: what `step` leaves over is split between both ends.
    """
    room = side - 1 - (N_BINS - 1) * bin_size
    return np.arange(room % step // 2, room + 1, step)


# Kept, because for one small image these tables take longer than the description.
@lru_cache(maxsize=64)
def axis_windows(side, step, bin_size):
    """Where bins lie along an axis, and what they see.

    Returns
    -------
    index : ndarray of shape (n_descriptors, 4)
        The bins of each descriptor.
    first : ndarray of shape (n_bins,)
        First pixel that a bin sees.
    weights : ndarray of shape (n_bins, 2 * bin_size - 1), float32
        Of that pixel and the next ones. The border's pixel stands for those beyond.
    """
    starts = grid_starts(side, step=step, bin_size=bin_size)
    centres = starts[:, None] + bin_size * np.arange(N_BINS)
    distinct, index = np.unique(centres, return_inverse=True)
    offsets = np.arange(1 - bin_size, bin_size)
    first = np.maximum(distinct + offsets[0], 0)
    pixels = np.clip(distinct[:, None] + offsets, 0, side - 1) - first[:, None]
    weights = np.zeros(pixels.shape, dtype=np.float32)
    triangle = 1 - np.abs(offsets) / bin_size
    np.add.at(weights, (np.arange(len(distinct))[:, None], pixels), triangle)
    return index.reshape(centres.shape), first, weights


@lru_cache(maxsize=64)
def gaussian_means(bin_size):
    """Mean of the Gaussian window over each of the four bins along an axis."""
    centres = bin_size * (np.arange(N_BINS) - (N_BINS - 1) / 2)
    offsets = np.arange(1 - bin_size, bin_size)
    distance = (centres[:, None] + offsets) / (2 * bin_size)
    return np.exp(-0.5 * distance**2).mean(axis=1).astype(np.float32)


@_jit
def _describe_batch(
    images,
    first_row,
    row_weights,
    first_col,
    col_weights,
    row_of_bin,
    col_of_bin,
    window,
    thresholds,
    root,
    out,
):
    n_samples, height, width = images.shape
    n_bin_rows, n_taps = row_weights.shape
    n_rows, n_cols = out.shape[1:3]
    # Two rings. Rows of bins that the current row of pixels adds to, and finished ones
    # that descriptors still need; in these, each descriptor has its four bins together.
    n_open = 1
    for k in range(n_bin_rows):
        stop = k
        while stop < n_bin_rows and first_row[stop] < first_row[k] + n_taps:
            stop += 1
        n_open = max(n_open, stop - k)
    n_kept = 1
    for r in range(n_rows):
        n_kept = max(n_kept, row_of_bin[r, N_BINS - 1] - row_of_bin[r, 0] + 1)
    summed = np.empty((n_open, width, N_ORIENTATIONS), dtype=np.float32)
    kept = np.empty((n_kept, n_cols, N_BINS, N_ORIENTATIONS), dtype=np.float32)
    joined = kept.reshape(n_kept, n_cols, _QUARTER)
    maps = np.empty(width * N_ORIENTATIONS, dtype=np.float32)
    length = np.empty(width, dtype=np.float32)
    angle = np.empty(width, dtype=np.float32)
    bins = np.empty((len(first_col), N_ORIENTATIONS), dtype=np.float32)
    limits = np.empty(n_cols, dtype=np.float32)
    scales = np.empty(n_cols, dtype=np.float32)

    for i in range(n_samples):
        image = images[i]
        n_begun = 0
        n_done = 0
        r = 0
        for y in range(height):
            while n_begun < n_bin_rows and first_row[n_begun] <= y:
                summed[n_begun % n_open] = _ZERO
                n_begun += 1
            if n_begun == n_done:
                continue
            above = max(y - 1, 0)
            below = min(y + 1, height - 1)
            scale = _HALF if below - above == 2 else _ONE
            _gradients(image[above], image[y], image[below], scale, length, angle)
            _share(length, angle, maps)
            for k in range(n_done, n_begun):
                weight = row_weights[k, y - first_row[k]]
                if weight != _ZERO:
                    _add_scaled(summed[k % n_open].ravel(), weight, maps)
            while n_done < n_begun and (
                y == height - 1 or y == first_row[n_done] + n_taps - 1
            ):
                _bin_row(summed[n_done % n_open], first_col, col_weights, bins)
                _spread(bins, col_of_bin, window, kept[n_done % n_kept])
                if row_of_bin[r, N_BINS - 1] == n_done:
                    slots = row_of_bin[r] % n_kept
                    found = out[i, r]
                    _limits(joined, slots, window, thresholds[i], limits)
                    _scales(joined, slots, window, limits, root, scales)
                    if root:
                        _finish_roots(joined, slots, window, limits, scales, found)
                    else:
                        _finish(joined, slots, window, limits, scales, found)
                    r += 1
                n_done += 1


@_jit
def _gradients(above, here, below, row_scale, length, angle):
    """Length, and direction in eighths of a turn (0..8), of one row's gradients."""
    width = len(here)
    for x in range(1, width - 1):
        d_row = (np.float32(below[x]) - np.float32(above[x])) * row_scale
        d_col = (np.float32(here[x + 1]) - np.float32(here[x - 1])) * _HALF
        length[x], angle[x] = _polar(d_row, d_col)
    for x in (0, width - 1):
        left = max(x - 1, 0)
        right = min(x + 1, width - 1)
        d_row = (np.float32(below[x]) - np.float32(above[x])) * row_scale
        d_col = np.float32(here[right]) - np.float32(here[left])
        length[x], angle[x] = _polar(d_row, d_col)


@_jit
def _polar(d_row, d_col):
    up = abs(d_row)
    along = abs(d_col)
    low = up if up < along else along
    high = along if up < along else up
    slope = low / (high if high > TINY else TINY)
    s2 = slope * slope
    p = _P6 + s2 * (_P7 + s2 * _P8)
    p = _P3 + s2 * (_P4 + s2 * (_P5 + s2 * p))
    p = _P0 + s2 * (_P1 + s2 * (_P2 + s2 * p))
    turn = slope * (_ONE + (_ONE - s2) * p)
    turn = _TWO - turn if up > along else turn
    turn = _FOUR - turn if d_col < _ZERO else turn
    turn = _EIGHT - turn if d_row < _ZERO else turn
    return np.float32(math.sqrt(d_row * d_row + d_col * d_col)), turn


@_jit
def _share(length, angle, maps):
    """Share each gradient between its two nearest orientations."""
    for x in range(len(length)):
        size = length[x]
        turn = angle[x]
        for o in range(N_ORIENTATIONS):
            away = abs(turn - np.float32(o))
            away = away if away < _FOUR else _EIGHT - away
            share = _ONE - away
            maps[x * N_ORIENTATIONS + o] = size * (share if share > _ZERO else _ZERO)


@_jit
def _add_scaled(total, weight, values):
    for k in range(len(total)):
        total[k] += weight * values[k]


@_jit
def _bin_row(summed, first_col, col_weights, bins):
    """Triangular window along a row of vertically summed maps, at each bin."""
    for k in range(len(first_col)):
        start = first_col[k]
        for o in range(N_ORIENTATIONS):
            bins[k, o] = _ZERO
        for t in range(min(col_weights.shape[1], len(summed) - start)):
            weight = col_weights[k, t]
            for o in range(N_ORIENTATIONS):
                bins[k, o] += weight * summed[start + t, o]


@_jit
def _spread(bins, col_of_bin, window, kept):
    """Weigh a row of bins, and put the four of each descriptor side by side."""
    for c in range(len(col_of_bin)):
        for j in range(N_BINS):
            weight = window[j]
            k = col_of_bin[c, j]
            for o in range(N_ORIENTATIONS):
                kept[c, j, o] = weight * bins[k, o]


# Four rows of finished bins, at `slots`, make a row of descriptors. Their values are
# weighed and cut anew in each of the three steps: loops that only sum, or only store,
# are vectorized, and slices inside a loop would count references.


@_jit
def _limits(kept, slots, window, threshold, limits):
    """Where to cut each descriptor: at 0.2 of its length; at 0 for low contrast."""
    first, second, third, fourth = slots[0], slots[1], slots[2], slots[3]
    # The window is symmetric: its first and last row, and the two between.
    outer, inner = window[0], window[1]
    for c in range(len(limits)):
        total = _ZERO
        square = _ZERO
        for k in range(_QUARTER):
            v1 = outer * kept[first, c, k]
            v2 = inner * kept[second, c, k]
            v3 = inner * kept[third, c, k]
            v4 = outer * kept[fourth, c, k]
            total += (v1 + v2) + (v3 + v4)
            square += (v1 * v1 + v2 * v2) + (v3 * v3 + v4 * v4)
        clear = total > threshold and square > TINY
        limits[c] = CLIP * np.float32(math.sqrt(square)) if clear else _ZERO


@_jit
def _scales(kept, slots, window, limits, root, scales):
    """One over each cut descriptor's length, or over its sum."""
    first, second, third, fourth = slots[0], slots[1], slots[2], slots[3]
    outer, inner = window[0], window[1]
    for c in range(len(scales)):
        limit = limits[c]
        total = _ZERO
        square = _ZERO
        for k in range(_QUARTER):
            v1 = _cut(outer * kept[first, c, k], limit)
            v2 = _cut(inner * kept[second, c, k], limit)
            v3 = _cut(inner * kept[third, c, k], limit)
            v4 = _cut(outer * kept[fourth, c, k], limit)
            total += (v1 + v2) + (v3 + v4)
            square += (v1 * v1 + v2 * v2) + (v3 * v3 + v4 * v4)
        norm = total if root else np.float32(math.sqrt(square))
        scales[c] = _ONE / norm if norm > _ZERO else _ZERO


# Over out.shape[2], not _QUARTER: a loop of known length is unrolled, and then not
# vectorized.
@_jit
def _finish(kept, slots, window, limits, scales, out):
    for i in range(N_BINS):
        weight = window[i]
        slot = slots[i]
        for c in range(len(out)):
            limit = limits[c]
            scale = scales[c]
            for k in range(out.shape[2]):
                out[c, i, k] = scale * _cut(weight * kept[slot, c, k], limit)


@_jit
def _finish_roots(kept, slots, window, limits, scales, out):
    for i in range(N_BINS):
        weight = window[i]
        slot = slots[i]
        for c in range(len(out)):
            limit = limits[c]
            scale = scales[c]
            for k in range(out.shape[2]):
                value = scale * _cut(weight * kept[slot, c, k], limit)
                out[c, i, k] = np.float32(math.sqrt(value))


@_jit
def _cut(value, limit):
    return value if value < limit else limit
