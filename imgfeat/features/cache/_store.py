"""The rows of one transformer on disk: found by key, added in chunks."""

import json
import os
import threading
import time
import warnings
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from imgfeat._files import write_atomic
from imgfeat._forks import after_fork_in_child, leave_behind
from imgfeat._once import warn_once
from imgfeat.features.cache._chunk import (
    SUFFIX,
    CorruptChunkError,
    FileChunk,
    MemoryChunk,
    write_chunk,
)
from imgfeat.features.cache._claims import claiming, wait_for_claims
from imgfeat.features.cache._index import Index

ABOUT = "about.json"

# Rows that come one by one would leave as many files: so many small ones become one.
_N_SMALL = 64
_DAY_S = 24 * 3600
# What is claimed by who merges chunks, and is the key of no row.
_TIDYING = np.full((1, 2), 2**64 - 1, dtype=np.uint64)


class CacheWarning(UserWarning):
    """The cache of features is damaged or cannot be used; results are right anyway."""


class Store:
    """Features in a folder, shared by all processes that open it.

    Parameters
    ----------
    folder : Path
        Made at the first write.
    description : dict
        What the features are of; kept beside them for people to read.
    """

    def __init__(self, folder, description):
        self.folder = Path(folder)
        self._description = description
        self._lock = threading.RLock()
        self._chunks = {}  # by file name; None where the file is not to be used
        self._numbers = []  # chunks by the number that the index knows them by
        self._index = Index()
        self._is_writable = True
        self._sweep()

    def start(self):
        """Begin a call: look at the disk again, and try again to write."""
        self._is_writable = True
        self.refresh()

    def refresh(self):
        """Take in what other processes have added or removed; whether they did."""
        try:
            names = {name for name in os.listdir(self.folder) if name.endswith(SUFFIX)}
        except OSError:
            names = set()
        with self._lock:
            new, gone = names - self._chunks.keys(), self._chunks.keys() - names
            for name in gone:
                self._chunks[name] = None
            for name in sorted(new):
                self._open(name)
            if gone:
                self._reindex()
                for name in gone:
                    del self._chunks[name]
            return bool(new or gone)

    def find(self, keys):
        """Find rows in the chunks on disk.

        Parameters
        ----------
        keys : ndarray of shape (n_rows, 2), uint64

        Yields
        ------
        chunk : FileChunk
            Its content has been checked.
        rows : ndarray of int
            Which of `keys` it holds.
        places : ndarray of int
            Where it holds them.
        """
        with self._lock:
            numbers, places = self._index.find(keys)
            chunks = list(self._numbers)
        order = np.argsort(numbers, kind="stable")
        edges = np.flatnonzero(np.diff(numbers[order])) + 1
        for rows in np.split(order, edges) if len(order) else ():
            number = numbers[rows[0]]
            if number < 0:
                continue
            try:
                chunks[number].check()
            except (CorruptChunkError, OSError) as error:
                self.discard(chunks[number], error)
                continue
            yield chunks[number], rows, places[rows]

    def discard(self, chunk, error):
        """Forget a chunk that could not be read, and say so unless it was removed."""
        with self._lock:
            self._chunks[chunk.path.name] = None
            self._reindex()
        if isinstance(error, FileNotFoundError):
            return
        if isinstance(error, CorruptChunkError):
            _remove(chunk.path)
        warn_of_damage(error)

    def add(self, keys, arrays):
        """Keep new rows, on disk if it lets us.

        Parameters
        ----------
        keys : ndarray of shape (n_rows, 2), uint64
        arrays : dict of str to ndarray
            As for `MemoryChunk`.

        Returns
        -------
        FileChunk or MemoryChunk
        """
        if self._is_writable:
            try:
                self._make_folder()
                chunk = write_chunk(self.folder, keys, arrays)
            except OSError as error:
                self._is_writable = False
                warn_once(
                    ("cache", self.folder.parent),
                    f"Features cannot be kept in {self.folder.parent}: "
                    f"{error.strerror or error}. Going on without the cache, which "
                    "computes them again every time; make room, or pass another "
                    "location.",
                    CacheWarning,
                )
            else:
                with self._lock:
                    self._adopt(chunk)
                if len(keys) < _N_SMALL:
                    # Only tidying: what is in the way now is met again where it counts.
                    with suppress(OSError, CorruptChunkError):
                        self._tidy()
                return chunk
        return MemoryChunk(arrays)

    @contextmanager
    def claiming(self, keys):
        """Hold rows while the block computes them; yields which were free to take."""
        if self._is_writable:
            with suppress(OSError):  # `add` will say so
                self._make_folder()
        with claiming(self.folder, keys) as is_free:
            yield is_free

    def wait(self):
        """Return when all rows that others hold are there, or given up."""
        wait_for_claims(self.folder)

    def _tidy(self):
        """Put small chunks of plain rows into one, where there are many.

        Who has looked one of them up finds it gone, looks again, and finds them all in
        the new one. Files of descriptors stay, for readers refer to them.
        """
        if len(self._small()) < _N_SMALL:
            return
        # One at a time: two who merge different sets of them would leave rows twice.
        with self.claiming(_TIDYING) as is_free:
            if is_free.all():
                self.refresh()
                self._merge(self._small())

    def _small(self):
        with self._lock:
            return [
                chunk
                for chunk in self._numbers
                if len(chunk.keys) < _N_SMALL and "counts" not in chunk.shapes
            ]

    def _merge(self, small):
        """Put chunks into one, unless they are few by now or of several kinds."""
        kinds = {(c.dtypes["values"], c.shapes["values"][1:]) for c in small}
        if len(small) < _N_SMALL or len(kinds) > 1:
            return
        for chunk in small:
            chunk.check()
        keys = np.concatenate([chunk.keys for chunk in small])
        values = [chunk.read("values", 0, len(chunk.keys)) for chunk in small]
        # Where files cannot be locked, some rows may be there twice.
        keys, first = np.unique(keys, axis=0, return_index=True)
        write_chunk(self.folder, keys, {"values": np.concatenate(values)[first]})
        for chunk in small:
            _remove(chunk.path)
        self.refresh()

    def _sweep(self):
        """Remove what runs that were killed long ago had not finished writing."""
        for path in self.folder.glob(f".*{SUFFIX}.*"):
            with suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > _DAY_S:
                    _remove(path)

    def _make_folder(self):
        if (self.folder / ABOUT).exists():
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(self._description, indent=1, sort_keys=True)
        write_atomic(self.folder / ABOUT, text.encode())

    def _open(self, name):
        path = self.folder / name
        try:
            self._adopt(FileChunk(path))
        except FileNotFoundError:
            return  # removed since the folder was listed
        except (CorruptChunkError, OSError) as error:
            self._chunks[name] = None
            if isinstance(error, CorruptChunkError):
                _remove(path)
            _warn(f"Features in the cache are computed again: {error}.")

    def _adopt(self, chunk):
        if self._chunks.get(chunk.path.name) is None:
            self._chunks[chunk.path.name] = chunk
            self._index.add(chunk.keys, len(self._numbers))
            self._numbers.append(chunk)

    def _reindex(self):
        self._numbers = [chunk for chunk in self._chunks.values() if chunk]
        self._index = Index()
        for number, chunk in enumerate(self._numbers):
            self._index.add(chunk.keys, number)


_stores = {}
_stores_lock = threading.Lock()


def open_store(location, key, description):
    """Return the store of one transformer, the same for all of this process."""
    folder = Path(location) / key
    with _stores_lock:
        if folder not in _stores:
            _stores[folder] = Store(folder, description)
        store = _stores[folder]
    store.start()
    return store


def _remove(path):
    """Take a damaged file away, or leave it where we may not."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        message = f"{path} is damaged and cannot be removed: {error}."
        warn_once(("cache", path.parent), message, CacheWarning)


def warn_of_damage(error):
    """Say that what is damaged is computed again."""
    _warn(f"Features in the cache cannot be used and are computed again: {error}.")


def _warn(message):
    # The place that matters to a user is theirs, far up; a level cannot name it.
    warnings.warn(message, CacheWarning, stacklevel=2)


@after_fork_in_child
def _forget():
    """Drop all stores and locks: neither survives a fork."""
    global _stores_lock  # noqa: PLW0603
    _stores_lock = threading.Lock()
    leave_behind(*_stores.values())
    _stores.clear()
