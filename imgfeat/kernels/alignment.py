"""How well the edges of two small pictures agree, once one is moved over the other."""

import numpy as np

from imgfeat.kernels._jit import njit


def gradients(pictures):
    """Central differences of each picture, zero along its rim.

    Parameters
    ----------
    pictures : ndarray of shape (n_pictures, height, width), float32

    Returns
    -------
    ndarray of shape (n_pictures, height, width, 2), float32
        To the right, and down.
    """
    found = np.zeros((*pictures.shape, 2), np.float32)
    found[:, :, 1:-1, 0] = pictures[:, :, 2:] - pictures[:, :, :-2]
    found[:, 1:-1, :, 1] = pictures[:, 2:] - pictures[:, :-2]
    return found


def aligned_correlation(first, second, reach):
    """Correlate gradients at every shift of up to `reach` pixels; return the best.

    Parameters
    ----------
    first, second : ndarray of shape (n_pairs, height, width, 2), float32
        As `gradients` returns them; C-contiguous.
    reach : int
        In pixels, less than half a side.

    Returns
    -------
    ndarray of shape (n_pairs,), float32
        The cosine between the gradients where the pictures overlap: 1 if one is the
        other but for brightness, contrast and the shift; 0 for nothing in common, or
        no edges. Even parts count for nothing.
    """
    best = np.empty(len(first), np.float32)
    _correlate(first, second, reach, best)
    return best


@njit(fastmath=True)
def _correlate(first, second, reach, best):
    n_pairs, height, width, _ = first.shape
    for pair in range(n_pairs):
        highest = np.float32(0)
        for down in range(-reach, reach + 1):
            for right in range(-reach, reach + 1):
                both = np.float32(0)
                one = np.float32(1e-6)
                other = np.float32(1e-6)
                left, end = max(0, -right), min(width, width - right)
                for y in range(max(0, -down), min(height, height - down)):
                    a = first[pair, y, left:end].reshape(-1)
                    b = second[pair, y + down, left + right : end + right].reshape(-1)
                    for i in range(len(a)):
                        both += a[i] * b[i]
                        one += a[i] * a[i]
                        other += b[i] * b[i]
                highest = max(highest, both / np.sqrt(one * other))
        best[pair] = highest
