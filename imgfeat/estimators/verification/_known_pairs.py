"""Pairs of which it is known whether they are the same, and of whom they are."""

from typing import NamedTuple

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.utils import column_or_1d

from imgfeat.estimators._wrapping import check_labels
from imgfeat.estimators.verification._pairs import Pairs, are_pairs, n_rows, take_apart
from imgfeat.sources._images import refuse_one_image


class KnownPairs(NamedTuple):
    """Pairs, or images of whom pairs are still to be drawn (`pairs` has none then)."""

    pairs: Pairs
    same: np.ndarray | None  # (n_pairs,), bool
    sides: np.ndarray | None  # (n_pairs, 2), int: the person on either side
    people: np.ndarray | None  # (n_images,), int: the person on each image


def know_pairs(X, y, people, name):
    """Check pairs and whether they are the same, or images and who is on them.

    Parameters
    ----------
    X : pairs, or images
    y : array-like
        Same or different, of pairs; of images the person.
    people : array-like of shape (n_pairs, 2), optional
        Who is on either side, of pairs.
    name : str
        For messages.

    Returns
    -------
    KnownPairs

    Raises
    ------
    ValueError
        If there are no pairs of both kinds, or something is not as it should be.
    """
    refuse_one_image(X, name)
    if are_pairs(X):
        pairs = take_apart(X, name)
        same = _same(y, len(pairs.left), name)
        refuse_one_kind(same, name, "")
        twice = np.flatnonzero(pairs.left == pairs.right)
        if len(twice):
            raise ValueError(
                f"{name} learns from pairs of two images. Got one image twice as pair "
                f"{twice[0]}; drop it."
            )
        return KnownPairs(pairs, same, _sides(people, same, name), None)
    if people is not None:
        raise ValueError(
            f"{name} takes people= with pairs, who is on either side. Got images, "
            "whose people are the second argument."
        )
    codes = _people(y, n_rows(X), name)
    nothing = np.empty(0, dtype=int)
    return KnownPairs(Pairs(X, nothing, nothing), None, None, codes)


def groups_of(known):
    """Who must not be on both sides of a cut: (n_images,) or (n_pairs, 2), int.

    People, where they are known. Else what is linked by pairs is kept together, so that
    no image is on both sides.
    """
    if known.people is not None:
        return known.people
    if known.sides is not None:
        return known.sides
    left, right = known.pairs.left, known.pairs.right
    n_images = n_rows(known.pairs.images)
    links = coo_array((np.ones(len(left)), (left, right)), (n_images, n_images))
    group = connected_components(links, directed=False)[1][left]
    return np.stack([group, group], axis=1)


def refuse_one_kind(same, name, where):
    """Raise unless some pairs are the same and some are different."""
    if same.all() or not same.any():
        kind = "same" if len(same) and same.all() else "different"
        raise ValueError(
            f"{name} needs pairs that are the same and pairs that are different. Got "
            f"{len(same)} {kind} ones{where}; give some of the other kind."
        )


def _same(y, n_pairs, name):
    y = column_or_1d(check_labels(y, n_pairs, name))
    if y.dtype.kind in "OUT":
        words = [str(value) for value in y.tolist()]
        if set(words) <= {"same", "different"}:
            return np.array(words) == "same"
    elif set(y.tolist()) <= {0, 1}:
        return y.astype(bool)
    raise ValueError(
        f"{name} needs True or False for each pair, 1 or 0, or 'same' or 'different'. "
        f"Got {list(dict.fromkeys(y.tolist()))[:4]}."
    )


def _people(y, n_images, name):
    y = column_or_1d(check_labels(y, n_images, name))
    names, codes, counts = np.unique(y, return_inverse=True, return_counts=True)
    if len(names) < 2:
        raise ValueError(
            f"{name} needs images of two people at least. Got one, {names.tolist()}; "
            "without others nothing is different."
        )
    if counts.max() < 2:
        raise ValueError(
            f"{name} needs two images of some people. Got one of each of {len(names)}; "
            "without a second one nothing is the same."
        )
    return codes


def _sides(people, same, name):
    if people is None:
        return None
    people = np.asarray(people)
    if people.shape != (len(same), 2):
        raise ValueError(
            f"{name} needs people= of shape ({len(same)}, 2), who is on either side of "
            f"each pair. Got {people.shape}."
        )
    codes = np.unique(people, return_inverse=True)[1].reshape(people.shape)
    wrong = np.flatnonzero((codes[:, 0] == codes[:, 1]) != same)
    if len(wrong):
        raise ValueError(
            f"{name} needs people that fit: one on both sides of what is the same. Got "
            f"{people[wrong[0]].tolist()} for pair {wrong[0]}, which is "
            f"{'the same' if same[wrong[0]] else 'different'}."
        )
    return codes
