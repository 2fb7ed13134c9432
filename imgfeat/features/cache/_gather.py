"""Put rows of features together: from a store what it has, computed what it lacks."""

import math

import numpy as np

from imgfeat.features.cache._chunk import CorruptChunkError, FileChunk, MemoryChunk
from imgfeat.features.cache._lazy_descriptors import StoredDescriptors
from imgfeat.features.cache._renewable import RenewableChunk


def gather(keys, known, store, describe, *, batch_size, advance, kind=None):
    """Return the features of all rows as a RowBuffer.

    Parameters
    ----------
    keys : ndarray of shape (n_rows, 2), uint64
    known : ndarray of shape (n_rows,), bool
        False for rows without a key, which are not kept.
    store : Store
    describe : callable
        Takes an array of row numbers. Returns those that could be described, their
        arrays as for `MemoryChunk`, and whether they may be kept. Its method ``maker``
        takes row numbers too, and returns a `Maker` of their descriptors.
    batch_size : int
        Most rows that `describe` gets at once.
    advance : callable
        Told how many rows are done.
    kind : tuple, optional
        The `kind_of` that all rows must be.
    """
    buffer = RowBuffer(len(keys), kind, describe)

    def collect(rows):
        """Take from the store what it has; return the other rows."""
        is_missing = np.ones(len(rows), dtype=bool)
        for chunk, found, places in store.find(keys[rows]):
            try:
                buffer.put(rows[found], chunk, places)
            except (CorruptChunkError, OSError) as error:
                store.discard(chunk, error)
            else:
                is_missing[found] = False
                advance(len(found))
        return rows[is_missing]

    def compute(rows):
        done, arrays, may_keep = describe(rows)
        if len(done):
            chunk = MemoryChunk(arrays)
            if may_keep:
                kept = store.add(keys[done], arrays)
                # Descriptors stay on disk; plain rows go into the buffer right away.
                chunk = kept if "counts" in arrays else chunk
            try:
                buffer.put(done, chunk, np.arange(len(done)))
            except (CorruptChunkError, OSError):  # removed as soon as it was written
                buffer.put(done, MemoryChunk(arrays), np.arange(len(done)))
        advance(len(rows))

    # First, because most of these are files that are not there.
    for rows in _batches(np.flatnonzero(~known), batch_size):
        compute(rows)
    missing = collect(np.flatnonzero(known))
    # An image that comes twice is described once.
    _, first, twin_of = np.unique(
        keys[missing], axis=0, return_index=True, return_inverse=True
    )
    todo, held_by_others = missing[np.sort(first)], []
    while len(todo):
        batch, todo = todo[:batch_size], todo[batch_size:]
        with store.claiming(keys[batch]) as is_free:
            held_by_others.append(batch[~is_free])
            store.refresh()
            if len(rows := collect(batch[is_free])):
                compute(rows)
        if not len(todo) and len(todo := np.concatenate(held_by_others)):
            store.wait()
            store.refresh()
            todo, held_by_others = collect(todo), []
    leaders = missing[first][twin_of.ravel()]
    is_twin = leaders != missing
    buffer.repeat(leaders[is_twin], missing[is_twin])
    return buffer


class RowBuffer:
    """Rows of features as they come in, in any order.

    Parameters
    ----------
    n_rows : int
    kind : tuple, optional
        The `kind_of` that each chunk must be; that of the first chunk otherwise.
    describe : callable, optional
        As for `gather`; needed for descriptors in files.

    Attributes
    ----------
    filled : ndarray of shape (n_rows,), bool
    """

    def __init__(self, n_rows, kind=None, describe=None):
        self.kind = None
        self._describe = describe
        self.filled = np.zeros(n_rows, dtype=bool)
        if kind is not None:
            self._begin(kind)

    def put(self, rows, chunk, places):
        """Take rows from `places` in a chunk."""
        if self.kind is None:
            self._begin(kind_of(chunk))
        if kind_of(chunk) != self.kind:
            raise ValueError(
                "CachedFeatures needs features of one kind for all images. Got "
                f"{_kind_text(self.kind)} before, and {_kind_text(kind_of(chunk))} for "
                f"image {rows[0]}: are the images of different sizes? Put "
                "ImageReader(size=...) in front, inside of CachedFeatures."
            )
        if self.kind[0] == "descriptors":
            counts = chunk.read("counts", 0, chunk.shapes["counts"][0])
            starts = np.cumsum(counts) - counts
            self._chunk_of[rows] = len(self._chunks)
            self._first[rows], self._counts[rows] = starts[places], counts[places]
            if isinstance(chunk, FileChunk):
                make = self._describe.maker(rows)
                chunk = RenewableChunk(chunk, self._first[rows], counts[places], make)
            self._chunks.append(chunk)
        else:
            low, high = places.min(), places.max() + 1
            _copy_rows(chunk.read("values", low, high), places - low, self._array, rows)
        self.filled[rows] = True

    def repeat(self, sources, rows):
        """Give `rows` what `sources` have."""
        if self.kind is None:
            return
        for array in self._by_row:
            array[rows] = array[sources]
        self.filled[rows] = self.filled[sources]

    def finish(self):
        """Return the rows as one array, or as Descriptors; what is not filled is NaN.

        Raises
        ------
        ValueError
            If rows are missing and there is no NaN for them.
        """
        if self.kind[0] == "descriptors":
            return StoredDescriptors(
                self._chunks, self._chunk_of, self._first, self._counts, self.kind[1]
            )
        if not self.filled.all():
            if self._array.dtype.kind != "f":
                raise ValueError(
                    "on_error='nan' needs features that are floats, for integers have "
                    f"no NaN. Got {self._array.dtype}; set on_error='raise'."
                )
            self._array[~self.filled] = np.nan
        return self._array

    def _begin(self, kind):
        n_rows = len(self.filled)
        self.kind = kind
        if kind[0] == "descriptors":
            self._chunks = []
            self._chunk_of = np.zeros(n_rows, dtype=np.intp)
            self._first = np.zeros(n_rows, dtype=np.int64)
            self._counts = np.zeros(n_rows, dtype=np.int64)
            self._by_row = self._chunk_of, self._first, self._counts
        else:
            dtype, shape = kind
            self._array = np.empty((n_rows, *shape), dtype=dtype)
            self._by_row = (self._array,)


def _copy_rows(source, places, target, rows):
    """Do as ``target[rows] = source[places]``, without a copy between if it can be."""
    if rows[-1] - rows[0] == len(rows) - 1 and np.all(np.diff(rows) == 1):
        part = target[rows[0] : rows[-1] + 1]
        # "clip", for "raise" would make the copy after all; places are all inside.
        np.take(source, places, axis=0, out=part, mode="clip")
    else:
        target[rows] = source[places]


def kind_of(chunk):
    """What a chunk's rows are: ``("descriptors", n_dims)``, or dtype and shape."""
    shape = chunk.shapes["values"][1:]
    if "counts" in chunk.shapes:
        return "descriptors", shape[0]
    return chunk.dtypes["values"].str, shape


def _kind_text(kind):
    first, second = kind
    if first == "descriptors":
        return f"descriptors of {second} numbers"
    return f"{math.prod(second)} {np.dtype(first)} numbers of shape {second}"


def _batches(rows, size):
    return [rows[start : start + size] for start in range(0, len(rows), size)]
