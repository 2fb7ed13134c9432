"""How every kernel is compiled: without the GIL, kept on disk where that is allowed."""

import os
import threading
import warnings
from contextlib import contextmanager
from functools import cache

import numba

from imgfeat._home import NoHomeError, home, is_writable

_lock = threading.Lock()


def njit(**options):
    """``numba.njit`` that releases the GIL and keeps what it compiles.

    It is kept in ``NUMBA_CACHE_DIR``, else beside the source, else in our own folder.
    Where none of them can be written to (a service without a home), the kernel is
    compiled anew in every process. Left to itself, numba would refuse to define it, or
    make a folder named ``~``.

    Parameters
    ----------
    **options
        Further ones of ``numba.njit``.
    """

    def decorate(function):
        folder = _folder_for(
            os.path.dirname(function.__code__.co_filename), numba.config.CACHE_DIR
        )
        if folder is None:
            return numba.njit(nogil=True, **options)(function)
        try:
            with _keeping_in(folder):
                return numba.njit(nogil=True, cache=True, **options)(function)
        except RuntimeError as error:
            if "no locator available" not in str(error):
                raise
            return numba.njit(nogil=True, **options)(function)

    return decorate


@cache
def _folder_for(source, chosen):
    """The value of numba's CACHE_DIR for the kernels in a folder of sources.

    Empty for beside the source; None if they cannot be kept anywhere.
    """
    if chosen and is_writable(chosen):
        return chosen
    if is_writable(os.path.join(source, "__pycache__")):
        return ""
    try:
        own = home() / "kernels"
    except NoHomeError:
        own = None
    if own is not None and is_writable(own):
        return os.fspath(own)
    warnings.warn(
        "Kernels are compiled anew in every process, which takes some seconds for each "
        "feature, as there is no folder to keep them in; set NUMBA_CACHE_DIR or "
        "IMGFEAT_HOME to one that can be written to.",
        RuntimeWarning,
        stacklevel=2,
    )
    return None


@contextmanager
def _keeping_in(folder):
    """Let numba keep in a folder what is defined in the block."""
    with _lock:
        before, numba.config.CACHE_DIR = numba.config.CACHE_DIR, folder
        try:
            yield
        finally:
            numba.config.CACHE_DIR = before
