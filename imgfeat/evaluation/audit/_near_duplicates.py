"""Near duplicates: candidates by what looks alike from afar, then edge by edge."""

import numpy as np

from imgfeat.evaluation.audit._agreement import (
    gray,
    registered_agreement,
    shifted_agreement,
)
from imgfeat.evaluation.audit._poses import candidate_pairs

_PATCH = 4  # pixels of a thumbnail that make one of the picture from afar
# Which pairs are registered: those that agree as they are, with the best of an image.
_PROMISING = 0.5
# The neighbor that tells how alike other pictures are: the fourth, so that an image may
# have a few copies. Where it has more, it is the fourth of the densest fiftieth.
_RIVAL = 3
_DENSEST = 0.02

# Chosen on the pairs of CIFAR-10's test images whose first has an even number, and on
# digits; `benchmarks/bench_audit.py` measures the odd ones too, which were looked at
# while the rank of the neighbor was chosen.
NEAR = 0.90  # correlation of the edges
ENOUGH = 25.0  # standard deviations of it: below, it is a bird in the sky
STANDS_OUT = 0.35  # of the distance to the rival
# So much edge agrees in no two pictures, whatever the others are like.
SURE = 48.0


def near_pairs(thumbnails, embeddings=None, *, n_jobs=None):
    """Find pairs of pictures that differ by size, a crop, brightness, noise or a turn.

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
    Three stages. Candidates are the nearest images by 8 x 8 patches of gray, as they
    are, mirrored, and turned by quarters, and by the embedding. Of each pair the
    gradients of the smoothed thumbnails are correlated at every shift of up to a tenth
    of a side. The best are registered by an affine map, and correlated where they
    overlap. Even parts have no gradients: two planes on a blue sky agree as far as the
    planes do, and that must be more than a few pixels.

    How alike is a copy? White digits on black agree well without being copies. So the
    collection itself is the null model: a pair must be much closer than either image is
    to others. With ``d = sqrt(1 - correlation)``, it must be at most 0.35 times as far
    as the fourth nearest of each image. Where images lie evenly in m dimensions, the
    nearest is so near by chance with ``3 * 0.35**m``: digits have about 9, photos 20 or
    more. Among few digits, each of which has few of its class, that is too sure.

    Copies that were turned by another angle, or of which more than a sixth of a side is
    gone, are mostly not found.
    """
    if len(thumbnails) < 2:
        return np.empty((0, 2), np.intp), np.empty(0, np.float32)
    side = thumbnails.shape[1] // _PATCH
    afar = np.empty((len(thumbnails), side, side), np.float32)
    for row, thumbnail in enumerate(thumbnails):
        patches = gray(thumbnail).reshape(side, _PATCH, side, _PATCH)
        patches.mean(axis=(1, 3), out=afar[row])
    pairs, poses = candidate_pairs(afar, embeddings, n_jobs=n_jobs)
    agreement = shifted_agreement(thumbnails, pairs, poses, n_jobs=n_jobs)
    best = _best_of_each(pairs, agreement[0])
    pairs, poses, agreement = pairs[best], poses[best], agreement[:, best]
    similarity, deviation = agreement[:2]

    todo = _best_of_image(pairs, similarity) & (similarity >= _PROMISING)
    shifts = agreement[2:, todo].T
    registered = np.zeros((2, len(pairs)), np.float32)
    registered[:, todo] = registered_agreement(
        thumbnails, pairs[todo], poses[todo], shifts, n_jobs=n_jobs
    )
    is_better = registered[1] > deviation
    similarity, deviation = np.where(is_better, registered, agreement[:2])

    is_near = _stand_out(pairs, similarity, len(thumbnails)) | (deviation >= SURE)
    is_near &= (similarity >= NEAR) & (deviation >= ENOUGH)
    return pairs[is_near], similarity[is_near]


def _best_of_each(pairs, similarity):
    """Each pair once, in its best pose: the places of these."""
    order = np.lexsort((-similarity, pairs[:, 1], pairs[:, 0]))
    _, firsts = np.unique(pairs[order], axis=0, return_index=True)
    return order[firsts]


def _best_of_image(pairs, similarity):
    """Whether each pair is among the best of one of its images, rivals included."""
    rows, _, order = _by_image(pairs, similarity)
    ranks = np.arange(len(rows)) - np.searchsorted(rows, rows)
    is_best = np.empty(len(rows), bool)
    is_best[order] = ranks <= _RIVAL
    return is_best.reshape(-1, 2).any(axis=1)


def _stand_out(pairs, similarity, n_images):
    """Whether each pair is much closer than its images are to further ones."""
    rows, values, _ = _by_image(pairs, similarity)
    places = np.searchsorted(rows, np.arange(n_images)) + _RIVAL
    is_there = places < len(rows)
    is_there[is_there] = rows[places[is_there]] == np.flatnonzero(is_there)
    farthest = np.ones(n_images)
    farthest[is_there] = _distance(values[places[is_there]])
    farthest = np.maximum(farthest, np.quantile(farthest, _DENSEST))
    return _distance(similarity) <= STANDS_OUT * farthest[pairs].min(axis=1, initial=1)


def _distance(similarity):
    return np.sqrt(np.maximum(1 - similarity, 0))


def _by_image(pairs, similarity):
    """The pairs of each image, the most alike first: row, similarity, and the order."""
    rows = pairs.ravel()
    values = np.repeat(similarity, 2)
    order = np.lexsort((-values, rows))
    return rows[order], values[order], order
