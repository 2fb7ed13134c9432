"""RGB to gray by ITU-R 601: the one luminance of the library."""

import numpy as np

from imgfeat.kernels._jit import njit


def to_gray(images):
    """Weigh red, green and blue as ITU-R 601 does: 0.299 R + 0.587 G + 0.114 B.

    Integers use Pillow's 16-bit fixed point, so uint8 equals ``Image.convert("L")``.

    Parameters
    ----------
    images : ndarray of shape (..., 3); uint8, uint16, float32 or float64
        C-contiguous.

    Returns
    -------
    ndarray of shape (...), dtype of `images`
    """
    gray = np.empty(images.shape[:-1], dtype=images.dtype)
    weigh = _weigh_floats if images.dtype.kind == "f" else _weigh_integers
    weigh(images.reshape(-1, 3), gray.reshape(-1))
    return gray


@njit()
def _weigh_integers(pixels, gray):
    for i in range(len(pixels)):
        red = np.uint32(pixels[i, 0])
        green = np.uint32(pixels[i, 1])
        blue = np.uint32(pixels[i, 2])
        # 65535 * 65536 + 32768 still fits 32 bits.
        weighed = (
            np.uint32(19595) * red
            + np.uint32(38470) * green
            + np.uint32(7471) * blue
            + np.uint32(32768)
        )
        gray[i] = weighed >> np.uint32(16)


@njit()
def _weigh_floats(pixels, gray):
    for i in range(len(pixels)):
        # As differences to green, so that equal channels stay exactly themselves.
        green = np.float64(pixels[i, 1])
        red = np.float64(pixels[i, 0]) - green
        blue = np.float64(pixels[i, 2]) - green
        gray[i] = green + 0.299 * red + 0.114 * blue
