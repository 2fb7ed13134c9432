"""Rows of a batch, some at a time, as the steps that are fitted give them."""

import numpy as np

from imgfeat._sklearn import safe_indexing

# Runs of neighbouring rows in a shuffled chunk, at least: a chunk of a table that is in
# the order of its classes has rows of many. A run is read in one go.
_N_RUNS = 32


class RowChunks:
    """Pairs of features and labels, read anew each time that one goes through them.

    Parameters
    ----------
    X : batch of n, of any kind
    y : ndarray of shape (n,) or None
    parts : list of ndarray of int
        The rows of each chunk.
    front : list of fitted transformers
    advance : callable, optional
        Told how many rows have been read.
    """

    def __init__(self, X, y, parts, front, advance=None):
        self.X = X
        self.y = y
        self.parts = parts
        self.front = front
        self.advance = advance

    def __iter__(self):
        for rows in self.parts:
            chunk = safe_indexing(self.X, rows)
            for step in self.front:
                chunk = step.transform(chunk)
            yield chunk, None if self.y is None else self.y[rows]
            if self.advance is not None:
                self.advance(len(rows))


def in_order(n_rows, chunk_size):
    """Chunks of at most `chunk_size` neighbouring rows, of nearly equal length."""
    return np.array_split(np.arange(n_rows), -(-n_rows // chunk_size))


def shuffled(n_rows, chunk_size, rng):
    """Chunks of runs of neighbouring rows that are drawn at random, each row once."""
    length = max(1, chunk_size // _N_RUNS)
    runs = [
        np.arange(start, min(start + length, n_rows))
        for start in range(0, n_rows, length)
    ]
    order = np.concatenate([runs[run] for run in rng.permutation(len(runs))])
    # In a chunk in the order of the table, in which files are read fastest: who learns
    # by small steps shuffles what it is given.
    return [np.sort(rows) for rows in np.array_split(order, -(-n_rows // chunk_size))]
