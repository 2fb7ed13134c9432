"""Torch's settings of the whole process: changed while a net runs, then put back."""

import getpass
import math
import os
import tempfile
import threading
from contextlib import contextmanager
from importlib import import_module

import torch

from imgfeat._forks import after_fork_in_child
from imgfeat._home import (
    NoHomeError,
    check_temporary_folder,
    has_temporary_folder,
    home,
    is_writable,
)
from imgfeat._switch import HeldSwitch


class ThreadCount:
    """How many threads torch uses: what the last caller wants, until all are done."""

    _most = math.inf

    def __init__(self):
        self._start()
        # A fork in the middle would leave a child waiting for a thread it lacks.
        after_fork_in_child(self._start_in_child)

    def _start(self):
        self._lock, self._depth, self._before = threading.Lock(), 0, None

    def _start_in_child(self):
        self._start()
        # OpenMP would hand work to the parent's threads, and wait for ever.
        self._most = 1
        torch.set_num_threads(1)

    @contextmanager
    def set_to(self, n_threads):
        """Change the number inside a ``with`` block; in a forked process it is 1."""
        n_threads = min(n_threads, self._most)
        with self._lock:
            if self._depth == 0:
                self._before = torch.get_num_threads()
            self._depth += 1
            torch.set_num_threads(n_threads)
        try:
            yield
        finally:
            with self._lock:
                self._depth -= 1
                if self._depth == 0:
                    torch.set_num_threads(self._before)


_threads = ThreadCount()


def torch_threads(n_threads):
    """Give torch `n_threads` inside a ``with`` block."""
    return _threads.set_to(n_threads)


def let_compiler_start():
    """Let torch's compiler be imported where it would find no folder to keep things in.

    timm, torchvision and optimizers import it, though nothing is compiled; and it looks
    for its folder as it is imported.

    Raises
    ------
    FileNotFoundError
        If it needs a folder for temporary files, as that of torch 2.6 does, and there
        is none.
    """
    if not has_temporary_folder():
        os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", _own_compiler_folder())
        _import_compiler()
        return
    if not _has_user_name():
        folder = os.path.join(tempfile.gettempdir(), f"torchinductor_uid_{os.getuid()}")
        os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", folder)


def _import_compiler():
    try:
        import_module("torch._dynamo")
    except FileNotFoundError:
        check_temporary_folder(f"torch {torch.__version__}")
        raise


def _own_compiler_folder():
    try:
        folder = os.fspath(home() / "compiler")
    except NoHomeError:
        folder = None
    # One that exists is enough to start, and to run what is not compiled.
    return folder if folder and is_writable(folder) else os.path.abspath(os.sep)


def _has_user_name():
    try:
        getpass.getuser()
    except (KeyError, OSError, ImportError):
        return False
    return True


def _read_cudnn():
    cudnn = torch.backends.cudnn
    try:
        return cudnn.benchmark, cudnn.allow_tf32
    except RuntimeError:  # set in torch's other way, which is the user's own choice
        return cudnn.benchmark, None


def _write_cudnn(values):
    cudnn = torch.backends.cudnn
    cudnn.benchmark, allow_tf32 = values
    if allow_tf32 is not None and _read_cudnn()[1] is not None:
        cudnn.allow_tf32 = allow_tf32


# The search for the fastest kernels pays where all batches have one shape. TF32, which
# is on otherwise, keeps 10 bits of a product, and float32 shall be what it says.
fast_exact_cudnn = HeldSwitch(_read_cudnn, _write_cudnn, (True, False))
