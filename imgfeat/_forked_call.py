"""Call a function in a process that is forked for it, as a test of what forks."""

import multiprocessing
import warnings
from collections.abc import Callable
from typing import Any


def call_forked(function: Callable[[], Any], timeout_s: float) -> Any:
    """Return what `function` returns in a process that is forked from this one.

    Parameters
    ----------
    function : callable
        Without arguments; what it returns can be pickled.
    timeout_s : float
        Seconds that it may take.

    Raises
    ------
    TimeoutError
        If there is no answer by then.
    ChildProcessError
        If the process ends without one; its traceback stands on standard error.
    """
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=lambda: sender.send(function()))
    with warnings.catch_warnings():
        # Python warns of threads that the child lacks, which is what is tried here.
        warnings.simplefilter("ignore", DeprecationWarning)
        child.start()
    sender.close()
    try:
        if not receiver.poll(timeout_s):
            raise TimeoutError(f"a forked process gave no answer within {timeout_s} s")
        return receiver.recv()
    except EOFError:
        raise ChildProcessError("a forked process ended without an answer") from None
    finally:
        receiver.close()
        child.kill()
        child.join()
