"""Many images' local descriptors in one contiguous array."""

from numbers import Integral
from typing import Self

import numpy as np


class Descriptors:
    """Local descriptors of a batch of images: a ragged array with a row an image.

    What `SIFT`, `ORB` and `DenseSIFT` return, and `BagOfVisualWords`, `VLAD` and
    `FisherVector` take. Three arrays hold any number of images, so scikit-learn's
    splitters slice them without making a Python object an image.

    Parameters
    ----------
    values : ndarray of shape (n_descriptors, n_dims), float32
        The descriptors of the first image, then of the second, and so on.
    positions : ndarray of shape (n_descriptors, 2), float32
        Centre of each as (row, column), 0 at the top and left edge of the image and
        1 at the bottom and right edge, whatever its size.
    offsets : ndarray of shape (n_images + 1,), int64
        Image i has the descriptors ``offsets[i]`` to ``offsets[i + 1]``. An image
        without any is an empty row.

    Attributes
    ----------
    shape : tuple of (int, int)
        ``(n_images, n_dims)``; the axis between, of different lengths, is left out.
    ndim : int
        2.
    dtype : dtype
        float32.
    n_per_image : ndarray of shape (n_images,), int64
        Number of descriptors of each image.
    index : Index or None
        That of the Series or DataFrame that the images came in, for the tables that
        are made of them.

    Notes
    -----
    Indexing by a slice, a mask or an array of integers gives `Descriptors`; a slice of
    neighbours shares memory. Indexing by one integer, and iterating, gives an image's
    values, an array of shape (n_descriptors, n_dims). The arrays may be memory-mapped,
    and pickling an instance pickles them and `index` alone.

    Examples
    --------
    >>> import numpy as np
    >>> from imgfeat.features import Descriptors
    >>> values = np.arange(6, dtype=np.float32).reshape(3, 2)
    >>> X = Descriptors(values, positions=np.full((3, 2), 0.5), offsets=[0, 2, 2, 3])
    >>> X
    Descriptors(3 images, 3 descriptors of 2 numbers)
    >>> X.n_per_image
    array([2, 0, 1])
    >>> X[[2, 0]].values
    array([[4., 5.],
           [0., 1.],
           [2., 3.]], dtype=float32)
    """

    ndim = 2
    index = None

    def __init__(self, values, positions, offsets):
        # asarray keeps what is right already, a memory map included, as a view.
        self.values = np.asarray(values, dtype=np.float32)
        self.positions = np.asarray(positions, dtype=np.float32)
        self.offsets = np.asarray(offsets, dtype=np.int64)
        if self.values.ndim != 2:
            raise ValueError(
                "values must be of shape (n_descriptors, n_dims). Got "
                f"{self.values.shape}."
            )
        if self.positions.shape != (len(self.values), 2):
            raise ValueError(
                f"{len(self.values)} descriptors need positions of shape "
                f"({len(self.values)}, 2). Got {self.positions.shape}."
            )
        if (
            self.offsets.ndim != 1
            or len(self.offsets) == 0
            or self.offsets[0] != 0
            or self.offsets[-1] != len(self.values)
            or np.any(np.diff(self.offsets) < 0)
        ):
            raise ValueError(
                f"offsets must run from 0 to the {len(self.values)} descriptors and "
                f"never fall. Got {self.offsets}."
            )

    @classmethod
    def concatenate(cls, parts) -> Self:
        """Join batches one after the other.

        Parameters
        ----------
        parts : sequence of Descriptors
            At least one; all with the same number of dimensions.

        Returns
        -------
        Descriptors
        """
        parts = list(parts)
        if len({part.shape[1] for part in parts}) != 1:
            raise ValueError(
                "Descriptors to join need one number of dimensions. Got "
                f"{[part.shape[1] for part in parts]}."
            )
        counts = np.concatenate([part.n_per_image for part in parts])
        return cls(
            np.concatenate([part.values for part in parts]),
            np.concatenate([part.positions for part in parts]),
            _offsets(counts),
        )

    @classmethod
    def from_images(cls, values, positions) -> Self:
        """Join the descriptors of single images.

        Parameters
        ----------
        values : list of ndarray of shape (n_descriptors, n_dims)
            One array an image. The list is emptied on the way, so that large batches
            do not need twice their memory.
        positions : list of ndarray of shape (n_descriptors, 2)

        Returns
        -------
        Descriptors
        """
        offsets = _offsets([len(one) for one in values])
        joined = np.empty((offsets[-1], values[0].shape[1]), dtype=np.float32)
        for stop in offsets[:0:-1]:
            one = values.pop()
            joined[stop - len(one) : stop] = one
        return cls(joined, np.concatenate(positions), offsets)

    @property
    def shape(self) -> tuple[int, int]:
        return len(self), self.values.shape[1]

    @property
    def dtype(self) -> np.dtype:
        return self.values.dtype

    @property
    def n_per_image(self) -> np.ndarray:
        return np.diff(self.offsets)

    @property
    def nbytes(self) -> int:
        """Bytes that the three arrays take."""
        return self.values.nbytes + self.positions.nbytes + self.offsets.nbytes

    def __len__(self):
        return len(self.offsets) - 1

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __getitem__(self, key):
        key = _rows_of(key)
        if isinstance(key, Integral) and not isinstance(key, bool | np.bool_):
            row = range(len(self))[key]
            return self.values[self.offsets[row] : self.offsets[row + 1]]
        if isinstance(key, slice):
            start, stop, step = key.indices(len(self))
            if step == 1:
                part = self._neighbours(start, max(start, stop))
                return self._keep_index(part, key)
        # NumPy's own rules for masks, negative numbers and what is out of range.
        rows = np.arange(len(self))[key]
        if rows.ndim != 1:
            raise IndexError(
                f"Descriptors are indexed along one axis. Got an index of shape "
                f"{rows.shape}."
            )
        counts = self.n_per_image[rows]
        offsets = _offsets(counts)
        shift = np.repeat(self.offsets[rows] - offsets[:-1], counts)
        index = np.arange(offsets[-1]) + shift
        part = Descriptors(self.values[index], self.positions[index], offsets)
        return self._keep_index(part, rows)

    def __array__(self, dtype=None, copy=None):
        raise TypeError(
            f"{self!r} is not a table: its images have different numbers of "
            "descriptors. Put BagOfVisualWords, VLAD or FisherVector after it, or take "
            "its .values."
        )

    def __array_function__(self, func, types, args, kwargs):
        # Chunks are joined by whoever made them, who need not know what they are.
        if func is np.concatenate and len(args) == 1 and kwargs.get("axis", 0) == 0:
            return Descriptors.concatenate(args[0])
        return NotImplemented

    def __repr__(self):
        return (
            f"Descriptors({len(self)} images, {len(self.values)} descriptors of "
            f"{self.values.shape[1]} numbers)"
        )

    def _keep_index(self, part, rows):
        if self.index is not None:
            part.index = self.index[rows]
        return part

    def _neighbours(self, start, stop):
        first, last = self.offsets[[start, stop]]
        return Descriptors(
            self.values[first:last],
            self.positions[first:last],
            self.offsets[start : stop + 1] - first,
        )


def _offsets(counts):
    return np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])


def _rows_of(key):
    """The first axis of an index: scikit-learn asks for ``X[rows, ...]``."""
    if not isinstance(key, tuple):
        return key
    rows, *rest = key
    if not all(_is_everything(part) for part in rest):
        raise IndexError(
            f"Descriptors are indexed along one axis, the images. Got {key!r}."
        )
    return rows


def _is_everything(part):
    return part is Ellipsis or (isinstance(part, slice) and part == slice(None))
