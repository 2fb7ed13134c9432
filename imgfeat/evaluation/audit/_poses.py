"""The eight ways to turn and mirror a picture, and pairs that are alike in one."""

import numpy as np

from imgfeat.evaluation.audit._nearest import nearest_pairs, unique_pairs

_UPRIGHT, _QUARTER, _THREE_QUARTERS, _MIRRORED = 0, 1, 3, 4
# Candidates of an image in each pose, and the least cosine of their descriptors. What
# is rare must be more alike from afar.
_SEARCHED = {
    _UPRIGHT: (8, 0.5),
    _MIRRORED: (4, 0.7),
    **dict.fromkeys((_QUARTER, 2, 5, 6, 7), (2, 0.9)),
}


def in_pose(pictures, pose):
    """Mirror pictures if `pose` is 4 or more, then turn them `pose` % 4 quarters.

    Parameters
    ----------
    pictures : ndarray of shape (n_pictures, side, side, ...)
    pose : int
        0 to 7.

    Returns
    -------
    ndarray of the same shape
        A view.
    """
    if pose >= _MIRRORED:
        pictures = pictures[:, :, ::-1]
    return np.rot90(pictures, pose % 4, axes=(1, 2))


def candidate_pairs(afar, embeddings=None, *, n_jobs=None):
    """Propose pairs of pictures that may be copies, and how the first is to be turned.

    Parameters
    ----------
    afar : ndarray of shape (n_images, side, side), float32
        The pictures from afar, in a few pixels.
    embeddings : ndarray of shape (n_images, n_features), optional

    Returns
    -------
    pairs : ndarray of shape (n_pairs, 2), int
        The smaller row first; one pair may be there in several poses.
    poses : ndarray of shape (n_pairs,), int

    Notes
    -----
    Every pair is compared, by products of blocks of short vectors: time grows with the
    square of the number of images (about 3 s of one core for 10,000, all poses),
    memory does not. Bands of hash bits would be exact only within a few of 64 bits, and
    copies that were cropped differ in more.
    """
    rows = _descriptors(afar)
    found = {}
    for pose, (k, at_least) in _SEARCHED.items():
        turned = _descriptors(in_pose(afar, pose))
        found[pose] = nearest_pairs(turned, rows, k, at_least=at_least, n_jobs=n_jobs)
    if embeddings is not None:
        vectors = _unit(np.nan_to_num(np.asarray(embeddings, np.float32)))
        k, _ = _SEARCHED[_UPRIGHT]
        more = nearest_pairs(vectors, vectors, k, n_jobs=n_jobs)
        found[_UPRIGHT] = unique_pairs([found[_UPRIGHT], more])
    # Which of the two was turned is lost, and all but quarters undo themselves.
    found[_THREE_QUARTERS] = found[_QUARTER]
    poses = np.repeat(list(found), [len(pairs) for pairs in found.values()])
    return np.concatenate(list(found.values())), poses


def _descriptors(afar):
    """A row a picture, without brightness and contrast."""
    flat = afar.reshape(len(afar), afar.shape[1] * afar.shape[2])
    return _unit(flat - flat.mean(axis=1, keepdims=True))


def _unit(rows):
    """Each row at the length 1; what is all zeros stays so."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.maximum(lengths, 1e-6)
