"""Between kinds of pixels: depth, and gray or RGB. One image or a batch alike.

16-bit pixels that use little of their range are told of here, once a batch.
"""

import threading
import warnings
from contextlib import contextmanager

import numpy as np

from imgfeat._validation import IMAGE_DTYPES, to_uint8
from imgfeat.kernels.gray import to_gray
from imgfeat.sources._scale import outside_unit_range, white_of


def check_pixels(pixels, value_range=None):
    """Return one image as a C-contiguous array of a dtype in ``IMAGE_DTYPES``.

    Parameters
    ----------
    pixels : ndarray of shape (height, width), (height, width, 1) or (height, width, 3)
    value_range : tuple of (low, high), optional
        As for `to_unit_range`.

    Raises
    ------
    ValueError
        If the shape is another, there are no pixels, or the values are not numbers, or
        other numbers than the dtype says.
    """
    if np.ma.isMaskedArray(pixels):
        raise ValueError("it is a masked array: fill it with pixels.filled(0)")
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[..., 0]
    if pixels.ndim not in (2, 3) or (pixels.ndim == 3 and pixels.shape[2] != 3):
        raise ValueError(
            f"an array of shape {pixels.shape} is not (height, width) or (height, "
            "width, 3)"
        )
    if pixels.size == 0:
        raise ValueError(f"an array of shape {pixels.shape} has no pixels")
    # A foreign byte order comes home first: it says nothing of the scale.
    pixels = pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
    if value_range is not None:
        pixels = to_unit_range(pixels, value_range)
    if pixels.dtype == bool:
        pixels = pixels.astype(np.uint8) * np.uint8(255)
    elif pixels.dtype == np.float16:
        pixels = pixels.astype(np.float32)
    elif pixels.dtype.kind in "iu" and pixels.dtype not in IMAGE_DTYPES:
        pixels = to_uint8(pixels)
    if pixels.dtype not in IMAGE_DTYPES:
        raise ValueError(
            f"pixels of dtype {pixels.dtype} are not uint8, uint16, float32 or float64"
        )
    return np.ascontiguousarray(pixels)


def to_unit_range(pixels, value_range):
    """Scale all but 8-bit pixels to 0..1, as float32.

    Parameters
    ----------
    pixels : ndarray
        uint8 and bool have a scale of their own, and stay.
    value_range : tuple of (low, high)
        The values of black and white.

    Raises
    ------
    ValueError
        If a value lies outside.
    """
    if pixels.dtype == np.uint8 or pixels.dtype.kind not in "iuf":
        return pixels
    low, high = value_range
    lowest, highest = pixels.min(), pixels.max()
    if not (lowest >= low and highest <= high):
        raise ValueError(
            f"values from {lowest} to {highest} are outside value_range=({low}, {high})"
        )
    return ((pixels.astype(np.float64) - low) / (high - low)).astype(np.float32)


def as_dtype(pixels, dtype):
    """Convert depth: ``"uint8"`` (0..255) or ``"float32"`` (0..1).

    Parameters
    ----------
    pixels : ndarray of uint8, uint16, or floats in 0..1

    Raises
    ------
    ValueError
        If floats leave 0..1, NaN included.
    """
    if pixels.dtype.kind == "f" and (found := outside_unit_range(pixels)):
        low, high = found
        raise ValueError(f"float pixels from {low:.6g} to {high:.6g} are outside 0..1")
    if dtype == "uint8":
        if pixels.dtype == np.uint8:
            return pixels
        if pixels.dtype == np.uint16:
            # round(value / 257), for 257 is odd and has no ties
            return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)
        return np.rint(pixels * pixels.dtype.type(255)).astype(np.uint8)
    if pixels.dtype.kind == "f":
        return pixels.astype(np.float32, copy=False)
    return np.divide(pixels, np.float32(white_of(pixels.dtype)), dtype=np.float32)


def as_mode(pixels, mode):
    """Convert to ``"gray"`` (height, width), ``"rgb"`` (..., 3), or keep with None.

    Parameters
    ----------
    pixels : ndarray of shape (height, width) or (height, width, 3)
    """
    is_gray = pixels.ndim == 2
    if mode == "gray" and not is_gray:
        return to_gray(pixels)
    if mode == "rgb" and is_gray:
        return np.repeat(pixels[..., None], 3, axis=2)
    return pixels


class _Batch(threading.local):
    told = None


_batch = _Batch()


@contextmanager
def warned_once(told):
    """Let `note_range` warn in this thread, unless it has done so for the batch.

    Parameters
    ----------
    told : dict
        Empty at first, and shared by all threads that read a batch.
    """
    outer, _batch.told = _batch.told, told
    try:
        yield
    finally:
        _batch.told = outer


def note_range(pixels):
    """Warn if 16-bit pixels use less than a tenth of their range: 12 bits, perhaps.

    Parameters
    ----------
    pixels : ndarray
        As they are stored. 8 bits and floats say themselves what white is.

    Warns
    -----
    UserWarning
        As of `warn_once`.
    """
    if _batch.told is None or _batch.told or pixels.dtype != np.uint16:
        return
    if 0 < pixels.max() < white_of(pixels.dtype) / 10:
        warn_once(
            "Images of 16 bits that use less than a tenth of 0..65535 are dark. If "
            "their white is another value, 4095 for 12 bits, say so: "
            "ImageReader(value_range=(0, 4095))."
        )


def warn_once(text):
    """Warn of what is stored, unless it has been done for the batch.

    Parameters
    ----------
    text : str
        Always the same, so that Python shows it once where a batch comes in chunks.

    Warns
    -----
    UserWarning
        Within `warned_once` only: whoever reads one image looks at it.
    """
    told, ours = _batch.told, object()
    # Setting a default is one step, whichever thread comes first.
    if told is not None and told.setdefault("by", ours) is ours:
        warnings.warn(text, stacklevel=3)
