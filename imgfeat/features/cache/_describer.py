"""Run a transformer over some rows at a time, and keep account of those that fail."""

import re

import numpy as np
from scipy.sparse import issparse

from imgfeat._frames import make_frame
from imgfeat.features.cache._keys import row_keys
from imgfeat.features.cache._renewable import Maker
from imgfeat.features.local._descriptors import Descriptors
from imgfeat.sources._decode_error import ImageDecodeError


class Describer:
    """Describes some rows of a batch of images.

    Parameters
    ----------
    transformer : estimator
        Its `transform` needs no `fit`, or had one.
    images : Images
    keys : ndarray of shape (n_rows, 2), uint64
        What the images are known by; 0 for unknown.
    on_error : {"raise", "nan"}
    """

    def __init__(self, transformer, images, keys, *, on_error):
        self._transformer = transformer
        self._images = images
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

    def maker(self, rows):
        """Return what describes some rows again, in another process too."""
        items = [self._images.items[row] for row in rows]  # views, of an array
        return Maker(self._transformer, items, self._keys[rows])

    def raise_for_none(self):
        """Say that no image at all could be described."""
        row = min(self._reasons)
        raise ValueError(
            "CachedFeatures needs at least one image that can be described. Got "
            f"{len(self._images)} that cannot; {self._images.name(row)}: "
            f"{self._reasons[row]}."
        )

    def error_table(self, is_done):
        """List the rows that are not done, and why."""
        # An image that comes in several rows was tried in one of them.
        reasons = {self._key(row): why for row, why in self._reasons.items()}
        table = []
        for row in np.flatnonzero(~is_done):
            why = self._reasons.get(row, reasons[self._key(row)])
            table.append((row, self._images.name(row), why))
        return make_frame(table, columns=["row", "path", "reason"])

    def _describe(self, rows):
        try:
            return self._transform(rows)
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
            return self._transform([row])
        except ValueError as error:
            decoding = isinstance(error, ImageDecodeError)
            self._reasons[row] = error.reason if decoding else str(error)
            return None

    def _transform(self, rows):
        features = self._transformer.transform(self._images.take(rows).items)
        return _as_arrays(features, len(rows))

    def _is_unchanged(self, rows):
        """Whether files are still what their keys say, and there are keys."""
        files = [row for row in rows if self._images.source(row).is_stored]
        now, _ = row_keys(self._images.take(files).sources)
        then = self._keys[np.array(files, dtype=int)]
        return bool(self._keys[rows].any(axis=1).all() and np.array_equal(now, then))

    def _key(self, row):
        return self._keys[row].tobytes()


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
