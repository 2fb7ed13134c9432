"""Lloyd's k-means of many rows of float32."""

import numpy as np

from imgfeat._threads import map_threads
from imgfeat.kernels.encode import nearest_words, word_tables
from imgfeat.kernels.simd import jit

# Rows summed up at a time: always the same ones, so that threads change no bit.
_CHUNK = 4096


def learn_centers(values, first, n_iter, n_jobs=None, advance=None):
    """Move centers to the means of the rows that are nearest to them.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_dims), float32
        C-contiguous, finite.
    first : ndarray of shape (n_centers, n_dims), float32
        Where the centers begin.
    n_iter : int
        Most iterations; there are fewer if no center moves any more.
    n_jobs : int, optional
        Threads. They make no difference, to the last bit.
    advance : callable, optional
        Called after each iteration.

    Returns
    -------
    ndarray of shape (n_centers, n_dims), float32
        A center that loses all its rows stays where it was.
    """
    centers = np.array(first, dtype=np.float32)
    starts = range(0, len(values), _CHUNK)
    for _ in range(n_iter):
        tables, shape = word_tables(centers), centers.shape

        def add_up(start, tables=tables, shape=shape):
            some = values[start : start + _CHUNK]
            sums, counts = np.zeros(shape), np.zeros(shape[0], dtype=np.intp)
            _add_up(some, nearest_words(some, tables), sums, counts)
            return sums, counts

        parts = map_threads(add_up, starts, n_jobs)
        sums, counts = (sum(part) for part in zip(*parts, strict=True))
        before, used = centers.copy(), counts > 0
        centers[used] = sums[used] / counts[used, None]
        if advance is not None:
            advance()
        if np.array_equal(centers, before):
            break
    return centers


@jit
def _add_up(values, labels, sums, counts):
    for row in range(len(labels)):
        label = labels[row]
        counts[label] += 1
        for dim in range(values.shape[1]):
            sums[label, dim] += values[row, dim]
