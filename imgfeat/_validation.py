"""Checks on image arrays entering an estimator. Raises; never resizes or rescales."""

import math
from numbers import Integral

import numpy as np
from sklearn.utils.validation import check_array

# What images may hold; other dtypes are brought to one of these, values unchanged. The
# dtype alone says which value is white, so that no batch changes what another means.
IMAGE_DTYPES = (np.uint8, np.uint16, np.float32, np.float64)


def check_image_array(estimator, X, *, reset, image_shape=None, any_size=False):
    """Return X as one array of images, or say what is wrong with it.

    Parameters
    ----------
    estimator : estimator
        Named in error messages; gets ``image_shape_in_`` and ``n_features_in_``
        when ``reset``.
    X : array-like of shape (n_samples, height, width[, 3]) or (n_samples, n_pixels)
        Numbers. A 2-D array holds flattened images of `image_shape`, or square ones.
    reset : bool
        True in ``fit`` (remember the shape), False in ``transform`` (require it, if
        the estimator was fitted).
    image_shape : tuple or list of (height, width) or (height, width, 3), optional
        Shape in pixels of the images in a 2-D X.
    any_size : bool, default=False
        Let ``transform`` see other sizes than ``fit`` did.

    Returns
    -------
    ndarray of shape (n_samples, height, width) or (n_samples, height, width, 3)
        C-contiguous; uint8, uint16, float32 or float64, finite.
    """
    name = type(estimator).__name__
    refuse_masked(X, name)
    # scikit-learn's check brings its own wording for what every estimator refuses:
    # sparse, complex, text, empty.
    try:
        X = check_array(
            X,
            dtype=None if _is_image_dtype(getattr(X, "dtype", None)) else "numeric",
            ensure_2d=False,
            allow_nd=True,
            order="C",
            ensure_all_finite=False,
            estimator=estimator,
            input_name="X",
        )
    except ValueError as error:
        if "inhomogeneous" not in str(error):
            raise
        raise ValueError(
            f"{name} needs images, or rows of one length. Got lists of numbers whose "
            "lengths differ; make an array of each image: np.array(rows, np.uint8)."
        ) from None
    _check_finite(X, name)
    if X.ndim < 2:
        raise ValueError(
            f"{name} expects a batch of images, (n_samples, height, width[, 3]). "
            f"Expected 2D array or more, got shape {X.shape} instead. Reshape your "
            "data: X[None] makes a batch of one image."
        )
    refuse_no_pixels(X, name)
    X = _to_image_dtype(X, name)
    X = _unflatten(X, image_shape, estimator) if X.ndim == 2 else _check_axes(X, name)
    _check_same_size(estimator, X, reset=reset, any_size=any_size)
    return X


def refuse_no_pixels(X, name):
    """Raise for an array without any number in it, or a sequence without an item."""
    if getattr(X, "size", 1) == 0:
        raise ValueError(
            f"{name} needs images with pixels. Got shape {X.shape}; remove the empty "
            "images."
        )
    if not hasattr(X, "shape") and not len(X):
        raise ValueError(f"{name} needs a batch of at least one image. Got none.")


def refuse_masked(X, name):
    """Raise for a masked array, whose masked pixels would be taken as they are."""
    if np.ma.isMaskedArray(X):
        raise ValueError(
            f"{name} has no notion of masked pixels. Got a masked array; fill them: "
            "X.filled(0)."
        )


def refuse_one_photo(X, name):
    """Raise for an array that looks like one RGB image where a batch is needed.

    Asked of the whole batch: a few rows of a photo could be a few narrow images.
    """
    shape = np.shape(X) if isinstance(X, np.ndarray) else ()
    if len(shape) == 3 and shape[2] == 3 and min(shape[:2]) > 4:
        raise ValueError(
            f"{name} expects a batch of images. Got shape {shape}, which looks like "
            "one RGB image; put it in a list: [X]. For gray images 3 pixels wide, add "
            "an axis: X[..., None]."
        )


def to_uint8(pixels):
    """Return integers of a dtype that says nothing of their scale: 0..255.

    Parameters
    ----------
    pixels : ndarray of integers

    Raises
    ------
    ValueError
        If values lie outside, saying how to tell what they mean.
    """
    low, high = pixels.min(), pixels.max()
    if low < 0 or high > 255:
        raise ValueError(
            f"{pixels.dtype} pixels are read as 0..255. Got values from {low} to "
            f"{high}; use astype(np.uint16) if white is 65535, floats in 0..1, or "
            "ImageReader(value_range=(low, high))."
        )
    return pixels.astype(np.uint8)


def check_shape_param(value, name, *, length=(2,)):
    """Return `value` as a tuple of positive ints, or raise naming the parameter."""
    ok = (
        isinstance(value, tuple | list)
        and len(value) in length
        and all(isinstance(side, Integral) and side >= 1 for side in value)
    )
    if not ok:
        lengths = " or ".join(map(str, length))
        raise ValueError(
            f"{name} must be a tuple of {lengths} positive ints. Got {value!r}."
        )
    return tuple(int(side) for side in value)


def check_size_param(value, name="size"):
    """Return `value`, an int or a pair of them, as (height, width) of positive ints."""
    is_one = isinstance(value, Integral) and not isinstance(value, bool)
    pair = (value, value) if is_one else value
    try:
        return check_shape_param(pair, name)
    except ValueError:
        raise ValueError(
            f"{name} must be a tuple of 2 positive ints, or one int for both. Got "
            f"{value!r}."
        ) from None


def size_text(shape):
    """``"28 x 32"`` from a shape's first two lengths: height x width."""
    return " x ".join(map(str, shape[:2]))


def _is_image_dtype(dtype):
    return dtype is not None and dtype in IMAGE_DTYPES


def _check_finite(X, name):
    if X.dtype.kind != "f":
        return
    # One cheap pass decides; only a bad batch pays for the search.
    with np.errstate(invalid="ignore", over="ignore"):
        if np.isfinite(X.sum(dtype=np.float64)):
            return
    bad = ~np.isfinite(X.reshape(len(X), -1))
    if bad.any():
        rows = np.flatnonzero(bad.any(axis=1))
        what = "NaN" if np.isnan(X).any() else "infinity"
        raise ValueError(
            f"{name} needs finite pixels. Input X contains {what}: {len(rows)} of "
            f"{len(X)} images, the first is image {rows[0]} with {bad[rows[0]].sum()} "
            "such values; drop these images or replace the values."
        )


def _to_image_dtype(X, name):
    # The byte order of a file says nothing of the scale.
    X = X.astype(X.dtype.newbyteorder("="), copy=False)
    if X.dtype in IMAGE_DTYPES:
        return X
    if X.dtype == bool:
        return X.astype(np.uint8) * np.uint8(255)
    if X.dtype.kind == "f":
        return X.astype(np.float32 if X.dtype == np.float16 else np.float64)
    try:
        return to_uint8(X)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _unflatten(X, image_shape, estimator):
    name = type(estimator).__name__
    n_samples, n_pixels = X.shape
    if image_shape is not None:
        shape = check_shape_param(image_shape, "image_shape", length=(2, 3))
        if math.prod(shape) != n_pixels:
            raise ValueError(
                f"image_shape={shape} needs rows of {math.prod(shape)} values. Got "
                f"{n_pixels} features a row; correct image_shape."
            )
        return X.reshape(n_samples, *shape)
    for n_channels in (1, 3):
        side = math.isqrt(n_pixels // n_channels)
        if side * side * n_channels == n_pixels:
            shape = (side, side) if n_channels == 1 else (side, side, 3)
            return X.reshape(n_samples, *shape)
    remedy = "Reshape them to (n_samples, height, width[, 3])"
    if hasattr(estimator, "image_shape"):
        remedy = "Pass image_shape=(height, width), or (height, width, 3) for colour"
    raise ValueError(
        f"{name} cannot tell the height and width of flattened images with "
        f"{n_pixels} values a row, which is not a square. {remedy}; one image goes "
        "into a list: [X]."
    )


def _check_axes(X, name):
    if X.ndim == 4 and X.shape[3] == 1:
        return X[..., 0]
    refuse_one_photo(X, name)
    if X.ndim == 3 or (X.ndim == 4 and X.shape[3] == 3):
        return X
    if X.ndim == 4 and X.shape[1] in (1, 3):
        remedy = "move the channels last: X.transpose(0, 2, 3, 1)"
    elif X.ndim == 4 and X.shape[3] == 4:
        remedy = "drop the alpha channel: X[..., :3]"
    else:
        remedy = "give gray images, or RGB with the channels last"
    raise ValueError(
        f"{name} expects images of shape (n_samples, height, width) or (n_samples, "
        f"height, width, 3). Got {X.shape}; {remedy}."
    )


def _check_same_size(estimator, X, *, reset, any_size):
    name = type(estimator).__name__
    shape = X.shape[1:]
    if reset:
        estimator.image_shape_in_ = shape
        estimator.n_features_in_ = math.prod(shape)
        return
    fitted = getattr(estimator, "image_shape_in_", None)
    if fitted is None or any_size or shape == fitted:
        return
    if len(shape) != len(fitted):
        kinds = {2: "gray", 3: "RGB"}
        raise ValueError(
            f"{name} was fitted on {kinds[len(fitted)]} images. Got "
            f"{kinds[len(shape)]} images; convert them with "
            f"ImageReader(mode={'gray' if len(fitted) == 2 else 'rgb'!r})."
        )
    raise ValueError(
        f"{name} was fitted on images of {size_text(fitted)} pixels. Got "
        f"{size_text(shape)}; resize with ImageReader(size={tuple(fitted[:2])}) or "
        "Resize."
    )
