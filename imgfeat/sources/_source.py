"""One image that has not been read: what it is called, what it is known by."""

import hashlib
import os
import stat
import time

import numpy as np
from PIL import Image

from imgfeat.sources._archive_member import ArchiveMember
from imgfeat.sources._decode import check_array_source, decode_image
from imgfeat.sources._decode_error import ImageDecodeError
from imgfeat.sources._encoded import open_encoded
from imgfeat.sources._url import (
    is_remote,
    is_url,
    local_path,
    shown_url,
    state_of_url,
)

# The slowest clock that Linux and Windows give their own disks, 64 ticks a second.
TICK_NS = 16_000_000


class Source:
    """An image as an item of a batch. This class is for what is none: reading says so.

    Parameters
    ----------
    item : object
        What stands for the image in the batch.
    row : int, optional
        Its place there, from 0.

    Attributes
    ----------
    is_stored : bool
        Whether the image lies outside of this process, in a file, where it is read
        when it is needed, and may change.
    is_remote : bool
        Whether a server is asked for it, and is waited for.
    path : str or None
        Where that file is, if it is one of this machine and all of it.
    """

    __slots__ = ("item", "row")
    is_stored = False
    is_remote = False
    path = None

    def __init__(self, item, row=None):
        self.item = item
        self.row = row

    @property
    def name(self):
        """What messages call it: its path, or ``"image 3"``."""
        return "the image" if self.row is None else f"image {self.row}"

    def open(self):
        """Return the encoded image as a binary file, which the caller closes.

        Raises
        ------
        ImageDecodeError
            If it is missing, or is none.
        TypeError
            If it consists of pixels.
        """
        return open_encoded(self.item, self.name)

    def decode(self, **options):
        """Return pixels as `decode_image` does, whose options these are."""
        return decode_image(self.item, name=self.name, **options)

    def read(self, at_least=None):
        """Return pixels as they are in a batch that is one array.

        Parameters
        ----------
        at_least : int, optional
            As for `decode_image`.

        Returns
        -------
        ndarray of shape (height, width) or (height, width, 3)
            C-contiguous. What is encoded becomes uint8; an array keeps its dtype and
            its values, and shares its memory if it can be used as it is.

        Raises
        ------
        ImageDecodeError
            With the name.
        """
        return self.decode(at_least=at_least)

    def identity(self, resolve=os.path.realpath):
        """Return a digest that changes when the image does, or None for no telling.

        Parameters
        ----------
        resolve : callable, optional
            Says where a folder is, as ``os.path.realpath`` does. Who asks for many
            images remembers the folders for as long as that takes.

        Returns
        -------
        bytes of length 16, or None
        """


class FileSource(Source):
    """A path, known by where it leads, and by all that a change of the file leaves.

    The clock of file systems ticks: a file that is written twice, in one size, within
    a tick has one time of change. So whoever asks within that tick waits for its end.
    """

    __slots__ = ()
    is_stored = True

    @property
    def name(self):
        return os.fspath(self.item)

    @property
    def path(self):
        return os.fspath(self.item)

    def identity(self, resolve=os.path.realpath):
        try:
            state = os.stat(self.item)
            if 0 <= time.time_ns() - state.st_ctime_ns < TICK_NS:
                time.sleep(TICK_NS / 1e9)
                state = os.stat(self.item)
            # Text cannot say where "link/.." leads, and links may be set anew.
            folder, name = os.path.split(self.item)
            place = os.fsencode(f"{resolve(folder)}\0{name}")
        except (OSError, ValueError):  # missing, or no path at all: not ours to say
            return None
        if not stat.S_ISREG(state.st_mode):
            return None
        # Files are swapped with their sizes and times kept (cp -p, rsync, git), and
        # numbers of files used again: neither is enough without the other.
        facts = b"\0%d %d %d %d %d" % (
            state.st_size,
            state.st_mtime_ns,
            state.st_ctime_ns,
            state.st_dev,
            state.st_ino,
        )
        return hash_parts(b"file", place, facts)


class UrlSource(Source):
    """The URL of a file elsewhere, known by what its server says of it.

    That is an etag or a checksum, or else its size and the time of its last change.
    """

    __slots__ = ()
    is_stored = True
    is_remote = True

    @property
    def name(self):
        return shown_url(self.item)

    def identity(self, resolve=os.path.realpath):
        try:
            state = state_of_url(self.item)
        except ImageDecodeError:
            return None  # as whoever reads it will say
        if state is None:
            return None
        return hash_parts(b"url", self.item.encode(), b"\0", state.encode())


class MemberSource(Source):
    """An `ArchiveMember`, known by its place in the archive and by the archive."""

    __slots__ = ()
    is_stored = True

    @property
    def is_remote(self):
        return is_remote(self.item.archive)

    @property
    def name(self):
        return str(self.item)

    def identity(self, resolve=os.path.realpath):
        archive = source_of(self.item.archive).identity(resolve)
        if archive is None:
            return None
        place = b"%d %d" % (self.item.offset, self.item.size)
        return hash_parts(b"member", archive, place)


class BytesSource(Source):
    """An encoded image in memory, known by its content."""

    __slots__ = ()

    def identity(self, resolve=os.path.realpath):
        return hash_parts(b"bytes", self.item)


class StreamSource(Source):
    """A binary file object, known by its content if that can be read twice."""

    __slots__ = ()

    def identity(self, resolve=os.path.realpath):
        if not self.item.seekable():
            return None
        try:
            with self.open() as file:
                return hash_parts(b"bytes", file.read())
        except ImageDecodeError:
            return None  # a text file, as whoever reads it will say


class PixelSource(Source):
    """Pixels, which nothing encodes."""

    __slots__ = ()

    def open(self):
        raise TypeError(
            f"There is no file to open behind {self.name}. Got pixels, as "
            f"{type(self.item).__name__}; give a path, bytes or a binary file."
        )


class PictureSource(PixelSource):
    """A PIL image, known by the pixels and the profile that transformers get of it."""

    __slots__ = ()

    def identity(self, resolve=os.path.realpath):
        try:
            pixels = self.decode(dtype="float32")  # tells all depths apart
        except ImageDecodeError:
            return None  # whoever reads it will say what is wrong with it
        digest = hash_array(pixels, kind=b"pil")
        profile = self.item.info.get("icc_profile")
        return hash_parts(b"profile", digest, profile) if profile else digest


class ArraySource(PixelSource):
    """An ndarray, known by its values."""

    __slots__ = ()

    def read(self, at_least=None):
        return check_array_source(self.item, self.name)

    def identity(self, resolve=os.path.realpath):
        return hash_array(self.item)


def source_of(item, row=None):
    """Return the `Source` of an item of a batch, whatever that is."""
    # A search over many files comes here for each: the usual kinds first.
    if is_url(item):
        if is_remote(item):
            return UrlSource(item, row)
        return FileSource(local_path(item), row)
    if isinstance(item, str) or isinstance(item, os.PathLike):  # noqa: SIM101
        kind = FileSource
    elif isinstance(item, np.ndarray):
        kind = ArraySource
    elif isinstance(item, bytes | bytearray | memoryview):
        kind = BytesSource
    elif isinstance(item, Image.Image):
        kind = PictureSource
    elif isinstance(item, ArchiveMember):
        kind = MemberSource
    elif hasattr(item, "read"):
        kind = StreamSource
    else:
        kind = Source
    return kind(item, row)


def hash_parts(kind, *parts):
    """Hash bytes to 16 bytes; `kind` keeps what is of another kind apart."""
    hashed = hashlib.blake2b(digest_size=16, person=kind)
    for part in parts:
        hashed.update(part)
    return hashed.digest()


def hash_array(array, kind=b"array"):
    """Hash an array's dtype, shape and values; None if it holds objects."""
    if array.dtype.hasobject:
        return None
    array = np.ascontiguousarray(array)
    facts = f"{array.dtype.str} {array.shape}".encode()
    content = memoryview(array).cast("B") if array.size else b""
    return hash_parts(kind, facts, content)
