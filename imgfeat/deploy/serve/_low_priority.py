"""Threads that compute give way to the one that talks to clients.

That one has little to do, but at once: to refuse what is too much, and to take new
connections, of which an event loop takes one a turn. As an equal among decoders and
nets, which keep every core busy, it would wait for a turn after each of its steps.
"""

import os
import sys
from concurrent.futures import ThreadPoolExecutor

STEPS = 10  # of "nice": a tenth of the processor where all would have it


def low_pool(n_threads, name):
    """Return an executor whose threads, and those that they start, give way.

    Parameters
    ----------
    n_threads : int
    name : str
        Of the threads, after ``imgfeat-``.

    Returns
    -------
    ThreadPoolExecutor
    """
    return ThreadPoolExecutor(
        n_threads, thread_name_prefix=f"imgfeat-{name}", initializer=give_way
    )


def give_way():
    """Lower the priority of the thread that calls, for good."""
    if sys.platform == "linux":  # elsewhere it would be that of the whole process
        os.nice(STEPS)
