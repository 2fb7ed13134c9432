"""The nearest rows of each row, found block by block: no n x n matrix is ever made."""

import numpy as np

from imgfeat._threads import map_threads, one_blas_thread

_BLOCK = 1024  # rows of either side at a time: 4 MiB of similarities


def nearest_pairs(queries, rows, k, *, at_least=-1.0, n_jobs=None):
    """Pair each query with the `k` rows that are most like it.

    Parameters
    ----------
    queries, rows : ndarray of shape (n_rows, n_features), float32
        Of unit length. Query i is made of the same image as row i, and is not paired
        with it.
    k : int
    at_least : float, default=-1
        Cosine below which no row is taken.
    n_jobs : int, optional

    Returns
    -------
    ndarray of shape (n_pairs, 2), int
        The smaller row first, every pair once, in order.
    """

    def nearest(start):
        some = queries[start : start + _BLOCK]
        own = np.arange(start, start + len(some))
        best = _Best(len(some), k, at_least)
        for left in range(0, len(rows), _BLOCK):
            close = some @ rows[left : left + _BLOCK].T
            inside = np.flatnonzero((own >= left) & (own < left + close.shape[1]))
            close[inside, own[inside] - left] = -np.inf
            best.update(close, left)
        at, others = best.pairs()
        return np.sort(np.stack([own[at], others], axis=1), axis=1)

    starts = range(0, len(rows), _BLOCK)
    # The blocks are what is shared out: threads within each product would only wait.
    with one_blas_thread():
        return unique_pairs(map_threads(nearest, starts, n_jobs))


def unique_pairs(several):
    """Every pair of `several` arrays of pairs once, in order."""
    pairs = np.concatenate([np.empty((0, 2), np.intp), *several])
    return np.unique(pairs, axis=0)


class _Best:
    """The highest values of each row, and where they were."""

    def __init__(self, n_rows, k, at_least):
        self._values = np.full((n_rows, k), at_least, np.float32)
        self._places = np.full((n_rows, k), -1, np.intp)

    def update(self, values, left):
        """Look through further columns, the first of which is the column `left`."""
        # Few rows find a better one in the later blocks.
        is_better = values > self._values[:, -1:]
        rows = np.flatnonzero(is_better.any(axis=1))
        if len(rows) == 0:
            return
        k = self._values.shape[1]
        values = values[rows]
        places = np.broadcast_to(np.arange(values.shape[1]), values.shape)
        if values.shape[1] > k:
            places = np.argpartition(-values, k - 1, axis=1)[:, :k]
            values = np.take_along_axis(values, places, axis=1)
        values = np.concatenate([self._values[rows], values], axis=1)
        places = np.concatenate([self._places[rows], places + left], axis=1)
        order = np.argsort(-values, axis=1, kind="stable")[:, :k]
        self._values[rows] = np.take_along_axis(values, order, axis=1)
        self._places[rows] = np.take_along_axis(places, order, axis=1)

    def pairs(self):
        """Rows, and the column of each of their best values that was found."""
        rows, ranks = np.nonzero(self._places >= 0)
        is_found = self._values[rows, ranks] > -np.inf
        return rows[is_found], self._places[rows, ranks][is_found]
