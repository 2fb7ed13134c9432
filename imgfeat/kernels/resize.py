"""The one resize: separable, antialiased, with Pillow's geometry.

Training, prediction and the nets all resize here, so none can differ from another.
"""

from functools import lru_cache

import numpy as np

from imgfeat.kernels._jit import njit
from imgfeat.kernels._resize_strips import filter_strip, room_for_strips
from imgfeat.kernels.simd import LANES

INTERPOLATIONS = ("nearest", "box", "bilinear", "bicubic", "lanczos")


def resize(image, size, *, interpolation="bilinear", box=None, out=None):
    """Resize one image; when it shrinks, every pixel counts (antialiased).

    Each output pixel is a weighted mean of the pixels below a filter that is as wide
    as an output pixel where the image shrinks, and as an input pixel where it grows.
    Weights and rounding are Pillow's: uint8 equals ``PIL.Image.resize`` but for rare
    pixels, which differ by a level, and is the same on every machine.

    Parameters
    ----------
    image : ndarray of shape (height, width) or (height, width, 3)
        uint8, uint16, float32 or float64, finite.
    size : tuple of (int, int)
        Height and width in pixels of the whole result, `box` aside.
    interpolation : {"nearest", "box", "bilinear", "bicubic", "lanczos"}
        The filter. Bicubic has a = -0.5; lanczos has 3 lobes. Both overshoot at edges:
        integers are clipped, floats are not.
    box : tuple of (top, left, height, width), optional
        Compute only this window of the result, in pixels of the result.
    out : ndarray, optional
        C-contiguous array that takes the result: its shape, the dtype of `image`.

    Returns
    -------
    ndarray of shape (height, width[, 3]) of `size` or `box`, dtype of `image`

    Notes
    -----
    For uint8 weights have 16 bits, so that float32 sums of weighed pixels are exact, in
    whatever order they are taken: with pixels from -128 on, no sum needs more than its
    24 bits. Where a value lies right between two levels, as it often does, rounded sums
    would tip it by chance.

    Rows are filtered first, then columns. Pillow 13 does it the other way round where
    the height shrinks much more than the width, which no version before it did; there
    a filter that overshoots clips other pixels.
    """
    height, width = image.shape[:2]
    n_channels = 3 if image.ndim == 3 else 1
    top, left, n_rows, n_cols = (0, 0, *size) if box is None else box
    if out is None:
        out = np.empty((n_rows, n_cols, *image.shape[2:]), dtype=image.dtype)

    window = slice(top, top + n_rows), slice(left, left + n_cols)
    if size[0] == height and size[1] == width:
        out[...] = image[window]
        return out
    if interpolation == "nearest":
        rows, cols = (
            _nearest(source, target)[part]
            for source, target, part in zip((height, width), size, window, strict=True)
        )
        out[...] = image[rows[:, None], cols]
        return out

    # Float32 is exact enough for 16 bits: 24 bits of mantissa, a handful of terms.
    precision = np.float64 if image.dtype == np.float64 else np.float32
    is_exact = image.dtype == np.uint8
    y = _weights(height, size[0], interpolation, top, n_rows, precision, is_exact)
    x = _weights(width, size[1], interpolation, left, n_cols, precision, is_exact)
    rows_in = np.ascontiguousarray(image).reshape(height, width * n_channels)
    rows_out = out.reshape(n_rows, n_cols * n_channels)
    if image.dtype.kind == "f":
        _filter_floats(rows_in, n_channels, *y, *x, rows_out)
    else:
        middle = precision(np.iinfo(image.dtype).max // 2 + 1)
        _filter_integers(rows_in, n_channels, *y, *x, middle, rows_out)
    return out


def _nearest(n_in, n_out):
    # Pillow adds up steps; a product would round to another pixel now and then.
    steps = np.full(n_out, n_in / n_out)
    steps[0] /= 2
    return np.minimum(np.cumsum(steps).astype(np.intp), n_in - 1)


def _box(x):
    return (x > -0.5) & (x <= 0.5)


def _triangle(x):
    return np.maximum(0, 1 - np.abs(x))


def _cubic(x):
    x, a = np.abs(x), -0.5
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * a
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def _lanczos(x):
    return np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0)


# Of weights for 8-bit pixels.
WEIGHT_BITS = 16
# Added before they are rounded down, so that halves go up whatever they are short of.
NUDGE = 0.5 + 2.0**-20

# name -> the filter and how far it reaches, in pixels
_FILTERS = {
    "box": (_box, 0.5),
    "bilinear": (_triangle, 1),
    "bicubic": (_cubic, 2),
    "lanczos": (_lanczos, 3),
}


@lru_cache(maxsize=512)
def _weights(n_in, n_out, interpolation, first, count, precision, is_exact):
    """Return where each output's window starts, and its weights.

    For `count` outputs from `first` on; if `is_exact`, of `WEIGHT_BITS` bits. All
    windows have one length, so that the kernels' loops do: the shorter ones at the
    borders are filled with zeros.

    Returns
    -------
    starts : ndarray of shape (count,), intp, never falling
    weights : ndarray of shape (count, n_taps); every row sums to 1
    """
    kernel, reach = _FILTERS[interpolation]
    scale = n_in / n_out
    stretch = max(scale, 1.0)
    reach = reach * stretch
    center = (np.arange(first, first + count) + 0.5) * scale
    starts = np.maximum(0, (center - reach + 0.5).astype(np.intp))
    stops = np.minimum(n_in, (center + reach + 0.5).astype(np.intp))
    n_taps = int((stops - starts).max())

    shifted = np.minimum(starts, n_in - n_taps)
    taps = shifted[:, None] + np.arange(n_taps)
    inside = (taps >= starts[:, None]) & (taps < stops[:, None])
    weights = kernel((taps + 0.5 - center[:, None]) / stretch) * inside
    weights = weights / weights.sum(axis=1, keepdims=True)
    if is_exact:
        whole = np.floor(weights * 2**WEIGHT_BITS + NUDGE)
        # What rounding took goes to the largest, so that flat images stay flat.
        largest = whole.argmax(axis=1)
        whole[np.arange(count), largest] += 2**WEIGHT_BITS - whole.sum(axis=1)
        weights = whole / 2**WEIGHT_BITS
    return shifted, np.ascontiguousarray(weights, dtype=precision)


# Sums may be fused and reordered: the last bit is not promised.
_SUMS = {"contract", "reassoc", "nsz"}


@njit(fastmath=_SUMS)
def _filter_line(line, n_channels, starts, weights, out):
    """Filter one row of interleaved channels along itself."""
    # Slices and unsigned indices leave nothing to check in the inner loops, so that
    # the compiler can vectorize them: twice to three times as fast.
    n_taps = weights.shape[1]
    zero = weights.dtype.type(0)
    for j in range(len(starts)):
        weight = weights[j]
        window = line[n_channels * starts[j] : n_channels * (starts[j] + n_taps)]
        if n_channels == 1:
            gray = zero
            for k in range(n_taps):
                gray += weight[np.uint64(k)] * window[np.uint64(k)]
            out[j] = gray
        else:
            red = green = blue = zero
            for k in range(n_taps):
                red += weight[np.uint64(k)] * window[np.uint64(3 * k)]
                green += weight[np.uint64(k)] * window[np.uint64(3 * k + 1)]
                blue += weight[np.uint64(k)] * window[np.uint64(3 * k + 2)]
            out[3 * j] = red
            out[3 * j + 1] = green
            out[3 * j + 2] = blue


@njit(fastmath=_SUMS)
def _add_scaled(total, weight, row):
    for j in range(len(row)):
        total[j] += weight * row[j]


@njit(fastmath=_SUMS)
def _filter_integers(image, n_channels, y0, y_weights, x0, x_weights, middle, out):
    n_taps, width = y_weights.shape[1], out.shape[1]
    # Rows filtered along x wait here, as many as one output row needs.
    ring, room = room_for_strips(image, n_channels, x0, x_weights, n_taps)
    total = np.empty(width, np.float32)
    zero, up, white = np.float32(0), middle + np.float32(0.5), 2 * middle - 1
    ready = y0[0] // LANES * LANES
    for i in range(len(y0)):
        while ready < y0[i] + n_taps:
            filter_strip(image, ready, n_channels, x0, x_weights, middle, ring, room)
            ready += LANES
        total[:] = 0
        for k in range(n_taps):
            _add_scaled(total, y_weights[i, k], ring[(y0[i] + k) % len(ring)][:width])
        row_out = out[i]
        for j in range(len(row_out)):
            row_out[j] = np.int32(min(max(total[j] + up, zero), white))


@njit(fastmath=_SUMS)
def _filter_floats(image, n_channels, y0, y_weights, x0, x_weights, out):
    n_taps = y_weights.shape[1]
    ring = np.empty((n_taps, out.shape[1]), dtype=y_weights.dtype)
    ready = 0
    for i in range(len(y0)):
        ready = max(ready, y0[i])
        while ready < y0[i] + n_taps:
            row = ring[ready % n_taps]
            _filter_line(image[ready], n_channels, x0, x_weights, row)
            ready += 1
        out[i, :] = 0
        for k in range(n_taps):
            _add_scaled(out[i], y_weights[i, k], ring[(y0[i] + k) % n_taps])
