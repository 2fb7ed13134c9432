"""Pixels of every kind that the library takes, as a screen shows them."""

import numpy as np

from imgfeat.features.local._base import to_unit_range
from imgfeat.sources._pixels import as_dtype, check_pixels


def as_bytes(pixels):
    """An image as uint8, to be shown.

    Parameters
    ----------
    pixels : ndarray of shape (height, width[, 1 or 3])
        Of a dtype that the library takes. Floats that leave 0..1 are stretched to it.

    Returns
    -------
    ndarray of shape (height, width) or (height, width, 3), uint8
    """
    pixels = check_pixels(pixels)
    if pixels.dtype.kind == "f":
        pixels = to_unit_range(pixels)
    return as_dtype(pixels, "uint8")


def as_rgb(pixels):
    """The same in three channels."""
    pixels = as_bytes(pixels)
    return pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)
