"""A chunk: the features of some rows, in one file on disk or in memory.

The file holds plain arrays, one behind the other, after a line of JSON that says what
they are. It is named by the hash of its content, written whole or not at all, and never
changed. Nothing in it is executed.
"""

import hashlib
import json
import math
import os
import time
from itertools import accumulate
from pathlib import Path

import numpy as np

from imgfeat._files import replacing
from imgfeat.sources._source import TICK_NS

SUFFIX = ".features"
_MAGIC = b"imgfeat-features-1\n"
_MAX_HEADER = 4096  # bytes; ours are some hundreds
_KINDS = "biuf"
# What reading a header that is not ours can come to.
_BAD_HEADER = (ValueError, TypeError, KeyError, AttributeError, RecursionError)


class CorruptChunkError(ValueError):
    """A file that is not, or no longer, what was written."""


class MemoryChunk:
    """Features in memory, for rows that no file holds.

    Parameters
    ----------
    arrays : dict of str to ndarray
        ``values`` with a row an image; or ``counts``, ``values`` and ``positions`` of
        an image's descriptors.
    """

    def __init__(self, arrays):
        self._arrays = arrays
        self.shapes = {name: array.shape for name, array in arrays.items()}
        self.dtypes = {name: array.dtype for name, array in arrays.items()}

    def read(self, name, start, stop):
        """Rows `start` to `stop` of one of the arrays."""
        return self._arrays[name][start:stop]


class FileChunk:
    """Features in a file, read from it piece by piece.

    Parameters
    ----------
    path : path

    Attributes
    ----------
    shapes, dtypes : dict of str to tuple, dict of str to dtype
        Of the arrays: those of a `MemoryChunk`, and ``keys``.
    keys : ndarray of shape (n_rows, 2), uint64

    Raises
    ------
    CorruptChunkError
        If the header is damaged, or does not fit the size of the file.
    OSError
        If the file cannot be read.
    """

    def __init__(self, path):
        self.path = Path(path)
        with self.path.open("rb") as file:
            self._header = header = file.readline(_MAX_HEADER)
            size = os.fstat(file.fileno()).st_size
        try:
            self.shapes, self.dtypes = _read_header(header)
        except _BAD_HEADER as error:
            raise CorruptChunkError(f"{self.path} has a damaged header") from error
        sizes = [_n_bytes(self.shapes[name], self.dtypes[name]) for name in self.shapes]
        *starts, end = accumulate(sizes, initial=len(header))
        if end != size:
            raise CorruptChunkError(f"{self.path} has {size} bytes instead of {end}")
        self._starts = dict(zip(self.shapes, starts, strict=True))
        self._checked = None  # the state in which its content was what was written
        with self.path.open("rb") as file:
            self.keys = self._read(file, "keys", 0, self.shapes["keys"][0])

    def read(self, name, start, stop):
        """Rows `start` to `stop` of one of the arrays, in memory of their own.

        Raises
        ------
        CorruptChunkError
            If the content is not what was written. The whole file is read to tell that
            the first time, and again once something has written to it.
        """
        with self.path.open("rb") as file:
            self._check(file)
            values = self._read(file, name, start, stop)
            if _state(file) != self._checked:
                raise CorruptChunkError(f"{self.path} is being written to")
        return values

    def check(self):
        """Raise CorruptChunkError unless the content is what was written."""
        with self.path.open("rb") as file:
            self._check(file)

    def _check(self, file):
        if _state(file) == self._checked:
            return
        state = _settled_state(file)
        file.seek(0)
        found = hashlib.file_digest(file, _hasher).hexdigest()
        if found != self.path.stem:
            raise CorruptChunkError(f"{self.path} does not have the hash in its name")
        file.seek(0)
        if file.readline(_MAX_HEADER) != self._header or not np.array_equal(
            self._read(file, "keys", 0, len(self.keys)), self.keys
        ):
            raise CorruptChunkError(f"{self.path} was damaged when it was opened")
        self._checked = state

    def _read(self, file, name, start, stop):
        shape, dtype = self.shapes[name][1:], self.dtypes[name]
        width = math.prod(shape)
        file.seek(self._starts[name] + start * width * dtype.itemsize)
        values = np.fromfile(file, dtype, count=(stop - start) * width)
        if len(values) != (stop - start) * width:
            raise CorruptChunkError(f"{self.path} ends too early")
        return values.reshape(stop - start, *shape)


def write_chunk(folder, keys, arrays):
    """Write features to a file of their own and return it as a FileChunk.

    Parameters
    ----------
    folder : Path
    keys : ndarray of shape (n_rows, 2), uint64
    arrays : dict of str to ndarray
        As for `MemoryChunk`.

    Raises
    ------
    OSError
        If the folder cannot be written to, or is full.
    """
    arrays = {"keys": keys, **arrays}
    arrays = {name: _as_stored(array) for name, array in arrays.items()}
    layout = {name: [a.dtype.str, list(a.shape)] for name, a in arrays.items()}
    parts = [_MAGIC[:-1] + json.dumps(layout).encode() + b"\n"]
    # Empty arrays have no bytes that could be looked at.
    parts += [memoryview(a).cast("B") for a in arrays.values() if a.size]
    digest = _hasher()
    for part in parts:
        digest.update(part)
    path = Path(folder) / (digest.hexdigest() + SUFFIX)
    # Its hash tells if it is whole, and it can be made again: no need to wait.
    with replacing(path, durable=False) as file:
        file.writelines(parts)
    return FileChunk(path)


def _state(file):
    """What changes whenever somebody writes to an open file, or puts another there."""
    state = os.fstat(file.fileno())
    return (
        state.st_size,
        state.st_mtime_ns,
        state.st_ctime_ns,
        state.st_ino,
        state.st_dev,
    )


def _settled_state(file):
    """The state of an open file, in which a change would show from now on."""
    # The clock of file systems ticks: what is written twice in a tick has one time.
    if 0 <= time.time_ns() - os.fstat(file.fileno()).st_ctime_ns < TICK_NS:
        time.sleep(TICK_NS / 1e9)
    return _state(file)


def _hasher():
    return hashlib.blake2b(digest_size=16)


def _as_stored(array):
    array = np.ascontiguousarray(array)
    return array.astype(array.dtype.newbyteorder("<"), copy=False)


def _n_bytes(shape, dtype):
    return math.prod(shape) * dtype.itemsize


def _read_header(line):
    magic = _MAGIC[:-1]
    if not line.startswith(magic) or not line.endswith(b"\n"):
        raise ValueError("not a file of features")
    layout = json.loads(line[len(magic) :])
    shapes = {name: tuple(shape) for name, (_, shape) in layout.items()}
    dtypes = {name: np.dtype(str(dtype)) for name, (dtype, _) in layout.items()}
    n_rows = shapes["keys"][0]
    is_ragged = "counts" in shapes
    row_by_row = "counts" if is_ragged else "values"
    ok = (
        set(shapes) in ({"keys", "values"}, {"keys", "counts", "values", "positions"})
        and all(
            len(shape) >= 1 and all(type(side) is int and side >= 0 for side in shape)
            for shape in shapes.values()
        )
        and all(dtype.kind in _KINDS for dtype in dtypes.values())
        and shapes["keys"] == (n_rows, 2)
        and dtypes["keys"] == np.uint64
        and shapes[row_by_row][0] == n_rows
        and (not is_ragged or _are_descriptors(shapes, dtypes))
    )
    if not ok:
        raise ValueError("not a layout of ours")
    return shapes, dtypes


def _are_descriptors(shapes, dtypes):
    return (
        shapes["counts"] == shapes["keys"][:1]
        and dtypes["counts"] == np.int64
        and len(shapes["values"]) == 2
        and shapes["positions"] == (shapes["values"][0], 2)
        and dtypes["values"] == dtypes["positions"] == np.float32
    )
