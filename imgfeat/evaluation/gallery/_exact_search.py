"""Exact nearest neighbours by a product of matrices, block by block."""

import numpy as np

# Queries that are scored at once, and how many scores they may have, of 4 bytes.
_QUERIES = 256
_SCORES = 2**23


def nearest_rows(queries, rows, n, penalties=None):
    """Find the rows of highest score, ``queries @ rows.T - penalties``.

    Parameters
    ----------
    queries : ndarray of shape (n_queries, n_features), float32
    rows : ndarray of shape (n_rows, n_features), float32
        C-contiguous.
    n : int
        At most n_rows.
    penalties : ndarray of shape (n_rows,), float32, optional

    Returns
    -------
    found : ndarray of shape (n_queries, n), int64
        The best first; of equal ones the first row first.
    scores : ndarray of shape (n_queries, n), float32

    Notes
    -----
    Beside the result, memory holds 32 MB of scores.
    """
    found = np.empty((len(queries), n), dtype=np.int64)
    scores = np.empty((len(queries), n), dtype=np.float32)
    for start in range(0, len(queries), _QUERIES):
        some = slice(start, start + _QUERIES)
        found[some], scores[some] = _nearest(queries[some], rows, n, penalties)
    return found, scores


def _nearest(queries, rows, n, penalties):
    best = _Best(len(queries), n)
    n_at_once = min(len(rows), max(1, _SCORES // len(queries)))
    for start in range(0, len(rows), n_at_once):
        block = rows[start : start + n_at_once]
        scores = queries @ block.T
        if penalties is not None:
            scores -= penalties[start : start + len(block)]
        best.look_at(scores, start)
    return best.rows, best.scores


class _Best:
    """The best rows of each query so far, in order."""

    def __init__(self, n_queries, n):
        self.rows = np.full((n_queries, n), -1, dtype=np.int64)
        self.scores = np.full((n_queries, n), -np.inf, dtype=np.float32)

    def look_at(self, scores, start):
        """Take in what is better among rows from `start` on."""
        n = self.scores.shape[1]
        # Later rows have to be better: of equals the first is kept.
        worst = self.scores[:, -1]
        for query in np.flatnonzero(scores.max(axis=1) > worst):
            better = np.flatnonzero(scores[query] > worst[query])
            better = better[_first_of_best(scores[query, better], n)]
            all_rows = np.concatenate([self.rows[query], start + better])
            all_scores = np.concatenate([self.scores[query], scores[query, better]])
            order = np.argsort(-all_scores, kind="stable")[:n]
            self.rows[query], self.scores[query] = all_rows[order], all_scores[order]


def _first_of_best(scores, n):
    """Places of the n best, in their order; of equals the first are taken."""
    if len(scores) <= n:
        return slice(None)
    least = np.partition(scores, len(scores) - n)[len(scores) - n]
    above = np.flatnonzero(scores > least)
    equal = np.flatnonzero(scores == least)[: n - len(above)]
    return np.sort(np.concatenate([above, equal]))
