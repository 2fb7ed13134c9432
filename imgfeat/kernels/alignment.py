"""How well the edges of two small pictures agree, once one is moved over the other."""

import cv2
import numpy as np

from imgfeat.kernels._jit import njit

_INVERSE = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
_UNTIL = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 25, 1e-3)
_FULL = 0.999  # of a warped pixel lies within the picture


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


def count_edges(edges):
    """How many pixels the edges of a picture spread over (participation ratio).

    Parameters
    ----------
    edges : ndarray of shape (n_pictures, height, width, 2), float32
        As `gradients` returns them.

    Returns
    -------
    ndarray of shape (n_pictures,), float32
    """
    energy = (edges[..., 0] ** 2 + edges[..., 1] ** 2).reshape(len(edges), -1)
    return energy.sum(axis=1) ** 2 / np.maximum((energy**2).sum(axis=1), 1e-6)


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
    correlation : ndarray of shape (n_pairs,), float32
        The cosine between the gradients where the pictures overlap: 1 if one is the
        other but for brightness, contrast and the shift; 0 for nothing in common, or
        no edges. Even parts count for nothing.
    shift : ndarray of shape (n_pairs, 2), int
        To the right and down, in pixels: what is at (x, y) of the first is at
        (x + right, y + down) of the second.
    """
    best = np.empty(len(first), np.float32)
    shift = np.zeros((len(first), 2), np.intp)
    _correlate(first, second, reach, best, shift)
    return best, shift


def register(first, second, shift):
    """Find the affine map that lays one picture over another.

    Parameters
    ----------
    first, second : ndarray of shape (height, width), float32
    shift : array-like of shape (2,)
        To the right and down, in pixels: where to begin, as `aligned_correlation`
        returns it.

    Returns
    -------
    ndarray of shape (2, 3), float32; or None
        Leads from (x, y, 1) of the first to (x, y) of the second. None if the search
        does not converge, as for a picture without edges.

    References
    ----------
    G. Evangelidis, E. Psarakis, "Parametric image alignment using enhanced correlation
    coefficient maximization", PAMI 30(10), 2008. doi:10.1109/TPAMI.2008.113. OpenCV's,
    with at most 25 steps.
    """
    start = np.float32([[1, 0, shift[0]], [0, 1, shift[1]]])
    try:
        _, found = cv2.findTransformECC(
            first, second, start, cv2.MOTION_AFFINE, _UNTIL, None, 1
        )
    except cv2.error as error:
        if error.code != cv2.Error.StsNoConv:
            raise
        return None
    return found if np.isfinite(found).all() else None


def registered_correlation(first, second, affine):
    """Correlate the gradients of one picture and another that is laid over it.

    Parameters
    ----------
    first, second : ndarray of shape (height, width), float32
    affine : ndarray of shape (2, 3), float32
        As `register` returns it.

    Returns
    -------
    correlation : float
        As of `aligned_correlation`.
    n_edges : float
        Pixels that the edges where they overlap spread over, of the poorer picture.
    overlap : float
        Share of the first picture that the second covers.
    """
    size = first.shape[::-1]
    moved = cv2.warpAffine(second, affine, size, flags=_INVERSE)
    inside = cv2.warpAffine(np.ones_like(second), affine, size, flags=_INVERSE)
    # Along the rim of what is covered, differences would be of what is not there.
    covered = np.zeros(first.shape, bool)
    full = inside > _FULL
    covered[1:-1, 1:-1] = full[1:-1, 1:-1] & full[:-2, 1:-1] & full[2:, 1:-1]
    covered[1:-1, 1:-1] &= full[1:-1, :-2] & full[1:-1, 2:]
    edges = gradients(np.stack([first, moved])) * covered[..., None]
    both = (edges[0] * edges[1]).sum()
    lengths = np.sqrt((edges**2).sum(axis=(1, 2, 3)).prod() + 1e-12)
    return float(both / lengths), float(count_edges(edges).min()), float(full.mean())


@njit(fastmath=True)
def _correlate(first, second, reach, best, shift):
    n_pairs, height, width, _ = first.shape
    one = np.zeros((height + 1, width + 1))
    other = np.zeros((height + 1, width + 1))
    for pair in range(n_pairs):
        _sum_up(first[pair], one)
        _sum_up(second[pair], other)
        highest = np.float32(0)
        for down in range(-reach, reach + 1):
            top, bottom = max(0, -down), min(height, height - down)
            for right in range(-reach, reach + 1):
                left, end = max(0, -right), min(width, width - right)
                both = np.float32(0)
                for y in range(top, bottom):
                    a = first[pair, y, left:end].reshape(-1)
                    b = second[pair, y + down, left + right : end + right].reshape(-1)
                    for i in range(len(a)):
                        both += a[i] * b[i]
                lengths = _inside(one, top, bottom, left, end) * _inside(
                    other, top + down, bottom + down, left + right, end + right
                )
                found = np.float32(both / np.sqrt(lengths + 1e-12))
                if found > highest:
                    highest = found
                    shift[pair, 0] = right
                    shift[pair, 1] = down
        best[pair] = min(highest, np.float32(1))


@njit()
def _sum_up(edges, table):
    """Fill the summed-area table of the squared lengths of gradients."""
    height, width, _ = edges.shape
    for y in range(height):
        row = 0.0
        for x in range(width):
            row += edges[y, x, 0] ** 2 + edges[y, x, 1] ** 2
            table[y + 1, x + 1] = table[y, x + 1] + row


@njit()
def _inside(table, top, bottom, left, end):
    found = (
        table[bottom, end] - table[top, end] - table[bottom, left] + table[top, left]
    )
    return max(found, 0.0)
