"""Descriptors that stay on disk until somebody looks at them."""

from itertools import pairwise
from numbers import Integral

import numpy as np

from imgfeat.features.local._descriptors import Descriptors, _offsets, _rows_of


class StoredDescriptors(Descriptors):
    """Descriptors in the files of a cache; only where they lie is in memory.

    What `CachedFeatures` gives for local features. ``values`` and ``positions`` are
    read image by image as they are sliced, so a vocabulary learns from, and encodes,
    more descriptors than memory holds. Slices and pickles hold places, not values.

    Parameters
    ----------
    chunks : list of RenewableChunk or MemoryChunk
    chunk_of : ndarray of shape (n_images,), intp
        In which of `chunks` an image's descriptors are.
    first : ndarray of shape (n_images,), int64
        Where they start in it.
    counts : ndarray of shape (n_images,), int64
        How many they are.
    n_dims : int
    """

    def __init__(self, chunks, chunk_of, first, counts, n_dims):
        self._chunks = chunks
        self._chunk_of = chunk_of
        self._first = first
        self._n_dims = n_dims
        self.offsets = _offsets(counts)

    @property
    def values(self):
        return StoredArray(self, "values", self._n_dims)

    @property
    def positions(self):
        return StoredArray(self, "positions", 2)

    @property
    def dtype(self):
        return np.dtype(np.float32)

    @property
    def shape(self):
        return len(self), self._n_dims

    @property
    def nbytes(self):
        """Bytes that the descriptors take, on disk."""
        return self.values.nbytes + self.positions.nbytes + self.offsets.nbytes

    def __getitem__(self, key):
        key = _rows_of(key)
        if isinstance(key, Integral) and not isinstance(key, bool | np.bool_):
            row = range(len(self))[key]
            return self._read("values", row, row + 1)
        rows = np.arange(len(self))[key]
        if rows.ndim != 1:
            raise IndexError(
                f"Descriptors are indexed along one axis. Got an index of shape "
                f"{rows.shape}."
            )
        part = StoredDescriptors(
            self._chunks,
            self._chunk_of[rows],
            self._first[rows],
            self.n_per_image[rows],
            self._n_dims,
        )
        return self._keep_index(part, rows)

    @classmethod
    def concatenate(cls, parts):
        """Join batches one after the other; only places are copied.

        Parameters
        ----------
        parts : sequence of StoredDescriptors
            At least one; all with the same number of dimensions.

        Returns
        -------
        StoredDescriptors
        """
        parts = list(parts)
        if len({part.shape[1] for part in parts}) != 1:
            return super().concatenate(parts)  # which says what is wrong
        before = np.cumsum([0, *(len(part._chunks) for part in parts[:-1])])
        shifted = [part._chunk_of + n for part, n in zip(parts, before, strict=True)]
        return cls(
            [chunk for part in parts for chunk in part._chunks],
            np.concatenate(shifted),
            np.concatenate([part._first for part in parts]),
            np.concatenate([part.n_per_image for part in parts]),
            parts[0].shape[1],
        )

    def __array_function__(self, func, types, args, kwargs):
        if func is np.concatenate and all(
            isinstance(part, StoredDescriptors) for part in args[0]
        ):
            return self.concatenate(args[0])
        return super().__array_function__(func, types, args, kwargs)

    def _read(self, name, row, stop_row):
        """One of the arrays for neighbouring rows that lie in one piece."""
        first = self._first[row]
        n_values = self.offsets[stop_row] - self.offsets[row]
        if n_values == 0:
            width = self._n_dims if name == "values" else 2
            return np.empty((0, width), dtype=np.float32)
        try:
            chunk = self._chunks[self._chunk_of[row]]
            return chunk.read(name, first, first + n_values)
        except FileNotFoundError as error:
            raise FileNotFoundError(
                f"These descriptors were in {error.filename}, which is gone: the cache "
                "was cleared while they were in use, and the images are gone too, or "
                "changed. Transform images again."
            ) from error

    def _pieces(self, row, stop_row):
        """Cut neighbouring rows where they do not follow one another in a file."""
        rows = np.arange(row + 1, stop_row)
        after = self._first[rows - 1] + self.n_per_image[rows - 1]
        is_cut = self._chunk_of[rows] != self._chunk_of[rows - 1]
        is_cut |= self._first[rows] != after
        return pairwise([row, *rows[is_cut], stop_row])


class StoredArray:
    """One array of StoredDescriptors: slices are read, the whole only if asked for."""

    ndim = 2
    dtype = np.dtype(np.float32)

    def __init__(self, descriptors, name, width):
        self._descriptors = descriptors
        self._name = name
        self.shape = int(descriptors.offsets[-1]), width

    @property
    def nbytes(self):
        return self.shape[0] * self.shape[1] * self.dtype.itemsize

    def __len__(self):
        return self.shape[0]

    def __getitem__(self, key):
        rows, *rest = key if isinstance(key, tuple) else (key,)
        if isinstance(rows, slice):
            start, stop, step = rows.indices(len(self))
            if step == 1:
                found = self._between(start, max(start, stop))
                return found[:, *rest] if rest else found
        index = np.arange(len(self))[rows]
        found = self._at(np.atleast_1d(index)).reshape(*index.shape, self.shape[1])
        return found[(slice(None),) * index.ndim + tuple(rest)] if rest else found

    def __array__(self, dtype=None, copy=None):
        if copy is False:
            raise ValueError("Stored descriptors can only be had as a copy in memory.")
        return self._between(0, len(self)).astype(dtype or self.dtype, copy=False)

    def _between(self, start, stop):
        stored = self._descriptors
        row, stop_row = self._rows_around(start, stop)
        if stop_row - row == 1:
            found = stored._read(self._name, row, stop_row)
        else:
            n_values = stored.offsets[stop_row] - stored.offsets[row]
            found = np.empty((n_values, self.shape[1]), self.dtype)
            done = 0
            for piece in stored._pieces(row, stop_row) if n_values else ():
                values = stored._read(self._name, *piece)
                found[done : done + len(values)] = values
                done += len(values)
        skipped = start - stored.offsets[row]
        return found[skipped : skipped + stop - start]

    def _at(self, index):
        row_of = np.searchsorted(self._descriptors.offsets, index, side="right") - 1
        found = np.empty((len(index), self.shape[1]), self.dtype)
        # By image, so that each is read once however many of it are wanted.
        order = np.argsort(row_of, kind="stable")
        edges = np.flatnonzero(np.diff(row_of[order])) + 1
        for group in np.split(order, edges) if len(order) else ():
            row = row_of[group[0]]
            values = self._descriptors._read(self._name, row, row + 1)
            found[group] = values[index[group] - self._descriptors.offsets[row]]
        return found

    def _rows_around(self, start, stop):
        """The images that descriptors `start` to `stop` belong to."""
        offsets = self._descriptors.offsets
        if len(offsets) == 1 or start == stop:
            return 0, 0
        row = np.searchsorted(offsets, start, side="right") - 1
        return int(row), int(np.searchsorted(offsets, stop, side="left"))
