"""Pairs drawn from images whose person is known."""

import numpy as np
from sklearn.utils.random import sample_without_replacement


def draw_pairs(people, max_pairs, rng, *, at_least=0):
    """Draw pairs of images of one person, and as many of two.

    Parameters
    ----------
    people : ndarray of shape (n_images,), int
    max_pairs : int
        Most pairs of either kind. If there are no more of one person, all are taken.
    rng : RandomState
    at_least : int, default=0
        Pairs of two people, even if there are fewer of one.

    Returns
    -------
    left, right : ndarray of shape (n_pairs,), int
        Places of images, those of one person first.
    """
    order = np.argsort(people, kind="stable")
    _, starts, counts = np.unique(people[order], return_index=True, return_counts=True)
    ends = np.cumsum(counts * (counts - 1) // 2)
    numbers = _some(int(ends[-1]), max_pairs, rng)
    person = np.searchsorted(ends, numbers, side="right")
    before = np.concatenate([[0], ends])[person]
    same = order[starts[person] + _pair_of(numbers - before)]
    n_wanted = min(max(same.shape[1], at_least), max_pairs)
    other = _different(people, n_wanted, rng)
    left, right = np.concatenate([same, other], axis=1)
    return left, right


def _different(people, n_wanted, rng):
    """Places of `n_wanted` pairs of two people, (2, n), or of all there are."""
    n_all = len(people) * (len(people) - 1) // 2
    n_drawn = 2 * n_wanted + 16
    while True:
        # Drawn anew, as of all pairs too few may be of two.
        pairs = _pair_of(_some(n_all, n_drawn, rng))
        pairs = pairs[:, people[pairs[0]] != people[pairs[1]]]
        if pairs.shape[1] >= n_wanted or n_drawn >= n_all:
            return pairs[:, :n_wanted]
        n_drawn *= 4


def _some(n_all, n_most, rng):
    """All numbers below `n_all`, or `n_most` of them, in an order without meaning."""
    n_drawn = min(n_all, n_most)
    numbers = sample_without_replacement(n_all, n_drawn, random_state=rng)
    return rng.permutation(numbers).astype(np.int64)


def _pair_of(numbers):
    """The pair (i, j), i < j, of each number, in (0, 1), (0, 2), (1, 2), (0, 3), ..."""
    j = ((1 + np.sqrt(1 + 8 * numbers.astype(float))) // 2).astype(np.int64)
    # The root of a large number may be rounded to the next row.
    j -= j * (j - 1) // 2 > numbers
    j += j * (j + 1) // 2 <= numbers
    return np.stack([numbers - j * (j - 1) // 2, j])
