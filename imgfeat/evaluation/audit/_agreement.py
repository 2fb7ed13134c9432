"""How well pairs of thumbnails agree: edge by edge, once one is laid over the other."""

import cv2
import numpy as np

from imgfeat._threads import map_threads
from imgfeat.evaluation.audit._poses import in_pose
from imgfeat.kernels.alignment import (
    aligned_correlation,
    count_edges,
    gradients,
    register,
    registered_correlation,
)
from imgfeat.kernels.gray import to_gray

_REACH = 3  # pixels of a thumbnail: a tenth of the picture
_SMOOTH = 1.0  # pixels: half a shift of one is no difference
_CHUNK = 256  # pairs at a time
# How far an affine map may go that still leads to a copy.
_STRETCH = 4 / 3
_TURN = np.radians(12)
_OVERLAP = 0.5


def gray(thumbnail):
    """The thumbnail in gray, uint8."""
    if thumbnail.ndim == 2:
        return thumbnail
    return to_gray(np.ascontiguousarray(thumbnail))


def shifted_agreement(thumbnails, pairs, poses, *, n_jobs=None):
    """Compare the edges of each pair at every shift of up to a tenth of a side.

    Parameters
    ----------
    thumbnails : ndarray of shape (n_images, 32, 32[, 3]), uint8
    pairs : ndarray of shape (n_pairs, 2), int
    poses : ndarray of shape (n_pairs,), int
        How the first of each is turned.
    n_jobs : int, optional

    Returns
    -------
    ndarray of shape (4, n_pairs), float32
        Correlation of the gradients; Fisher's z of it in standard deviations, so how
        much edge agrees; the shift to the right and down.
    """

    def compare(first, second):
        edges, others = gradients(first), gradients(second)
        similarity, shift = aligned_correlation(edges, others, _REACH)
        n_edges = np.minimum(count_edges(edges), count_edges(others))
        return np.stack([similarity, _deviation(similarity, n_edges), *shift.T])

    return _in_chunks(compare, thumbnails, pairs, poses, n_jobs, n_values=4)


def registered_agreement(thumbnails, pairs, poses, shifts, *, n_jobs=None):
    """Compare the edges of each pair once an affine map has laid them over each other.

    Parameters
    ----------
    thumbnails, pairs, poses, n_jobs
        As of `shifted_agreement`.
    shifts : ndarray of shape (n_pairs, 2), float32
        Where to begin.

    Returns
    -------
    ndarray of shape (2, n_pairs), float32
        Correlation and deviation; 0 where no map is found, or one that stretches by
        more than a third, turns by more than 12 degrees or leaves less than half.
    """

    def compare(first, second, shifts):
        pairs = zip(first, second, shifts, strict=True)
        return np.array([_register_one(*pair) for pair in pairs], np.float32).T

    return _in_chunks(compare, thumbnails, pairs, poses, n_jobs, shifts, n_values=2)


def _register_one(first, second, shift):
    affine = register(first, second, shift)
    if affine is None or not _is_small(affine):
        return 0.0, 0.0
    similarity, n_edges, overlap = registered_correlation(first, second, affine)
    if overlap < _OVERLAP:
        return 0.0, 0.0
    return similarity, _deviation(similarity, n_edges)


def _is_small(affine):
    (a, b), (c, d) = affine[:, :2]
    largest, smallest = np.linalg.svd(affine[:, :2], compute_uv=False)
    turn = abs(np.arctan2(c - b, a + d))
    return largest <= _STRETCH and smallest >= 1 / _STRETCH and turn <= _TURN


def _deviation(similarity, n_edges):
    return np.arctanh(np.clip(similarity, 0, 0.9999)) * np.sqrt(n_edges)


def _in_chunks(compare, thumbnails, pairs, poses, n_jobs, *more, n_values):
    def some(start):
        piece = slice(start, start + _CHUNK)
        rows, places = np.unique(pairs[piece], return_inverse=True)
        smooth = _smooth_gray(thumbnails[rows])
        first, second = smooth[places.reshape(-1, 2).T]
        for pose in np.unique(poses[piece]):
            of_pose = poses[piece] == pose
            first[of_pose] = in_pose(first[of_pose], pose)
        return compare(first, second, *(values[piece] for values in more))

    starts = range(0, len(pairs), _CHUNK)
    several = map_threads(some, starts, n_jobs)
    return np.concatenate([np.empty((n_values, 0), np.float32), *several], axis=1)


def _smooth_gray(thumbnails):
    smooth = [
        cv2.GaussianBlur(np.float32(gray(one)), (0, 0), _SMOOTH) for one in thumbnails
    ]
    return np.asarray(smooth, np.float32)
