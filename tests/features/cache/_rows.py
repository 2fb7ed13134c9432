"""Rows of features for tests: keys, and what a store has for them."""

import numpy as np


def some_keys(n_rows, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 2**64, (n_rows, 2), dtype=np.uint64)


def rows_in(store, keys):
    """What a store finds: the values by row."""
    return {
        int(row): chunk.read("values", place, place + 1)[0]
        for chunk, rows, places in store.find(keys)
        for row, place in zip(rows, places, strict=True)
    }
