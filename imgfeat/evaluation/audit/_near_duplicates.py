"""Near duplicates: candidates by what looks alike from afar, then edge by edge."""

import cv2
import numpy as np

from imgfeat._threads import map_threads
from imgfeat.evaluation.audit._nearest import nearest_pairs, unique_pairs
from imgfeat.kernels.alignment import aligned_correlation, gradients
from imgfeat.kernels.gray import to_gray

_CANDIDATES = 8  # an image, by each kind of likeness
_ALIKE = 0.7  # cosine of the descriptors of candidates
_PATCH = 4  # pixels of a thumbnail that make one of the descriptor
_REACH = 3  # pixels of a thumbnail: a tenth of the picture
_SMOOTH = 1.0  # pixels: half a shift of one is no difference
_CHUNK = 256  # pairs at a time

# Correlation of aligned edges. Of 10,000 photos of CIFAR-10, one in a hundred has a
# candidate above 0.69 that is another picture.
NEAR = 0.84
# Fisher's z of that correlation, in standard deviations: how much edge agrees. Below
# the first it is a bird in the sky; above the second no other picture would.
ENOUGH = 20.0
SURE = 35.0
# A pair stands out if its distance is so small a share of that to the next ones.
_RIVAL = 5
_STANDS_OUT = 0.4


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

    Notes
    -----
    Two stages. Candidates are the nearest images by 8 x 8 patches of gray, as they are
    and mirrored, and by the embedding. Of each pair the gradients of the smoothed
    thumbnails are correlated, at every shift of up to a tenth of a side. Even parts
    have no gradients: two planes on a blue sky agree as far as the planes do, and that
    must be more than a few pixels. Copies that were turned, or cropped by more than a
    tenth, are not found.

    White digits on black agree that well without being copies. So a pair must be much
    closer than either image is to the fifth of its neighbors, unless as much agrees as
    only copies of rich pictures have.
    """
    seen = _descriptors(thumbnails)
    turned = _descriptors(thumbnails[:, :, ::-1])
    how = {"at_least": _ALIKE, "n_jobs": n_jobs}
    straight = [nearest_pairs(seen, seen, _CANDIDATES, **how)]
    if embeddings is not None:
        rows = _unit(np.nan_to_num(np.asarray(embeddings, np.float32)))
        straight.append(nearest_pairs(rows, rows, _CANDIDATES, n_jobs=n_jobs))
    mirrored = nearest_pairs(turned, seen, _CANDIDATES, **how)
    straight = unique_pairs(straight)
    pairs = np.concatenate([straight, mirrored])
    is_mirrored = np.arange(len(pairs)) >= len(straight)
    similarity, deviation = _verify_all(thumbnails, pairs, is_mirrored, n_jobs)
    is_near = _stand_out(pairs, similarity, len(thumbnails)) | (deviation >= SURE)
    is_near &= (similarity >= NEAR) & (deviation >= ENOUGH)
    return _best_of_each(pairs[is_near], similarity[is_near])


def _descriptors(thumbnails):
    """The picture from afar, without brightness, contrast and color: 8 x 8 patches."""
    n_images, height, width = thumbnails.shape[:3]
    means = np.empty((n_images, height // _PATCH, width // _PATCH), np.float32)
    for row, thumbnail in enumerate(thumbnails):
        gray = _gray(thumbnail).reshape(means.shape[1], _PATCH, means.shape[2], _PATCH)
        gray.mean(axis=(1, 3), out=means[row])
    flat = means.reshape(n_images, means.shape[1] * means.shape[2])
    return _unit(flat - flat.mean(axis=1, keepdims=True))


def _unit(rows):
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.maximum(lengths, 1e-6)


def _verify_all(thumbnails, pairs, is_mirrored, n_jobs):
    """Similarity of each pair, and how many standard deviations it is above none."""

    def verify(start):
        some = slice(start, start + _CHUNK)
        first, second = (_smooth_gray(thumbnails[side]) for side in pairs[some].T)
        turned = is_mirrored[some]
        second[turned] = second[turned, :, ::-1]
        edges, others = gradients(first), gradients(second)
        similarity = aligned_correlation(edges, others, _REACH)
        n_agreeing = np.minimum(_count(edges), _count(others))
        deviation = np.arctanh(np.minimum(similarity, 0.9999)) * np.sqrt(n_agreeing)
        return np.stack([similarity, deviation])

    starts = range(0, len(pairs), _CHUNK)
    several = map_threads(verify, starts, n_jobs)
    return np.concatenate([np.empty((2, 0), np.float32), *several], axis=1)


def _smooth_gray(thumbnails):
    smooth = [
        cv2.GaussianBlur(np.float32(_gray(one)), (0, 0), _SMOOTH) for one in thumbnails
    ]
    return np.asarray(smooth, np.float32)


def _gray(thumbnail):
    if thumbnail.ndim == 2:
        return thumbnail
    return to_gray(np.ascontiguousarray(thumbnail))


def _count(edges):
    """How many pixels the edges of a picture spread over (participation ratio)."""
    energy = (edges**2).sum(axis=-1).reshape(len(edges), -1)
    return energy.sum(axis=1) ** 2 / np.maximum((energy**2).sum(axis=1), 1e-6)


def _stand_out(pairs, similarity, n_images):
    """Whether each pair is much closer than its images are to further ones."""
    rows = pairs.ravel()
    values = np.repeat(similarity, 2)
    order = np.lexsort((-values, rows))
    rows, values = rows[order], values[order]
    starts = np.searchsorted(rows, np.arange(n_images))
    places = starts + _RIVAL
    is_there = places < len(rows)
    is_there[is_there] = rows[places[is_there]] == np.flatnonzero(is_there)
    rivals = np.zeros(n_images, np.float32)
    rivals[is_there] = values[places[is_there]]
    farthest = 1 - rivals[pairs].max(axis=1, initial=0)
    return 1 - similarity <= _STANDS_OUT * farthest


def _best_of_each(pairs, similarity):
    """Each pair once: it may have been found as it is and mirrored."""
    order = np.lexsort((-similarity, pairs[:, 1], pairs[:, 0]))
    pairs, similarity = pairs[order], similarity[order]
    _, firsts = np.unique(pairs, axis=0, return_index=True)
    return pairs[firsts], similarity[firsts]
