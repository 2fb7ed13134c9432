"""A map laid over its image, in two colours."""

import io

import numpy as np
from PIL import Image

from imgfeat.evaluation.report._thumbnails import as_address

# For and against; told apart in every common kind of colour blindness.
FOR, AGAINST = np.array([230, 80, 0]), np.array([0, 90, 200])
# Share of all pixels' values that are below full colour, and its most cover.
_FULL, _COVER = 0.99, 0.75


def overlay(pixels, found):
    """Colour what speaks for a class, and what speaks against it.

    Parameters
    ----------
    pixels : ndarray of shape (height, width, 3), uint8
    found : ndarray of shape (height, width)

    Returns
    -------
    ndarray of shape (height, width, 3), uint8
        Gray where the map is 0.
    """
    gray = pixels.mean(axis=2, keepdims=True) * 0.7 + pixels * 0.3
    most = np.quantile(np.abs(found), _FULL) or np.abs(found).max() or 1.0
    strength = np.clip(found / most, -1, 1)[..., None]
    color = np.where(strength > 0, FOR, AGAINST)
    cover = _COVER * np.abs(strength)
    return (gray * (1 - cover) + color * cover).round().astype(np.uint8)


def encode(pixels, kind, *, side=None, **options):
    """Pixels as the bytes of an image file, its longer side at most `side`."""
    picture = Image.fromarray(pixels)
    if side is not None and max(picture.size) > side:
        picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def jpeg_address(pixels, side):
    """A small JPEG as the address that an img element takes."""
    return as_address(encode(pixels, "JPEG", side=side, quality=80, optimize=True))
