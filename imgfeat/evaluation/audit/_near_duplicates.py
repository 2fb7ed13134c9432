"""Near duplicates: candidates by what looks alike from afar, then edge by edge."""

import cv2
import numpy as np

from imgfeat._threads import map_threads
from imgfeat.evaluation.audit._nearest import nearest_pairs, unique_pairs
from imgfeat.kernels.alignment import aligned_correlation, gradients
from imgfeat.kernels.gray import to_gray

_CANDIDATES = 5  # an image, by each kind of likeness
_PATCH = 4  # pixels of a thumbnail that make one of the descriptor
_REACH = 3  # pixels of a thumbnail: a tenth of the picture
_SMOOTH = 1.0  # pixels: half a shift of one is no difference
_CHUNK = 512  # pairs at a time

# Correlation of aligned edges. See the table in the notes of `find_duplicates`.
NEAR = 0.86


def near_pairs(thumbnails, embeddings=None, *, n_jobs=None):
    """Find pairs of pictures that differ by a shift, brightness, noise or compression.

    Parameters
    ----------
    thumbnails : ndarray of shape (n_images, 32, 32[, 3]), uint8
    embeddings : ndarray of shape (n_images, n_features), optional
        They propose candidates, and decide nothing.
    n_jobs : int, optional

    Returns
    -------
    pairs : ndarray of shape (n_pairs, 2), int
    similarity : ndarray of shape (n_pairs,), float
    """
    pictures = thumbnails if thumbnails.ndim == 4 else thumbnails[..., None]
    rows = _descriptors(pictures)
    proposed = [
        nearest_pairs(queries, rows, _CANDIDATES, n_jobs=n_jobs)
        for queries in (rows, _descriptors(pictures[:, :, ::-1]))
    ]
    if embeddings is not None:
        rows = _unit(np.nan_to_num(np.asarray(embeddings, np.float32)))
        proposed.append(nearest_pairs(rows, rows, _CANDIDATES, n_jobs=n_jobs))
    pairs = unique_pairs(proposed)
    chunks = [pairs[at : at + _CHUNK] for at in range(0, len(pairs), _CHUNK)]
    several = map_threads(lambda some: _verify(thumbnails, some), chunks, n_jobs)
    similarity = np.concatenate([np.empty(0), *several])
    is_near = similarity >= NEAR
    return pairs[is_near], similarity[is_near]


def _descriptors(pictures):
    """The picture from afar, without its brightness and contrast: 8 x 8 patches."""
    n_images, height, width, n_channels = pictures.shape
    shape = height // _PATCH, _PATCH, width // _PATCH, _PATCH, n_channels
    means = [image.reshape(shape).mean((1, 3), dtype=np.float32) for image in pictures]
    flat = np.reshape(means, (n_images, -1))
    return _unit(flat - flat.mean(axis=1, keepdims=True))


def _unit(rows):
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.maximum(lengths, 1e-6)


def _verify(thumbnails, pairs):
    """How well each pair's edges agree, straight or mirrored."""
    first, second = (_smooth_gray(thumbnails[side]) for side in pairs.T)
    edges, others = gradients(first), gradients(second)
    mirrored = gradients(np.ascontiguousarray(second[:, :, ::-1]))
    return np.maximum(
        aligned_correlation(edges, others, _REACH),
        aligned_correlation(edges, mirrored, _REACH),
    )


def _smooth_gray(thumbnails):
    gray = thumbnails if thumbnails.ndim == 3 else to_gray(thumbnails)
    smooth = [cv2.GaussianBlur(np.float32(one), (0, 0), _SMOOTH) for one in gray]
    return np.asarray(smooth, np.float32)
