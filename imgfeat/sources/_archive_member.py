"""An image in a tar archive, known by where in it its bytes lie."""

import os
import stat
from dataclasses import dataclass

from imgfeat.sources._decode_error import ImageDecodeError
from imgfeat.sources._limits import MAX_REMOTE_BYTES
from imgfeat.sources._url import is_remote, is_url, local_path, read_url, shown_url


@dataclass(frozen=True, slots=True)
class ArchiveMember:
    """A file in a tar archive, as an item of a batch. `list_images` finds them.

    Parameters
    ----------
    archive : str
        Path or URL of the archive, which must not be compressed.
    name : str
        What the file is called in there.
    offset : int
        Where its content begins, in bytes.
    size : int
        Of its content, in bytes.

    Examples
    --------
    >>> from imgfeat.sources import ArchiveMember
    >>> str(ArchiveMember("photos.tar", "ant/1.jpg", offset=512, size=20_000))
    'photos.tar/ant/1.jpg'
    """

    archive: str
    name: str
    offset: int
    size: int

    def __str__(self) -> str:
        archive = shown_url(self.archive) if is_url(self.archive) else self.archive
        return f"{archive}/{self.name}"


def read_member(member):
    """Return the bytes of a member.

    Raises
    ------
    ImageDecodeError
        If the archive cannot be read, or ends before the member does.
    """
    if member.size > MAX_REMOTE_BYTES:
        raise ImageDecodeError(
            str(member), f"it is larger than {MAX_REMOTE_BYTES:,} bytes", "shrink it"
        )
    if not member.size:
        return b""
    if is_remote(member.archive):
        content = read_url(member.archive, member.offset, member.size)
    else:
        content = _read_file(member)
    if len(content) < member.size:
        raise ImageDecodeError(
            str(member),
            f"its archive ends {member.size - len(content):,} bytes too early",
            "write the archive again",
        )
    return content


def archive_path(member):
    """The path of an archive that is a file."""
    return local_path(member.archive) if is_url(member.archive) else member.archive


def _read_file(member):
    path = archive_path(member)
    try:
        # A pipe would block for ever.
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise ImageDecodeError(
                str(member), "its archive is no file", "check the path"
            )
        with open(path, "rb", buffering=0) as file:
            file.seek(member.offset)
            return file.read(member.size)
    except FileNotFoundError as error:
        raise ImageDecodeError(
            str(member), "there is no such archive", "check the path"
        ) from error
    except PermissionError as error:
        raise ImageDecodeError(
            str(member), "permission denied", "allow this user to read its archive"
        ) from error
