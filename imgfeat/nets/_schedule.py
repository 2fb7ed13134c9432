"""Share rows out among threads, a few at a time. Knows nothing of images or nets."""

import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor, as_completed
from threading import Event

from imgfeat._threads import count_threads


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
