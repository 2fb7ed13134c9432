"""Tests for imgfeat/estimators/verification/_drawn_pairs.py."""

from itertools import combinations

import numpy as np
import pytest

from imgfeat.estimators.verification._drawn_pairs import _pair_of, draw_pairs

PEOPLE = np.array([2, 0, 1, 2, 2, 0, 1, 1, 5])


def drawn(max_pairs, **options):
    left, right = draw_pairs(PEOPLE, max_pairs, np.random.RandomState(0), **options)
    pairs = [tuple(sorted(pair)) for pair in zip(left, right, strict=True)]
    same = PEOPLE[left] == PEOPLE[right]
    assert len(set(pairs)) == len(pairs)
    return set(pairs), same


def test_all_pairs_of_one_person_and_as_many_of_two():
    pairs, same = drawn(1000)
    expected = {(a, b) for a, b in combinations(range(9), 2) if PEOPLE[a] == PEOPLE[b]}
    assert expected <= pairs
    assert same.sum() == (~same).sum() == len(expected) == 7


@pytest.mark.parametrize(("most", "least", "n_different"), [(3, 0, 3), (99, 20, 20)])
def test_there_are_no_more_than_wanted_and_no_fewer(most, least, n_different):
    _, same = drawn(most, at_least=least)
    assert same.sum() == min(most, 7)
    assert (~same).sum() == n_different


def test_there_are_no_more_than_there_are():
    _, same = drawn(1000, at_least=500)
    assert (~same).sum() == 36 - 7


def test_every_number_is_a_pair():
    small = _pair_of(np.arange(6)).T.tolist()
    assert small == [[0, 1], [0, 2], [1, 2], [0, 3], [1, 3], [2, 3]]
    n = 3_000_000
    numbers = np.array([n * (n - 1) // 2 - 1, n * (n - 1) // 2])
    assert _pair_of(numbers).T.tolist() == [[n - 2, n - 1], [0, n]]
