"""Run a transformer over some rows at a time, and keep account of those that fail."""

import re

import numpy as np
import pandas as pd
from scipy.sparse import issparse

from imgfeat.features._descriptors import Descriptors
from imgfeat.features._identity import is_path, row_keys
from imgfeat.sources._batch import item_name
from imgfeat.sources._decode import ImageDecodeError


class Describer:
    """Describes rows of `items`.

    Parameters
    ----------
    transformer : estimator
        Its `transform` needs no `fit`, or had one.
    items : list or ndarray
        An image a row.
    keys : ndarray of shape (n_rows, 2), uint64
        What the images are known by; 0 for unknown.
    on_error : {"raise", "nan"}
    """

    def __init__(self, transformer, items, keys, *, on_error):
        self._transformer = transformer
        self._items = items
        self._keys = keys
        self._on_error = on_error
        self._reasons = {}  # by row

    def __call__(self, rows):
        """Describe some rows.

        Parameters
        ----------
        rows : ndarray of int

        Returns
        -------
        done : ndarray of int
            The rows that could be described.
        arrays : dict of str to ndarray, or None if there is none
            Their features, as for `MemoryChunk`.
        may_keep : bool
            Whether the features are those of `keys`.
        """
        arrays = self._describe(rows)
        done = rows[[row not in self._reasons for row in rows]]
        return done, arrays, self._is_unchanged(done)

    def raise_for_none(self):
        """Say that no image at all could be described."""
        row = min(self._reasons)
        raise ValueError(
            "CachedFeatures needs at least one image that can be described. Got "
            f"{len(self._items)} that cannot; {self._name(row)}: {self._reasons[row]}."
        )

    def error_table(self, is_done):
        """List the rows that are not done, and why."""
        # An image that comes in several rows was tried in one of them.
        reasons = {self._key(row): why for row, why in self._reasons.items()}
        table = [
            (row, self._name(row), self._reasons.get(row, reasons[self._key(row)]))
            for row in np.flatnonzero(~is_done)
        ]
        return pd.DataFrame(table, columns=["row", "path", "reason"])

    def _describe(self, rows):
        try:
            features = self._transformer.transform(take(self._items, rows))
            return _as_arrays(features, len(rows))
        except ValueError as error:
            if self._on_error == "raise":
                _raise_for(error, rows)
        # One by one, to find out which it is.
        parts = [self._describe_one(row) for row in rows]
        parts = [part for part in parts if part is not None]
        if not parts:
            return None
        return {
            name: np.concatenate([part[name] for part in parts]) for name in parts[0]
        }

    def _describe_one(self, row):
        try:
            return _as_arrays(self._transformer.transform(take(self._items, [row])), 1)
        except ValueError as error:
            decoding = isinstance(error, ImageDecodeError)
            self._reasons[row] = error.reason if decoding else str(error)
            return None

    def _is_unchanged(self, rows):
        """Whether files are still what their keys say, and there are keys."""
        paths = [row for row in rows if is_path(self._items[row])]
        now, _ = row_keys([self._items[row] for row in paths])
        then = self._keys[np.array(paths, dtype=int)]
        return bool(self._keys[rows].any(axis=1).all() and np.array_equal(now, then))

    def _name(self, row):
        return item_name(self._items[row], row)

    def _key(self, row):
        return self._keys[row].tobytes()


def take(items, rows):
    """Return some rows of a list or an array."""
    if isinstance(items, np.ndarray):
        return items[rows]
    return [items[row] for row in rows]


def _as_arrays(features, n_rows):
    """What a transformer gave, as the arrays of a chunk."""
    if issparse(features):
        raise TypeError(
            "CachedFeatures keeps dense features. Got a sparse matrix of shape "
            f"{features.shape}; make it dense inside, by a FunctionTransformer."
        )
    if len(features) != n_rows:
        raise TypeError(
            f"CachedFeatures needs a row for each image. Got {len(features)} rows for "
            f"{n_rows} images; its transformer must neither drop nor add any."
        )
    if isinstance(features, Descriptors):
        return {
            "counts": features.n_per_image,
            "values": np.asarray(features.values),
            "positions": np.asarray(features.positions),
        }
    features = np.asarray(features)
    if features.dtype.kind not in "biuf":
        raise TypeError(
            f"CachedFeatures keeps numbers. Got features of dtype {features.dtype}."
        )
    return {"values": features}


def _raise_for(error, rows):
    """Raise the error of a batch so that it tells the row of X."""
    if isinstance(error, ImageDecodeError):
        numbered = re.fullmatch(r"image (\d+)", error.source)
        if numbered is None:
            raise error
        name = f"image {rows[int(numbered[1])]}"
        raise ImageDecodeError(name, error.reason, error.remedy) from error
    if not np.array_equal(rows, np.arange(len(rows))):
        error.add_note(
            f"It is about {len(rows)} images, from row {rows[0]} to row {rows[-1]} of "
            "X, and counts them from 0."
        )
    raise error
