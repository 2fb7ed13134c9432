"""The one door for images: any kind of batch, read row by row."""

import copy
import io
import os
from collections.abc import Mapping, Set

import numpy as np
from PIL import Image

from imgfeat._validation import check_image_array, refuse_masked, refuse_one_photo
from imgfeat.sources._archive_member import ArchiveMember
from imgfeat.sources._batch import stack_images
from imgfeat.sources._frame import index_of, one_column
from imgfeat.sources._pixels import note_range, warned_once
from imgfeat.sources._scale import check_unit_range
from imgfeat.sources._source import source_of

_ITEM_TYPES = (
    str,
    os.PathLike,
    bytes,
    bytearray,
    memoryview,
    Image.Image,
    io.IOBase,
    ArchiveMember,
)


class Images:
    """A batch of images of any kind. Nothing is read before it is asked for.

    Parameters
    ----------
    estimator : estimator
        Named in messages; gets ``image_shape_in_`` and ``n_features_in_`` when `reset`.
    X : images
        Every kind of batch that the library takes: numbers, or a sequence with an
        image behind each item.
    reset : bool
        True in ``fit``. The shape of numbers is noted at once, that of a sequence by
        `as_array`; until then a shape noted before is forgotten.
    image_shape : tuple or list, optional
        Shape of the images in a 2-D array of numbers.
    any_size : bool, default=True
        Let ``transform`` see other sizes than ``fit`` did.
    unit_range : bool, default=False
        Refuse floats outside 0..1, for who depends on the scale.
    check_numbers : callable, optional
        Takes X where it is numbers, and returns it as an array with an image a row,
        for who only passes rows on; by default they pass `check_image_array`.

    Attributes
    ----------
    items : list or ndarray of shape (n_images, height, width[, 3])
        What stands for each image in X: a path, say. Of numbers the checked array.
    index : pandas Index or None
        That of X, if X is a Series or a DataFrame.
    told : dict
        For `warned_once`, so that a batch is warned of once.

    Raises
    ------
    ValueError
        If X is no batch of images, but one image, or a table with them in a column.
    """

    def __init__(
        self,
        estimator,
        X,
        *,
        reset,
        image_shape=None,
        any_size=True,
        unit_range=False,
        check_numbers=None,
    ):
        self._estimator = estimator
        self._name = type(estimator).__name__
        self._unit_range = unit_range
        self._how = {"reset": reset, "image_shape": image_shape, "any_size": any_size}
        self._is_flat = False
        self.told = {}
        self.index = None if isinstance(X, list | tuple) else index_of(X)
        X = _as_items(X)
        if is_sequence_of_sources(X):
            self.items = [_unwrap(item) for item in X]
            for item in self.items:
                if isinstance(item, np.ndarray):
                    refuse_masked(item, self._name)
            if reset:
                for name in ("image_shape_in_", "n_features_in_"):
                    estimator.__dict__.pop(name, None)
        else:
            refuse_one_image(X, self._name)
            self._refuse_table(X)
            refuse_masked(X, self._name)
            check = check_numbers or self._check
            self.items = check(X)
            self._is_flat = _count_axes(X) == 2
            with warned_once(self.told):
                note_range(self.items)
            if unit_range:
                check_unit_range(self.items, self._name)
        self._rows = range(len(self.items))

    def __len__(self):
        return len(self.items)

    @property
    def is_array(self):
        """Whether all images are in memory, as one array."""
        return isinstance(self.items, np.ndarray)

    @property
    def sources(self):
        """A `Source` for each image."""
        return list(map(source_of, self.items, self._rows))

    def source(self, row):
        """The `Source` of one image."""
        return source_of(self.items[row], self._rows[row])

    def name(self, row):
        """What messages call an image: its path, or ``"image 3"``."""
        return self.source(row).name

    def read(self, row, at_least=None):
        """Return the pixels of an image, as they are in a batch that is one array.

        Parameters
        ----------
        row : int
        at_least : int, optional
            As for `decode_image`.

        Returns
        -------
        ndarray of shape (height, width) or (height, width, 3)
            C-contiguous. Files become uint8, arrays keep dtype and values, and their
            memory where they can be used as they are.

        Raises
        ------
        ImageDecodeError
            If it cannot be read, naming it.
        ValueError
            If floats must be in 0..1 and are not.
        """
        if self.is_array:
            return self.items[row]
        source = self.source(row)
        with warned_once(self.told):
            image = source.read(at_least)
            note_range(image)
        if self._unit_range and image.dtype.kind == "f":
            check_unit_range(image, self._name, source.name)
        return image

    def take(self, rows):
        """Return some images as `Images`; messages call them what they are called here.

        Parameters
        ----------
        rows : slice, or sequence of int
            A slice of an array is a view of it.
        """
        part = copy.copy(self)
        if self.is_array or isinstance(rows, slice):
            part.items = self.items[rows]
        else:
            part.items = [self.items[row] for row in rows]
        if isinstance(rows, slice):
            part._rows = self._rows[rows]
        else:
            part._rows = [self._rows[row] for row in rows]
        if self.index is not None:
            part.index = self.index[rows]
        return part

    def stack(self, read, *, n_jobs=None, verbose=0):
        """Return what `read` makes of each row as one array, read in threads.

        Parameters
        ----------
        read : callable
            From a row to an image, such as `read` here, or to None for a row of NaN.
        n_jobs : int, optional
        verbose : int, default=0
            Whether to show a progress bar.

        Returns
        -------
        ndarray of shape (n_images, height, width[, 3])

        Raises
        ------
        ValueError
            If two images differ in size, in gray or RGB, or in dtype.
        """
        return stack_images(
            read,
            len(self),
            self._name,
            name_of=self.name,
            n_jobs=n_jobs,
            verbose=verbose,
        )

    def as_array(self, *, n_jobs=None, verbose=0):
        """Return all images as one array that has passed `check_image_array`.

        Parameters
        ----------
        n_jobs : int, optional
            Threads that decode.
        verbose : int, default=0

        Returns
        -------
        ndarray of shape (n_images, height, width[, 3])
            C-contiguous; uint8, uint16, float32 or float64, finite. Files become uint8.

        Raises
        ------
        ImageDecodeError
            If an image cannot be read.
        ValueError
            If the images differ in kind or size, or `check_image_array` refuses them.
        """
        if self.is_array:
            return self.items
        return self._check(self.stack(self.read, n_jobs=n_jobs, verbose=verbose))

    def restore(self, images):
        """Make of `images` a batch of the kind that X is.

        Parameters
        ----------
        images : sequence of ndarray, or of items

        Returns
        -------
        list or ndarray
            A list for a sequence of sources; else an array, flattened if X is.
        """
        if not self.is_array:
            return list(images)
        images = np.asarray(images)
        return images.reshape(len(images), -1) if self._is_flat else images

    def _check(self, X):
        return check_image_array(self._estimator, X, **self._how)

    def _refuse_table(self, X):
        """Refuse a table with images among other columns."""
        if getattr(X, "ndim", None) == 2 and hasattr(X, "columns"):
            of_images = [name for name in X.columns if is_sequence_of_sources(X[name])]
            if of_images:
                raise ValueError(
                    f"{self._name} expects a batch of images. Got a table of shape "
                    f"{X.shape}; pass its column of images alone: X[{of_images[0]!r}]."
                )


def refuse_one_image(X, name):
    """Raise for one image, or an iterator, where `name` needs a batch."""
    if isinstance(X, _ITEM_TYPES):
        raise ValueError(
            f"{name} expects a batch of images. Got one {type(X).__name__}; put it in "
            "a list: [X]."
        )
    if hasattr(X, "__next__"):
        raise ValueError(
            f"{name} expects a batch of images, which it may read more than once. Got "
            f"one {type(X).__name__}; make a list of it: list(X)."
        )
    if X is None or isinstance(X, Mapping | Set):
        has_images = isinstance(X, Mapping) and "images" in X
        remedy = "its images alone: X['images']" if has_images else "a list of images"
        raise ValueError(
            f"{name} expects a batch of images. Got one {type(X).__name__}; pass "
            f"{remedy}."
        )
    if getattr(getattr(X, "dtype", None), "kind", "") in ("m", "M", "V"):
        raise ValueError(
            f"{name} expects pixels, or paths. Got an array of {X.dtype}; give pixels "
            "as uint8."
        )
    refuse_one_photo(X, name)


def is_sequence_of_sources(X):
    """Whether X is a sequence with an image behind each item, not an array of numbers.

    True for a list, tuple, 1-D object or str array, pandas Series or Index with at
    least one item that is a path, bytes, a PIL image, a binary file object or an
    ndarray of two or more axes. Nested lists of numbers are an array.
    """
    if isinstance(X, np.ndarray):
        if X.ndim != 1 or X.dtype.kind not in "OUT":
            return False
    elif not isinstance(X, list | tuple) and not _is_series(X):
        return False
    return any(_is_source(item) for item in X)


def _as_items(X):
    """X, as a sequence of sources if it is one column of them."""
    column = X if isinstance(X, list | tuple) else one_column(X)
    return column if is_sequence_of_sources(column) else X


def _is_source(item):
    if isinstance(item, np.ndarray):
        return item.ndim >= 2
    return isinstance(item, _ITEM_TYPES)


def _is_series(X):
    # By its manners, so that pandas need not be imported: a Series or an Index.
    return getattr(X, "ndim", None) == 1 and hasattr(X, "to_numpy")


def _count_axes(X):
    """Do as ``np.ndim``, without an array made of nested lists."""
    if isinstance(X, list | tuple) and len(X):
        return 1 + _count_axes(X[0])
    return np.ndim(X)


def _unwrap(item):
    # A 0-d array hides one string or bytes, as numpy's own iteration may hand out.
    if isinstance(item, np.ndarray) and item.ndim == 0:
        return item.item()
    return item
