"""Tests for imgfeat/features/cache/_index.py."""

import numpy as np

from imgfeat.features.cache._index import Index
from tests.features.cache._rows import some_keys


def test_index_finds_what_a_dict_finds():
    rng = np.random.default_rng(0)
    index, expected = Index(), {}
    for chunk in range(60):
        # Few different upper halves, so that many keys share one table's neighbours.
        keys = some_keys(rng.integers(0, 9), seed=chunk)
        index.add(keys, chunk)
        expected |= {k.tobytes(): (chunk, i) for i, k in enumerate(keys)}
    keys = np.array([np.frombuffer(k, dtype=np.uint64) for k in expected])
    chunks, places = index.find(keys)
    assert list(zip(chunks, places, strict=True)) == list(expected.values())
    chunks, places = index.find(some_keys(50, seed=99))
    assert (chunks == -1).all() and (places == -1).all()
    assert len(index._tables) < 12


def test_a_key_that_came_twice_is_found_in_one_of_the_chunks():
    index = Index()
    for chunk in (7, 3):
        index.add(some_keys(2), chunk)
    chunks, places = index.find(some_keys(2))
    assert set(chunks) <= {3, 7}
    assert list(places) == [0, 1]


def test_an_empty_index_finds_nothing():
    index = Index()
    for _ in range(2):
        assert [list(found) for found in index.find(some_keys(2))] == [[-1, -1]] * 2
        index.add(some_keys(0), 0)


def test_index_takes_24_bytes_a_key():
    index = Index()
    for chunk in range(100):
        index.add(some_keys(2000, seed=chunk), chunk)
    arrays = [array for table in index._tables for array in table.values()]
    assert sum(array.nbytes for array in arrays) == 24 * 200_000
    assert all(array.base is None for array in arrays)  # they keep nothing else alive
