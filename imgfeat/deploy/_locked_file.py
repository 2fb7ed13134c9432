"""A file that one process has for itself, and that says so to the others."""

from contextlib import contextmanager

from filelock import lock_descriptor, unlock_descriptor


@contextmanager
def locked_file(path, refusal):
    """Open a file to read and to append, locked for as long as the block runs.

    On a disk without locks nobody is kept out. The system lets go of the lock when its
    owner ends, however it ends.

    Parameters
    ----------
    path : Path
        It is made if it is not there.
    refusal : str
        What is said to whoever comes second.

    Yields
    ------
    binary file

    Raises
    ------
    ValueError
        If another process has it.
    """
    with path.open("a+b") as file:
        if not _locked(file):
            raise ValueError(refusal)
        try:
            yield file
        finally:
            unlock_descriptor(file.fileno())


def _locked(file):
    try:
        return lock_descriptor(file.fileno(), blocking=False)
    except OSError:  # a disk without locks
        return True
