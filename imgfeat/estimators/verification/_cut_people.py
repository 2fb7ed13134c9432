"""Cut pairs into parts that share nobody."""

import numpy as np

from imgfeat.estimators.verification._drawn_pairs import draw_pairs
from imgfeat.estimators.verification._known_pairs import (
    KnownPairs,
    groups_of,
    refuse_one_kind,
)
from imgfeat.estimators.verification._pairs import Pairs

_OF_PART = " in one of the parts that share nobody"


def cut(known, shares, rng):
    """Deal people into parts.

    Parameters
    ----------
    known : KnownPairs
    shares : sequence of float
        Of the people in each part.
    rng : RandomState

    Returns
    -------
    list of KnownPairs
        Pairs of people in two parts are in none.
    """
    groups = groups_of(known)
    names = rng.permutation(np.unique(groups))
    ends = np.rint(np.cumsum(shares) / np.sum(shares) * len(names)).astype(int)
    starts = [0, *ends[:-1]]
    chosen = [names[start:end] for start, end in zip(starts, ends, strict=True)]
    return [_take(known, np.isin(groups, some)) for some in chosen]


def pairs_of(known, max_pairs, rng, who, *, at_least=0):
    """Draw the pairs of images whose people are known; others are as they are.

    Raises
    ------
    ValueError
        If there are no pairs of both kinds; `who` needs them.
    """
    if known.people is None:
        refuse_one_kind(known.same, who, _OF_PART)
        return known
    here = np.flatnonzero(known.people >= 0)
    people = np.unique(known.people[here])
    if len(people) < 2:
        raise ValueError(
            f"{who} needs two people at least in each part, and nobody is in two. Got "
            f"{len(people)} for one; give images of more people."
        )
    left, right = draw_pairs(known.people[here], max_pairs, rng, at_least=at_least)
    sides = known.people[here[np.stack([left, right], axis=1)]].reshape(-1, 2)
    same = sides[:, 0] == sides[:, 1]
    refuse_one_kind(same, who, _OF_PART)
    return KnownPairs(
        pairs=Pairs(known.pairs.images, here[left], here[right]),
        same=same,
        sides=sides,
        people=known.people,
    )


def rows_of(known):
    """Places of the images that a part may see."""
    if known.people is not None:
        return np.flatnonzero(known.people >= 0)
    return np.unique(np.concatenate([known.pairs.left, known.pairs.right]))


def _take(known, is_in):
    if known.people is not None:
        return known._replace(people=np.where(is_in, known.people, -1))
    rows = np.flatnonzero(is_in.all(axis=1))
    images, left, right = known.pairs
    return KnownPairs(
        pairs=Pairs(images, left[rows], right[rows]),
        same=known.same[rows],
        sides=None if known.sides is None else known.sides[rows],
        people=None,
    )
