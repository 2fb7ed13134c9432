"""How every kernel is compiled: without the GIL, kept on disk where that is allowed."""

import os
import threading
from contextlib import contextmanager
from functools import cache

import numba
from numba.core.caching import FunctionCache, NullCache

from imgfeat._home import NoHomeError, home, is_writable
from imgfeat._once import warn_once

_lock = threading.Lock()


def njit(**options):
    """``numba.njit`` that releases the GIL and keeps what it compiles.

    It is kept in ``NUMBA_CACHE_DIR``, else beside the source, else in our own folder.
    Where none of them can be written to (a service without a home), the kernel is
    compiled anew in every process, and a warning says so. Left to itself, numba would
    refuse to define it, or make a folder named ``~``.

    Parameters
    ----------
    **options
        Further ones of ``numba.njit``.
    """

    def decorate(function):
        kernel = numba.njit(nogil=True, **options)(function)
        kernel._cache = _cache_for(function)  # as ``cache=True`` does, but ours
        return kernel

    return decorate


class _Kept(FunctionCache):
    """numba's, which goes on where a disk is full or a file is another user's."""

    def load_overload(self, sig, target_context):
        try:
            return super().load_overload(sig, target_context)
        except OSError:
            return None

    def save_overload(self, sig, data):
        try:
            super().save_overload(sig, data)
        except OSError as error:
            _note_not_kept(f"in {self.cache_path}: {error.strerror or error}")


class _NotKept(NullCache):
    def save_overload(self, sig, data):
        _note_not_kept("as there is no folder for them")


def _cache_for(function):
    source = os.path.dirname(function.__code__.co_filename)
    folder = _folder_for(source, numba.config.CACHE_DIR)
    if folder is None:
        return _NotKept()
    try:
        with _keeping_in(folder):
            return _Kept(function)
    except RuntimeError as error:
        if "no locator available" not in str(error):
            raise
        return _NotKept()


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
        own = os.fspath(home() / "kernels")
    except NoHomeError:
        return None
    return own if is_writable(own) else None


@contextmanager
def _keeping_in(folder):
    """Let numba keep in a folder what is defined in the block."""
    with _lock:
        before, numba.config.CACHE_DIR = numba.config.CACHE_DIR, folder
        try:
            yield
        finally:
            numba.config.CACHE_DIR = before


def _note_not_kept(why):
    """Say once in a process what that costs."""
    warn_once(
        _note_not_kept,
        "Kernels are compiled anew in every process, which takes some seconds for "
        f"each feature. They cannot be kept, {why}; set NUMBA_CACHE_DIR or "
        "IMGFEAT_HOME to a folder that can be written to.",
        RuntimeWarning,
    )
