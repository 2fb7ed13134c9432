"""From the key of a row to its chunk and its place there.

In memory, made from the chunks: nothing on disk can contradict them. A table of sqlite
finds 60,000 keys five times as slowly, and nearly doubles the time to write their rows.
"""

import numpy as np

_FIELDS = ("high", "low", "chunk", "place")


class Index:
    """A map from 128-bit keys to pairs of ints, 24 bytes a key, for millions of keys.

    Sorted tables, each at least twice as large as the next; so a key is sorted again
    some 20 times however many follow it, and looked up in as many tables at most.
    """

    def __init__(self):
        self._tables = []

    def add(self, keys, chunk):
        """Say that `chunk`, an int, holds these keys in this order.

        Parameters
        ----------
        keys : ndarray of shape (n_rows, 2), uint64
        chunk : int
        """
        self._tables.append(
            _sorted(
                {
                    "high": keys[:, 0],
                    "low": keys[:, 1],
                    "chunk": np.full(len(keys), chunk, dtype=np.int32),
                    "place": np.arange(len(keys), dtype=np.int32),
                }
            )
        )
        while len(self._tables) > 1 and _size(self._tables[-2]) < 2 * _size(
            self._tables[-1]
        ):
            last, before = self._tables.pop(), self._tables.pop()
            both = {name: np.concatenate([before[name], last[name]]) for name in last}
            self._tables.append(_sorted(both))

    def find(self, keys):
        """Look keys up.

        Parameters
        ----------
        keys : ndarray of shape (n_rows, 2), uint64

        Returns
        -------
        chunk, place : ndarray of shape (n_rows,), int32
            -1 for what is not there.
        """
        chunk = np.full(len(keys), -1, dtype=np.int32)
        place = np.full(len(keys), -1, dtype=np.int32)
        for table in self._tables:
            if not _size(table):
                continue
            at = np.searchsorted(table["high"], keys[:, 0])
            at = np.minimum(at, _size(table) - 1)
            # Two keys with one upper half: the second is not found, and so computed
            # again. It takes billions of rows to happen once.
            is_here = (table["high"][at] == keys[:, 0]) & (
                table["low"][at] == keys[:, 1]
            )
            chunk[is_here] = table["chunk"][at[is_here]]
            place[is_here] = table["place"][at[is_here]]
        return chunk, place


def _sorted(table):
    order = np.argsort(table["high"], kind="stable")
    return {name: table[name][order] for name in _FIELDS}


def _size(table):
    return len(table["high"])
