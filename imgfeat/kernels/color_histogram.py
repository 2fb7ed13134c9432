"""Colour spaces, and histograms of colours in one pass over the pixels."""

import cv2
import numpy as np

from imgfeat.kernels._jit import njit

# What OpenCV calls the conversion, and the range of each channel: for LAB, in what
# sRGB reaches, so that no bin lies outside. Gray is then not on an edge of a bin.
SPACES = {
    "rgb": (None, ((0, 1), (0, 1), (0, 1))),
    "hsv": (cv2.COLOR_RGB2HSV, ((0, 360), (0, 1), (0, 1))),
    "lab": (cv2.COLOR_RGB2LAB, ((0, 100), (-87, 99), (-108, 95))),
}


def to_space(images, space):
    """Convert RGB images to another space.

    Parameters
    ----------
    images : ndarray of shape (n_samples, height, width, 3), float32
        sRGB from 0 to 1, C-contiguous.
    space : {"rgb", "hsv", "lab"}

    Returns
    -------
    ndarray of shape (n_samples, height, width, 3), float32
        Hue in degrees, saturation and value from 0 to 1; or CIE LAB under D65, which
        OpenCV interpolates from tables, within 0.5 of the formula.
    """
    code, _ = SPACES[space]
    if code is None:
        return images
    tall = images.reshape(-1, *images.shape[2:])
    return cv2.cvtColor(tall, code).reshape(images.shape)


def color_histograms(images, *, space, n_bins, joint, grid):
    """Count the colours of the pixels of each cell.

    Parameters
    ----------
    images : ndarray of shape (n_samples, height, width, 3), float32
        In `space`. At least as many pixels as cells along both axes.
    space : {"rgb", "hsv", "lab"}
    n_bins : tuple of (int, int, int)
        Bins of each channel; they split its range evenly.
    joint : bool
        Count triples of bins, the last channel's varying fastest; or count each
        channel's bins for themselves, one channel after the other.
    grid : tuple of (int, int)
        Cells down and across.

    Returns
    -------
    ndarray of shape (n_samples, n_rows, n_cols, n_counts), uint32
    """
    n_counts = np.prod(n_bins) if joint else np.sum(n_bins)
    low, high = np.array(SPACES[space][1], dtype=np.float32).T
    n_bins = np.array(n_bins)
    out = np.zeros((len(images), *grid, n_counts), dtype=np.uint32)
    _count(images, low, (n_bins / (high - low)).astype(np.float32), n_bins, joint, out)
    return out


@njit()
def _count(images, low, scale, n_bins, joint, out):
    n_samples, height, width, n_channels = images.shape
    grid_rows, grid_cols = out.shape[1:3]
    for i in range(n_samples):
        for row in range(height):
            for col in range(width):
                counts = out[i, row * grid_rows // height, col * grid_cols // width]
                index = 0
                for k in range(n_channels):
                    bin_ = int((images[i, row, col, k] - low[k]) * scale[k])
                    # The upper end of the range belongs to the last bin.
                    bin_ = min(max(bin_, 0), n_bins[k] - 1)
                    if joint:
                        index = index * n_bins[k] + bin_
                    else:
                        counts[index + bin_] += np.uint32(1)
                        index += n_bins[k]
                if joint:
                    counts[index] += np.uint32(1)
