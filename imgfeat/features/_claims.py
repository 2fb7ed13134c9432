"""Who computes which rows: processes that share a folder divide the work.

A claim is a file with the keys of some rows, locked by who computes them. The system
lets go of the lock when its owner ends, however it ends, so nothing is ever stuck.
Where files cannot be locked everyone computes everything, to the same result.
"""

import os
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import numpy as np

from imgfeat._optional import has_module

if has_module("fcntl"):
    import fcntl
else:
    fcntl = None  # Windows

GATE = "claims.lock"
SUFFIX = ".claim"


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
    is_free, claim = np.ones(len(keys), dtype=bool), None
    if fcntl is not None:
        # A folder that cannot be written to, or a disk without locks: go without.
        with suppress(OSError):
            is_free, claim = _claim(folder, keys)
    try:
        yield is_free
    finally:
        if claim is not None:
            with suppress(OSError):  # the folder may have been cleared meanwhile
                os.unlink(claim.name)
            claim.close()


def wait_for_claims(folder):
    """Return when nobody holds a row that was held at the call."""
    if fcntl is None:
        return
    for path in _claims(folder):
        with suppress(FileNotFoundError), path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH)


def _claim(folder, keys):
    with (folder / GATE).open("ab") as gate:
        # Held for moments only: who looks at the claims also adds its own.
        fcntl.flock(gate, fcntl.LOCK_EX)
        taken = set()
        for path in _claims(folder):
            taken |= _read_claim(path)
        is_free = np.array([key.tobytes() not in taken for key in keys], dtype=bool)
        if not is_free.any():
            return is_free, None
        # Not closed here: the lock goes with it.
        claim = (folder / f"{uuid4().hex}{SUFFIX}").open("xb")
        try:
            fcntl.flock(claim, fcntl.LOCK_EX)
            claim.write(keys[is_free].tobytes())
            claim.flush()
        except BaseException:
            os.unlink(claim.name)
            claim.close()
            raise
        return is_free, claim


def _read_claim(path):
    """The keys in a claim, none if its owner is gone."""
    try:
        with path.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                content = file.read()
                return {content[i : i + 16] for i in range(0, len(content), 16)}
    except FileNotFoundError:
        return set()  # given back since the folder was listed
    path.unlink(missing_ok=True)
    return set()


def _claims(folder):
    return sorted(Path(folder).glob(f"*{SUFFIX}"))
