"""Tests for imgfeat/estimators/verification/_cut_people.py, and what it cuts."""

import numpy as np
import pytest

from imgfeat.estimators.verification._cut_people import cut, pairs_of, rows_of
from imgfeat.estimators.verification._known_pairs import know_pairs

SHARES = [2, 1, 1]


@pytest.fixture
def rng():
    return np.random.RandomState(0)


def images_of(parts):
    return [set(rows_of(part).tolist()) for part in parts]


def assert_apart(sets):
    everything = set().union(*sets)
    assert everything
    assert sum(map(len, sets)) == len(everything)


def test_people_are_in_one_part(rng):
    who = np.repeat(np.arange(12), 3)
    known = know_pairs(np.zeros((36, 8, 8), np.uint8), who, None, "test")
    parts = cut(known, SHARES, rng)
    assert_apart([set(who[list(rows)]) for rows in images_of(parts)])
    assert [len(rows) for rows in images_of(parts)] == [18, 9, 9]
    for part in parts:
        pairs = pairs_of(part, 100, rng, "test")
        assert set(pairs.pairs.left) <= set(rows_of(part))
        assert pairs.same.sum() == len(rows_of(part))


def test_people_of_pairs_are_in_one_part(rng):
    sides = rng.randint(12, size=(400, 2))
    paths = [(f"{a}-{i}", f"{b}-{i}-b") for i, (a, b) in enumerate(sides)]
    known = know_pairs(paths, sides[:, 0] == sides[:, 1], sides, "test")
    parts = cut(known, SHARES, rng)
    assert_apart([set(part.sides.ravel()) for part in parts])
    assert all(part.same.any() and not part.same.all() for part in parts)


def test_images_that_pairs_link_are_in_one_part(rng):
    # Chains of four images.
    links = [(4 * i + j, 4 * i + j + 1) for i in range(20) for j in range(3)]
    paths = [(str(a), str(b)) for a, b in links]
    known = know_pairs(paths, np.arange(60) % 2, None, "test")
    parts = cut(known, SHARES, rng)
    assert_apart(images_of(parts))
    assert sum(len(part.same) for part in parts) == 60
