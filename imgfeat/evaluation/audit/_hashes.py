"""Fingerprints: 64 bits that say how a picture looks, digests of what it holds."""

import numpy as np
from scipy.fft import dct

from imgfeat.sources._source import hash_array

_SIDE = 8  # of the block of low frequencies: 64 bits


def perceptual_hashes(thumbnails):
    """Hash pictures so that those that look alike differ in few bits.

    Parameters
    ----------
    thumbnails : ndarray of shape (n_images, height, width), gray

    Returns
    -------
    ndarray of shape (n_images,), uint64
        A bit for each of the 64 lowest frequencies of the cosine transform: whether it
        is above their median. The constant one is above it always.

    References
    ----------
    C. Zauner, "Implementation and benchmarking of perceptual image hash functions",
    2010: the DCT-based hash, here with exact 64 bits.
    """
    if len(thumbnails) == 0:
        return np.empty(0, np.uint64)
    pictures = thumbnails.astype(np.float32)
    waves = dct(dct(pictures, axis=1), axis=2)[:, :_SIDE, :_SIDE].reshape(-1, _SIDE**2)
    # Without the constant, which would only say how bright the picture is.
    medians = np.median(waves[:, 1:], axis=1)
    bits = waves > medians[:, None]
    return np.packbits(bits, axis=1).view(np.uint64).ravel()


def pixel_digest(pixels):
    """Hash the picture itself: the same for gray as RGB, and for other depths of it.

    Parameters
    ----------
    pixels : ndarray of shape (height, width[, 3])
        uint8, uint16 or floats in 0..1.

    Returns
    -------
    str
        32 hexadecimal digits.
    """
    pixels = _in_eight_bits(pixels)
    if pixels.ndim == 3:
        red = pixels[..., 0]
        if all(np.array_equal(red, pixels[..., band]) for band in (1, 2)):
            pixels = red
    return hash_array(pixels, kind=b"audit").hex()


def _in_eight_bits(pixels):
    """The same values as uint8, if that loses nothing; else as they are."""
    if pixels.dtype == np.uint8:
        return pixels
    if pixels.dtype.kind == "f":
        levels = pixels * pixels.dtype.type(255)
        whole = np.rint(levels)
        # What was divided by 255 does not come back to the last bit.
        is_whole = np.abs(levels - whole).max() < 1e-3
        return whole.astype(np.uint8) if is_whole else pixels.astype(np.float32)
    levels, rest = np.divmod(pixels, 257)
    return pixels if rest.any() else levels.astype(np.uint8)
