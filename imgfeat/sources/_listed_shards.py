"""Images in tar shards, found by the archives' headers."""

import os
import tarfile
from contextlib import contextmanager
from pathlib import PurePosixPath

from imgfeat.sources._decode_error import ImageDecodeError
from imgfeat.sources._encoded import open_encoded
from imgfeat.sources._folder import SUFFIXES, is_litter
from imgfeat.sources._timely import timely
from imgfeat.sources._url import is_remote, open_url, plainly, shown_url

_MOST_AT_ONCE = 2**18  # bytes; names and attributes take less on every system
_PIECE = 2**20


def read_shard(shard, left_out):
    """Yield the name, offset and size of each image in a tar archive.

    Parameters
    ----------
    shard : str
        Path or URL.
    left_out : Counter
        Gets the suffixes of what is no image.

    Yields
    ------
    name : str
    offset, size : int
        Where its bytes lie. They may reach beyond the end of an archive that was cut
        off there, as who reads them will say.

    Raises
    ------
    ImageDecodeError
        If there is no such archive, or it is none, is damaged between its members or
        ends there, or has an image that is a link or in pieces, or whose name leads out
        of the archive.
    """
    if not is_remote(shard):
        with open_encoded(shard, shard) as file:
            yield from _members(file, shard, left_out)
        return

    def members():
        with open_url(shard) as file:
            yield from _members(file, shown_url(shard), left_out)

    with plainly(shard):
        yield from timely(members)


def _members(file, name, left_out):
    end = file.seek(0, os.SEEK_END)
    file.seek(0)
    with _damage_named(name), tarfile.open(fileobj=_Headers(file), mode="r:") as tar:
        at = 0
        while (member := tar.next()) is not None:
            tar.members = []  # which would hold them all
            if tar.offset <= at:
                raise tarfile.ReadError(f"a header that leads back, at byte {at}")
            at = tar.offset
            is_whole = member.offset_data + member.size <= end
            if _is_image(member, left_out):
                _check_member(member, name)
                yield member.name, member.offset_data, member.size
                if not is_whole:
                    return  # who reads it will say so
            if not is_whole:
                raise tarfile.ReadError("unexpected end of data")
        _check_end(file, tar.offset)


def _is_image(member, left_out):
    if member.isdir():
        return False
    place = PurePosixPath(member.name)
    if any(is_litter(part) for part in place.parts if part != ".."):
        return False
    if member.name.lower().endswith(SUFFIXES):
        return True
    left_out[place.suffix.lower() or "without suffix"] += 1
    return False


def _check_member(member, name):
    place = PurePosixPath(member.name)
    if not member.isreg() or member.issparse():
        what = "a sparse file" if member.issparse() else "a link or a device"
    elif place.is_absolute() or ".." in place.parts:
        what = "a name that leads out of the archive"
    else:
        return
    raise ImageDecodeError(
        name, f"its member {member.name} is {what}", "pack plain files below one folder"
    )


def _check_end(file, at):
    """Refuse an archive without its end, or with more behind it, as none would miss."""
    file.seek(at)
    n_zeros = 0
    while piece := file.read(_PIECE):
        if piece.count(0) < len(piece):
            raise tarfile.ReadError(f"no header, and not the end, at byte {at}")
        n_zeros += len(piece)
    if n_zeros < tarfile.BLOCKSIZE:
        raise tarfile.ReadError("no mark of its end: it may have been cut off")


@contextmanager
def _damage_named(name):
    try:
        yield
    except ImageDecodeError:
        raise
    except (tarfile.TarError, ValueError, LookupError, ArithmeticError) as error:
        raise ImageDecodeError(
            name,
            f"it is not a whole tar archive without compression ({error})",
            "write it again",
        ) from error


class _Headers:
    """A file of which no more is read at once than headers need."""

    def __init__(self, file):
        self._file = file
        self.seek = file.seek
        self.tell = file.tell

    def read(self, size):
        if size > _MOST_AT_ONCE:
            raise tarfile.ReadError(f"a header of {size:,} bytes")
        return self._file.read(size)
