"""The nearest rows of each row, found block by block: no n x n matrix is ever made."""

import numpy as np

from imgfeat._threads import count_threads, map_threads

_BLOCK = 1024  # rows of either side at a time: 4 MiB of similarities


def nearest_pairs(queries, rows, k, *, n_jobs=None):
    """Pair each query with the `k` rows that are most like it.

    Parameters
    ----------
    queries, rows : ndarray of shape (n_rows, n_features), float32
        Of unit length. Query i is made of the same image as row i, and is not paired
        with it.
    k : int
    n_jobs : int, optional

    Returns
    -------
    ndarray of shape (n_pairs, 2), int
        The smaller row first, every pair once.
    """
    n_rows = len(rows)
    k = min(k, n_rows - 1)
    if k < 1:
        return np.empty((0, 2), np.intp)

    def nearest(start):
        some = queries[start : start + _BLOCK]
        own = np.arange(start, start + len(some))
        values = np.full((len(some), k), -np.inf, np.float32)
        found = np.zeros((len(some), k), np.intp)
        for left in range(0, n_rows, _BLOCK):
            close = some @ rows[left : left + _BLOCK].T
            is_own = (own >= left) & (own < left + close.shape[1])
            close[np.flatnonzero(is_own), own[is_own] - left] = -np.inf
            values, found = _merge(values, found, close, left, k)
        pairs = np.stack([np.repeat(own, k), found.ravel()], axis=1)
        return np.sort(pairs[np.isfinite(values.ravel())], axis=1)

    starts = range(0, n_rows, _BLOCK)
    return unique_pairs(map_threads(nearest, starts, count_threads(n_jobs)))


def unique_pairs(several):
    """Every pair of `several` arrays of pairs once, in order."""
    pairs = np.concatenate([np.empty((0, 2), np.intp), *several])
    return np.unique(pairs, axis=0)


def _merge(values, found, close, left, k):
    """The best `k` of what was found before and of a further block."""
    if close.shape[1] > k:
        places = np.argpartition(-close, k - 1, axis=1)[:, :k]
        close = np.take_along_axis(close, places, axis=1)
    else:
        places = np.broadcast_to(np.arange(close.shape[1]), close.shape)
    values = np.concatenate([values, close], axis=1)
    found = np.concatenate([found, places + left], axis=1)
    best = np.argsort(-values, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(values, best, 1), np.take_along_axis(found, best, 1)
