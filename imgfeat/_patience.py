"""Ctrl-C ends a command soon, whatever runs.

Python raises its KeyboardInterrupt between two of its own instructions, so a long call
in C (a fit, an export, a product of matrices) has to end first. The signal itself comes
at once, and is written to a socket that a thread reads.
"""

import ctypes
import multiprocessing
import os
import signal
import socket
import sys
import threading
from contextlib import suppress

from imgfeat._files import remove_unfinished
from imgfeat._forks import after_fork_in_child

PATIENCE_S = 5
_SOON_S = 0.05
EXIT_CODE = 130  # as shells have it for what Ctrl-C ended
_SIGNALLED = bytes([signal.SIGINT])
_SHOW_CURSOR = "\x1b[?25h"  # which a progress bar has hidden


def end_soon_after_ctrl_c(patience_s=PATIENCE_S):
    """From now on, end this process some time after Ctrl-C, at once after a second one.

    Most often it has ended by itself before. For a command, which has its process for
    itself; called in the main thread.

    Parameters
    ----------
    patience_s : float
        How long it may take to end by itself.
    """
    listener, signalled = socket.socketpair()
    signalled.setblocking(False)
    signal.set_wakeup_fd(signalled.detach(), warn_on_full_buffer=False)
    _lose_no_interrupt()
    threading.Thread(target=_watch, args=(listener, patience_s), daemon=True).start()
    # What interrupts a child is no business of ours.
    after_fork_in_child(lambda: signal.set_wakeup_fd(-1))


def _lose_no_interrupt():
    """Raise anew what is raised where C calls Python, as when numba loads a kernel.

    Python would print it, and go on.
    """
    before = sys.unraisablehook

    def raise_anew(unraisable):
        if issubclass(unraisable.exc_type, KeyboardInterrupt):
            # By another thread, or it would be raised in here.
            threading.Timer(_SOON_S, _interrupt_main_thread).start()
        else:
            before(unraisable)

    sys.unraisablehook = raise_anew


def _interrupt_main_thread():
    # A signal would count as a second Ctrl-C.
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(threading.main_thread().ident),
        ctypes.py_object(KeyboardInterrupt),
    )


def _watch(listener, patience_s):
    _wait_for_ctrl_c(listener)
    listener.settimeout(patience_s)
    with suppress(TimeoutError):
        _wait_for_ctrl_c(listener)
    _end()


def _wait_for_ctrl_c(listener):
    while listener.recv(1) != _SIGNALLED:  # other signals are told as well
        pass


def _end():
    for process in multiprocessing.active_children():
        process.kill()
    remove_unfinished()
    message = (
        "Interrupted, without waiting for what ran; files that were complete are kept, "
        "no other is left.\n"
    )
    with suppress(
        OSError, ValueError, AttributeError
    ):  # it may be closed, or not there
        descriptor = sys.stderr.fileno()
        # The main thread may hold the lock of what Python writes to.
        start = f"{_SHOW_CURSOR}\n" if os.isatty(descriptor) else ""
        os.write(descriptor, f"{start}{message}".encode())
    os._exit(EXIT_CODE)
