"""Open what is encoded: a file, bytes, a stream, a URL, a member of an archive."""

import io
import os
import stat
import threading
from pathlib import Path

from imgfeat.sources._archive_member import ArchiveMember, read_member
from imgfeat.sources._decode_error import ImageDecodeError
from imgfeat.sources._url import is_remote, is_url, local_path, read_url, shown_url

# Locks by object: few enough to keep, many enough not to wait for a stranger.
_LOCKS = [threading.Lock() for _ in range(64)]


def lock_of(thing):
    return _LOCKS[hash(id(thing)) % len(_LOCKS)]


def source_name(source, name=None):
    """What errors call `source`: its path, or `name`."""
    if is_url(source):
        return shown_url(source)
    if isinstance(source, str | os.PathLike):
        return os.fspath(source)
    if isinstance(source, ArchiveMember):
        return str(source)
    return name or "the image"


def open_encoded(source, name):
    """Return what is encoded, not pixels, as a binary file."""
    if is_remote(source):
        return io.BytesIO(read_url(source))
    if isinstance(source, str | os.PathLike):
        return _open_path(local_path(source) if is_url(source) else source, name)
    if isinstance(source, ArchiveMember):
        return io.BytesIO(read_member(source))
    if isinstance(source, bytes | bytearray | memoryview):
        return io.BytesIO(source)
    if hasattr(source, "read"):
        with lock_of(source):
            if source.seekable():
                source.seek(0)
            content = source.read()
        if isinstance(content, str):
            raise ImageDecodeError(
                name, "it is a text file object", "open the file in mode 'rb'"
            )
        return io.BytesIO(content)
    raise ImageDecodeError(
        name,
        f"{_quote(source)} of type {type(source).__name__} is not an image",
        "give a path, bytes, a PIL image or an array",
    )


def _open_path(path, name):
    try:
        kind = os.stat(path).st_mode
        # A pipe would block for ever, a device never end.
        if not stat.S_ISREG(kind):
            what = "a folder" if stat.S_ISDIR(kind) else "not a regular file"
            raise ImageDecodeError(name, f"it is {what}", "give an image file")
        return Path(path).open("rb")
    except FileNotFoundError as error:
        raise ImageDecodeError(
            name, "there is no such file", "check the path"
        ) from error
    except PermissionError as error:
        raise ImageDecodeError(
            name, "permission denied", "allow this user to read it"
        ) from error


def _quote(value):
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."
