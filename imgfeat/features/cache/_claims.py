"""Who computes which rows: processes that share a folder divide the work.

A claim is a file with the keys of some rows, locked by who computes them. The system
lets go of the lock when its owner ends, however it ends, so nothing is ever stuck.
Where files cannot be locked everyone computes everything, to the same result.

Locks are filelock's, for Unix and for Windows: its `lock_descriptor`, because a
`FileLock` would need a second file beside each claim, makes folders anew that were
cleared, and costs many times as much. A table of sqlite tells nobody that its owner was
killed.
"""

from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import numpy as np
from filelock import lock_descriptor, unlock_descriptor

from imgfeat._forks import after_fork_in_child

GATE = "claims.lock"
SUFFIX = ".claim"

# Windows locks the first byte of a file, and lets nobody else read it.
_BEFORE_KEYS = b"\0"
_KEY_BYTES = 16
# How often a lock that someone holds is tried again.
_INTERVAL_S = 0.005

_locked = set()


@contextmanager
def claiming(folder, keys):
    """Hold rows while the block computes them; yields which of them are free to take.

    Parameters
    ----------
    folder : Path
    keys : ndarray of shape (n_rows, 2), uint64

    Yields
    ------
    ndarray of shape (n_rows,), bool
        False for rows that someone else holds.
    """
    is_free = np.ones(len(keys), dtype=bool)
    with ExitStack() as held:
        # A folder that cannot be written to, or a disk without locks: go without.
        with suppress(OSError):
            is_free = _claim(folder, keys, held)
        yield is_free


def wait_for_claims(folder):
    """Return when nobody holds a row that was held at the call."""
    for path in _claims(folder):
        # One that is gone, or cannot be looked at, is not waited for.
        with suppress(OSError), _locking(path, "r+b"):
            pass


def _claim(folder, keys, held):
    # Held for moments only: who looks at the claims also adds its own.
    with _locking(folder / GATE, "ab"):
        taken = set()
        for path in _claims(folder):
            taken |= _read_claim(path)
        is_free = np.array([key.tobytes() not in taken for key in keys], dtype=bool)
        if is_free.any():
            path = folder / f"{uuid4().hex}{SUFFIX}"
            claim = held.enter_context(_locking(path, "xb", is_temporary=True))
            claim.write(_BEFORE_KEYS + keys[is_free].tobytes())
    return is_free


def _read_claim(path):
    """The keys in a claim, none if its owner is gone."""
    try:
        with path.open("r+b", buffering=0) as file:
            if not lock_descriptor(file.fileno(), blocking=False):
                file.seek(len(_BEFORE_KEYS))
                content = file.read()
                return {
                    content[start : start + _KEY_BYTES]
                    for start in range(0, len(content), _KEY_BYTES)
                }
    except FileNotFoundError:
        return set()  # given back since the folder was listed
    _remove(path)
    return set()


def _claims(folder):
    return sorted(Path(folder).glob(f"*{SUFFIX}"))


@contextmanager
def _locking(path, mode, *, is_temporary=False):
    """Open a file, unbuffered, and hold its lock; remove it afterwards if temporary."""
    file = path.open(mode, buffering=0)
    _locked.add(file)
    try:
        lock_descriptor(file.fileno(), poll_interval=_INTERVAL_S)
        yield file
    finally:
        # Closed already where a fork has come out of the block with us: it is not ours.
        if not file.closed:
            _let_go(file)
            if is_temporary:
                _remove(path)


def _let_go(file):
    _locked.discard(file)
    with suppress(OSError):
        # Closing is not enough while a fork has the file open too.
        unlock_descriptor(file.fileno())
    file.close()


def _remove(path):
    # Cleared meanwhile, or on Windows still looked at; who finds it next removes it.
    with suppress(OSError):
        path.unlink()


@after_fork_in_child
def _close_in_fork():
    """A fork shares our locks, and would hold them when we are killed."""
    while _locked:
        _locked.pop().close()
