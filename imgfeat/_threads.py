"""Threads for kernels and decoders, which release the GIL.

One number, `n_jobs`, says how many threads a call may keep busy. No pool of our own
outlives a call, and no kernel starts threads behind it, so nothing oversubscribes.
"""

import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import cache
from itertools import pairwise
from threading import Event

from joblib import effective_n_jobs
from threadpoolctl import ThreadpoolController

# Multiplications below which threads of BLAS mostly wait for one another.
_FEW_PRODUCTS = 1_000_000_000


def count_threads(n_jobs, n_items=None):
    """How many threads `n_jobs` means here, by joblib's rules, at least 1.

    ``None`` is 1 unless a ``joblib.parallel_config`` says otherwise; -1 is every core
    that this process may use. Never more than `n_items`.
    """
    if n_jobs == 0:
        raise ValueError("n_jobs needs a number of threads, or -1 for all. Got 0.")
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


def blas_threads_for(n_products):
    """Context in which BLAS takes one thread where there is little to multiply.

    Parameters
    ----------
    n_products : int
        Multiplications of the largest product in the block.
    """
    few = n_products < _FEW_PRODUCTS
    return one_blas_thread() if few else _pools().limit(limits=None, user_api="blas")


def one_blas_thread():
    """Context in which BLAS takes one thread, as many small products are best with."""
    return _pools().limit(limits=1, user_api="blas")


@cache
def _pools():
    # To look for the libraries takes milliseconds; numpy's is loaded with numpy.
    return ThreadpoolController()


def row_slices(n_rows, n_parts):
    """Cut ``range(n_rows)`` into at most `n_parts` slices of nearly equal length."""
    n_parts = max(1, min(n_parts, n_rows))
    edges = [n_rows * part // n_parts for part in range(n_parts + 1)]
    return [slice(start, stop) for start, stop in pairwise(edges)]


def usable_threads(n_jobs):
    """How many threads a net may keep busy.

    None is every core that this process may use, or ``OMP_NUM_THREADS`` if that is
    less: joblib sets it in its worker processes, so that these share the machine.
    """
    if n_jobs is not None:
        return count_threads(n_jobs)
    stated = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    cores = count_threads(-1)
    return min(cores, int(stated)) if stated.isdigit() and int(stated) else cores


def share_out(make_worker, pieces, n_threads, advance):
    """Run every piece once; the first error ends the work and is raised.

    Parameters
    ----------
    make_worker : callable
        Called once a thread. Returns the function that does one piece, so a thread
        can own a buffer.
    pieces : iterable of slice
        Taken in order by whichever thread is free: at most `n_threads` are under way.
    n_threads : int
        With 1 the caller's own thread does the work.
    advance : callable
        Told the number of rows after each piece.
    """
    todo = deque(pieces)
    stop = Event()

    def work_off():
        work = make_worker()
        while not stop.is_set():
            try:
                piece = todo.popleft()
            except IndexError:
                return
            work(piece)
            advance(piece.stop - piece.start)

    if n_threads == 1:
        work_off()
        return
    with ThreadPoolExecutor(n_threads) as pool:
        try:
            futures = [pool.submit(work_off) for _ in range(n_threads)]
            for future in as_completed(futures):
                future.result()
        finally:
            stop.set()  # an error or Ctrl-C: the others end with their piece
