"""Write a file whole or not at all."""

import os
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4


@contextmanager
def replacing(path, *, durable=True):
    """Yield a binary file that takes the place of `path` if the block succeeds.

    It is open to write and to read back, and lies beside `path` under another name
    until then. When anything goes wrong (a full disk, an interruption) it is removed
    and what was at `path` stays. Unless `durable`, nobody waits for the disk: what is
    written may be torn by a power cut, so that its reader has to check it.
    """
    path = Path(path)
    unfinished = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        with unfinished.open("x+b") as file:
            yield file
            file.flush()
            if durable:
                os.fsync(file.fileno())
        os.replace(unfinished, path)
    except BaseException:
        with suppress(OSError):  # what went wrong is said, not what followed from it
            os.unlink(unfinished)
        raise


def write_atomic(path, data):
    """Write bytes to `path`, whole or not at all."""
    with replacing(path) as file:
        file.write(data)
