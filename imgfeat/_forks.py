"""What has to start afresh in a forked process.

A child has its parent's memory, and of its threads only the one that forked. A lock
that another thread held stays locked, a pool waits for threads that it lacks.
"""

import ctypes
import os

_functions = []


def after_fork_in_child(function):
    """Call `function` in every process that is forked from this one, first thing there.

    Parameters
    ----------
    function : callable
        Without arguments. It makes new locks and forgets what needs its old threads.

    Returns
    -------
    callable
        The same, so that this can be a decorator.
    """
    _functions.append(function)
    return function


def leave_behind(*things):
    """Keep what a child cannot use: ending its threads would wait for ever."""
    for thing in things:
        keep_for_ever(thing)


def keep_for_ever(thing):
    """Never destroy a thing, at the end of the process neither.

    What only a list keeps is destroyed then.
    """
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))


def _start_afresh():
    for function in _functions:
        function()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_afresh)
