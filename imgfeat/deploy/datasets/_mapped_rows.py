"""Rows of several arrays on disk, one after the other, as if they were one array."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np


class MappedRows:
    """A matrix that lies on disk in parts, and is read where it is asked for.

    `numpy.asarray` reads it whole, and so does everything of scikit-learn that it is
    given to; ``rows[1000:2000]`` and ``rows[[3, 1, 4]]`` read these rows, and `chunks`
    all of them, some at a time.

    Parameters
    ----------
    parts : sequence of ndarray of shape (n_rows, width)
    width : int

    Attributes
    ----------
    shape : tuple of int
    dtype : dtype
    """

    ndim = 2

    def __init__(self, parts: Sequence[np.ndarray], width: int):
        self.dtype = np.dtype(np.float32)
        self._parts = parts
        self._starts = np.cumsum([0, *map(len, parts)])
        self.shape = int(self._starts[-1]), width

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        n_rows, width = self.shape
        return f"<{n_rows} rows of {width} numbers, in {len(self._parts)} parts>"

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if copy is False and len(self._parts) > 1:
            raise ValueError(
                f"Rows in {len(self._parts)} parts need a copy to be one array. Got "
                "copy=False; take chunks()."
            )
        found = self._read(0, len(self))
        if copy and len(self._parts) == 1:
            found = found.copy()
        return found if dtype is None else found.astype(dtype, copy=False)

    def __getitem__(self, key: Any) -> np.ndarray:
        key, *columns = key if isinstance(key, tuple) else (key,)
        if isinstance(key, slice):
            start, stop, step = key.indices(len(self))
            if step == 1:
                found = self._read(start, max(start, stop))
            else:
                found = self._pick(np.arange(start, stop, step))
        else:
            found = self._pick(self._row_numbers(key))
            if np.ndim(key) == 0:
                found = found[0]
        return found[(..., *columns)] if columns else found

    def __iter__(self) -> Iterator[np.ndarray]:
        for part in self._parts:
            yield from part

    def chunks(self, n_rows: int = 10_000) -> Iterator[np.ndarray]:
        """Yield all rows in order, `n_rows` at a time.

        Parameters
        ----------
        n_rows : int, default=10_000

        Yields
        ------
        ndarray of shape (n_rows, width)
            Not copied where it lies in one part.
        """
        for start in range(0, len(self), n_rows):
            yield self._read(start, min(start + n_rows, len(self)))

    def _read(self, start, stop):
        """Rows of a range; those of one part are not copied."""
        if start == stop:
            return np.empty((0, self.shape[1]), dtype=self.dtype)
        first, last = self._parts_of(np.array([start, stop - 1]))
        if first == last:
            begin = self._starts[first]
            return self._parts[first][start - begin : stop - begin]
        found = np.empty((stop - start, self.shape[1]), dtype=self.dtype)
        for number in range(first, last + 1):
            begin, end = self._starts[number : number + 2]
            low, high = max(start, begin), min(stop, end)
            part = self._parts[number]
            found[low - start : high - start] = part[low - begin : high - begin]
        return found

    def _pick(self, rows):
        found = np.empty((len(rows), self.shape[1]), dtype=self.dtype)
        part_of = self._parts_of(rows)
        for number in np.unique(part_of):
            is_here = part_of == number
            found[is_here] = self._parts[number][rows[is_here] - self._starts[number]]
        return found

    def _parts_of(self, rows):
        return np.searchsorted(self._starts, rows, side="right") - 1

    def _row_numbers(self, key):
        rows = np.atleast_1d(np.asarray(key))
        if rows.dtype == bool:
            if rows.shape != (len(self),):
                raise IndexError(
                    f"A mask needs {len(self)} values. Got shape {rows.shape}."
                )
            return np.flatnonzero(rows)
        if rows.ndim != 1 or (rows.size and rows.dtype.kind not in "iu"):
            raise IndexError(f"Rows are numbers, a slice or a mask. Got {key!r:.50}.")
        rows = rows.astype(np.intp)
        if rows.size and (rows.min() < -len(self) or rows.max() >= len(self)):
            raise IndexError(f"There are {len(self)} rows. Got {key!r:.50}.")
        return np.where(rows < 0, rows + len(self), rows)
