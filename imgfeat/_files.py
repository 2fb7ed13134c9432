"""Write a file whole or not at all."""

import errno
import os
import re
import stat
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from imgfeat._home import has_temporary_folder

MAX_NAME_BYTES = 255  # of file systems in use
_N_HEX = 32
_FULL = errno.ENOSPC, errno.EDQUOT, errno.EFBIG  # which only writing meets
_unfinished = set()
_A_DAY = 24 * 3600


@contextmanager
def replacing(path, *, durable=True):
    """Yield a binary file that takes the place of `path` if the block succeeds.

    It is open to write and to read back, and lies beside `path` under another name
    until then, with the mode of what it replaces. When anything goes wrong (a full
    disk, an interruption) it is removed and what was at `path` stays. Unless `durable`,
    nobody waits for the disk: what is written may be torn by a power cut, so that its
    reader has to check it.
    """
    path = Path(path)
    unfinished = path.with_name(f"{_stem(path)}{uuid4().hex}")
    _unfinished.add(unfinished)
    try:
        with unfinished.open("x+b") as file:
            if path.exists():
                unfinished.chmod(stat.S_IMODE(path.stat().st_mode) & 0o777)
            yield file
            file.flush()
            if durable:
                os.fsync(file.fileno())
        os.replace(unfinished, path)
    except BaseException as error:
        with suppress(OSError):  # what went wrong is said, not what followed from it
            os.unlink(unfinished)
        if isinstance(error, OSError) and _is_of(error, unfinished):
            error.filename = os.fspath(path)  # the one that a user knows
            del error.filename2
        raise
    finally:
        _unfinished.discard(unfinished)


def _is_of(error, unfinished):
    """Whether an error is of the file that is written, not of what is read for it."""
    if error.filename is None:
        return error.errno in _FULL
    return str(error.filename) == str(unfinished)


def kept_name(path):
    """Where a run keeps what it has of a file, to go on with it."""
    path = Path(path)
    return path.with_name(f"{_stem(path)}unfinished")


def write_atomic(path, data):
    """Write bytes to `path`, whole or not at all."""
    with replacing(path) as file:
        file.write(data)


def remove_unfinished():
    """Remove what `replacing` is writing, as this process ends without its doing."""
    for path in list(_unfinished):
        with suppress(OSError):
            os.unlink(path)


def sweep(path):
    """Remove what `replacing` left beside `path` when it was killed, a day ago or more.

    Younger files may still be written by another process.
    """
    path = Path(path)
    left = re.compile(rf"{re.escape(_stem(path))}[0-9a-f]{{{_N_HEX}}}")
    oldest = time.time() - _A_DAY
    with suppress(OSError), os.scandir(path.parent) as entries:
        for entry in entries:
            if not left.fullmatch(entry.name):
                continue
            with suppress(OSError):
                found = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(found.st_mode) and found.st_mtime < oldest:
                    os.unlink(entry.path)


def spare_folder(otherwise):
    """Make a folder that is removed at the end of a ``with`` block.

    Parameters
    ----------
    otherwise : path
        Where to make it on a system without a folder for temporary files.
    """
    place = None if has_temporary_folder() else otherwise
    return tempfile.TemporaryDirectory(dir=place)


def fill_closed_streams():
    """Let no file be opened in the place of a closed standard stream.

    It would get what libraries have to say there. For a command, at its start.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            # Opened as the lowest number that is free: this one.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)


def is_special(path):
    """Whether `path` is a FIFO, a socket or a device, which opening might block."""
    path = Path(path)
    return path.exists() and not (path.is_file() or path.is_dir())


def _stem(path):
    """How names of unfinished files begin, short enough for what follows."""
    room = MAX_NAME_BYTES - _N_HEX - len("..")
    return f".{os.fsencode(path.name)[:room].decode(errors='ignore')}."


def unique_stems(paths):
    """Names of files without folder and suffix, each once: ``"ant"``, ``"ant-2"``.

    On file systems that do not tell case as well.
    """
    stems, taken = [], set()
    for path in paths:
        stem, count = Path(path).stem, 1
        name = stem
        while name.lower() in taken:
            count += 1
            name = f"{stem}-{count}"
        taken.add(name.lower())
        stems.append(name)
    return stems
