"""Sequences of sources: paths, bytes, PIL images and arrays, one an image."""

import io
import os

import numpy as np
from PIL import Image

from imgfeat._progress import progress
from imgfeat._threads import map_threads
from imgfeat._validation import check_image_array, size_text
from imgfeat.sources._decode import (
    MAX_PIXELS,
    check_array_source,
    decode_image,
    source_name,
)
from imgfeat.sources._pixels import as_mode

_SOURCE_TYPES = (
    str,
    os.PathLike,
    bytes,
    bytearray,
    memoryview,
    Image.Image,
    io.IOBase,
)


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


def list_sources(X):
    """Return the items of a sequence of sources, unread, as a list."""
    return [_unwrap(item) for item in X]


def take_items(estimator, X, *, image_shape=None):
    """Return any batch of images as a list with one item an image, files unread.

    Parameters
    ----------
    estimator : estimator
        Named in error messages.
    X : images
        Every kind of batch that the library takes.
    image_shape : tuple, optional
        Shape of the images in a 2-D array.

    Returns
    -------
    list
        Each item is for `read_source`. Numbers have passed `check_image_array`, and
        are views of it.
    """
    if is_sequence_of_sources(X):
        return list_sources(X)
    _check_not_one_source(X, type(estimator).__name__)
    return list(
        check_image_array(
            estimator, X, reset=False, image_shape=image_shape, any_size=True
        )
    )


def read_source(
    item, index, *, mode=None, dtype="uint8", max_pixels=MAX_PIXELS, at_least=None
):
    """Read item `index` of a sequence of sources.

    Parameters
    ----------
    item : path, bytes, PIL image, file object or ndarray
        What is encoded becomes `dtype`, as by `decode_image`. An ndarray keeps its
        dtype and its values, as in a batch that is an array.
    index : int
        Position in the batch, for the error message.
    mode : {"rgb", "gray"}, optional
        Convert to this.
    dtype : {"uint8", "float32"}, default="uint8"
    max_pixels : int
    at_least : int, optional
        As for `decode_image`.

    Returns
    -------
    ndarray of shape (height, width) or (height, width, 3)
        C-contiguous. May share memory with an ndarray that needs no change.

    Raises
    ------
    ImageDecodeError
        Naming the path or the index.
    """
    item = _unwrap(item)
    name = f"image {index}"
    if isinstance(item, np.ndarray):
        return as_mode(check_array_source(item, name), mode)
    return decode_image(
        item,
        mode=mode,
        dtype=dtype,
        max_pixels=max_pixels,
        at_least=at_least,
        name=name,
    )


def item_name(item, index):
    """What messages call item `index`: its path, or ``"image 3"``."""
    return source_name(item, f"image {index}")


def check_images(estimator, X, *, reset, image_shape=None, any_size=False, n_jobs=None):
    """Return any batch of images as one checked array.

    Numbers go to `check_image_array`. A sequence of sources is read, in `n_jobs`
    threads, and must agree in size, in gray or RGB, and in dtype.

    Parameters
    ----------
    estimator, reset, image_shape, any_size
        As for `check_image_array`.
    X : images
        Every kind of batch that the library takes.
    n_jobs : int, optional
        Threads that decode.

    Returns
    -------
    ndarray of shape (n_samples, height, width[, 3])
        C-contiguous; uint8, uint16, float32 or float64, finite. Files become uint8.

    Raises
    ------
    ImageDecodeError
        If an image cannot be read.
    ValueError
        If the images differ in kind or size, or `check_image_array` refuses them.
    """
    name = type(estimator).__name__
    if is_sequence_of_sources(X):
        X = stack_images(read_source, list_sources(X), name, n_jobs=n_jobs)
    else:
        _check_not_one_source(X, name)
    return check_image_array(
        estimator, X, reset=reset, image_shape=image_shape, any_size=any_size
    )


def stack_images(read, items, name, *, n_jobs=None, verbose=0):
    """Return ``read(item, index)`` of all items as one array, read in threads.

    Parameters
    ----------
    read : callable
        Returns the image, or None for a row of NaN (then all are floats).
    items : list
        Not empty.
    name : str
        The estimator that needs them alike.
    n_jobs : int, optional
    verbose : int

    Returns
    -------
    ndarray of shape (n_samples, height, width[, 3])

    Raises
    ------
    ValueError
        If two images differ in size, gray or RGB, or dtype; or none could be read.
    """
    with progress("Reading images", len(items), verbose) as advance:
        n_read, first = 0, None
        while first is None and n_read < len(items):
            first = read(items[n_read], n_read)
            n_read += 1
            advance()
        if first is None:
            raise ValueError(
                f"{name} needs at least one image that can be read. Got {len(items)} "
                "that cannot; with on_error='raise' it says why."
            )
        batch = np.empty((len(items), *first.shape), dtype=first.dtype)
        batch[n_read - 1] = first
        if n_read > 1:
            batch[: n_read - 1] = np.nan

        def read_into(index):
            image = read(items[index], index)
            if image is None:
                batch[index] = np.nan
            elif image.shape == first.shape and image.dtype == first.dtype:
                batch[index] = image
            else:
                names = [item_name(items[i], i) for i in (n_read - 1, index)]
                raise ValueError(_disagreement(name, names, (first, image)))
            advance()

        map_threads(read_into, range(n_read, len(items)), n_jobs)
    return batch


def _disagreement(name, names, images):
    first, image = images
    if first.shape[:2] != image.shape[:2]:
        what, kinds = "size", [size_text(x.shape) for x in images]
        remedy = f"ImageReader(size=({first.shape[0]}, {first.shape[1]}))"
    elif first.ndim != image.ndim:
        what, kinds = "kind", ["gray" if x.ndim == 2 else "RGB" for x in images]
        remedy = "ImageReader(mode='rgb') or ImageReader(mode='gray')"
    else:
        what, kinds = "dtype", [x.dtype for x in images]
        remedy = "ImageReader(dtype='uint8')"
    place = "use" if name == "ImageReader" else f"before {name}, use"
    return (
        f"{name} needs images of one {what}. Got {kinds[0]} in {names[0]} and "
        f"{kinds[1]} in {names[1]}; {place} {remedy}."
    )


def _check_not_one_source(X, name):
    """Refuse one source, or a table of them, where a batch is needed."""
    if isinstance(X, _SOURCE_TYPES):
        raise ValueError(
            f"{name} expects a batch of images. Got one {type(X).__name__}; put it in "
            "a list: [X]."
        )
    if getattr(X, "ndim", None) == 2 and hasattr(X, "columns"):
        paths = [column for column in X.columns if is_sequence_of_sources(X[column])]
        if paths:
            raise ValueError(
                f"{name} expects a batch of images. Got a table of shape {X.shape}; "
                f"pass its column of images alone: X[{paths[0]!r}]."
            )


def _is_source(item):
    if isinstance(item, np.ndarray):
        return item.ndim >= 2
    return isinstance(item, _SOURCE_TYPES)


def _is_series(X):
    # By its manners, so that pandas need not be imported: a Series or an Index.
    return getattr(X, "ndim", None) == 1 and hasattr(X, "to_numpy")


def _unwrap(item):
    # A 0-d array hides one string or bytes, as numpy's own iteration may hand out.
    if isinstance(item, np.ndarray) and item.ndim == 0:
        return item.item()
    return item
