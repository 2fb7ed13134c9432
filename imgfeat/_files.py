"""Write a file whole or not at all."""

import os
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def replacing(path):
    """Yield a binary file that takes the place of `path` if the block succeeds.

    It is open to write and to read back, and lies beside `path` under another name
    until then. When anything goes wrong (a full disk, an interruption) it is removed
    and what was at `path` stays.
    """
    path = Path(path)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o666 & ~_umask())  # mkstemp's own mode shuts others out
        os.replace(name, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(name)
        raise


def write_atomic(path, data):
    """Write bytes to `path`, whole or not at all."""
    with replacing(path) as file:
        file.write(data)


def _umask():
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
