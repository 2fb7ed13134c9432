"""Threads for kernels and decoders, which release the GIL.

One number, `n_jobs`, says how many threads a call may keep busy. No pool of our own
outlives a call, and no kernel starts threads behind it, so nothing oversubscribes.
"""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

from joblib import effective_n_jobs


def count_threads(n_jobs, n_items=None):
    """How many threads `n_jobs` means here, by joblib's rules, at least 1.

    ``None`` is 1 unless a ``joblib.parallel_config`` says otherwise; -1 is every core
    that this process may use. Never more than `n_items`.
    """
    n_threads = effective_n_jobs(n_jobs)
    return n_threads if n_items is None else max(1, min(n_threads, n_items))


def map_threads(function, items, n_jobs=None):
    """Return ``[function(item) for item in items]``, run in threads.

    The first exception ends the work: what has not started is dropped.
    """
    items = list(items)
    n_threads = count_threads(n_jobs, len(items))
    if n_threads == 1:
        return [function(item) for item in items]
    with ThreadPoolExecutor(n_threads) as pool:
        try:
            return list(pool.map(function, items))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def row_slices(n_rows, n_parts):
    """Cut ``range(n_rows)`` into at most `n_parts` slices of nearly equal length."""
    n_parts = max(1, min(n_parts, n_rows))
    edges = [n_rows * part // n_parts for part in range(n_parts + 1)]
    return [slice(start, stop) for start, stop in pairwise(edges)]
