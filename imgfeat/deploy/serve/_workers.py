"""Processes that do the same, and are started again when they die."""

import logging
import multiprocessing
import os
import signal
import threading
import time

CONTEXT = multiprocessing.get_context("spawn")
HOPELESS = 2  # the exit code of a worker that would end again
_SOON_S = 10  # whoever dies so soon will do so again
_log = logging.getLogger("imgfeat.serve")


def keep_alive(work, n_workers, *, on_death=None, poll_s=0.2):
    """Run `work` in processes of their own until SIGTERM or Ctrl-C; then end them.

    Parameters
    ----------
    work : callable
        Without arguments, to be pickled. Ends at SIGTERM.
    n_workers : int
    on_death : callable, optional
        Told the process id of a worker that has died, before another starts.
    poll_s : float
        Between two looks at the workers.

    Raises
    ------
    OSError
        If a worker dies as soon as it is started, or says that it is hopeless.
    """
    stop = threading.Event()
    before = {
        number: signal.signal(number, lambda *_: stop.set())
        for number in (signal.SIGTERM, signal.SIGINT)
    }
    workers = [_start(work) for _ in range(n_workers)]
    try:
        while not stop.wait(poll_s):
            for place, (process, started) in enumerate(workers):
                if process.is_alive():
                    continue
                is_soon = time.monotonic() - started < _SOON_S
                if is_soon or process.exitcode == HOPELESS:
                    raise OSError(
                        f"A worker could not begin, and ended with code "
                        f"{process.exitcode}; what it said stands above."
                    )
                _log.error("A worker has died (%s); another starts.", process.exitcode)
                if on_death is not None:
                    on_death(process.pid)
                workers[place] = _start(work)
    finally:
        for process, _ in workers:
            process.terminate()
        for process, _ in workers:
            process.join()
        for number, handler in before.items():
            signal.signal(number, handler)


def _start(work):
    process = CONTEXT.Process(target=_run, args=(work,))
    process.start()
    return process, time.monotonic()


def _run(work):
    threading.Thread(target=_end_with_parent, daemon=True).start()
    work()


def _end_with_parent():
    """Where the parent is killed, nobody else would end its workers."""
    multiprocessing.parent_process().join()
    os.kill(os.getpid(), signal.SIGTERM)
