"""Pairs of images, taken apart into images and where they stand."""

import os
from typing import NamedTuple

import numpy as np


class Pairs(NamedTuple):
    """Pairs as places in a batch of images."""

    images: object  # any batch
    left: np.ndarray  # (n_pairs,), int
    right: np.ndarray


def are_pairs(X):
    """Whether each item of X is several images, not one.

    True for a sequence of tuples or lists, an object or text array or a table of two
    axes, and pixels of shape (n_pairs, 2, height, width[, 3]).
    """
    if isinstance(X, list | tuple):
        return any(isinstance(item, tuple | list) for item in X)
    shape, kind = np.shape(X), getattr(getattr(X, "dtype", None), "kind", "O")
    if len(shape) == 2:
        return kind in "OUT" and shape[1] > 1
    # Channels of images stand last, so two rows of pixels are told from two images.
    return len(shape) == 5 or (len(shape) == 4 and shape[1] == 2 and shape[3] > 3)


def take_apart(X, name):
    """Return X, which `are_pairs`, as `Pairs`; what occurs twice is one image.

    Raises
    ------
    ValueError
        If a pair is not of two images.
    """
    if getattr(X, "ndim", 0) >= 4:
        if X.shape[1] != 2:
            raise ValueError(
                f"{name} needs pairs of images, (n_pairs, 2, height, width[, 3]). Got "
                f"shape {X.shape}."
            )
        places = np.arange(2 * len(X)).reshape(-1, 2)
        return Pairs(np.reshape(X, (-1, *X.shape[2:])), *places.T)
    pairs = X.to_numpy() if hasattr(X, "to_numpy") else X
    found, images, places = {}, [], []
    for row, pair in enumerate(pairs):
        if not isinstance(pair, tuple | list | np.ndarray) or len(pair) != 2:
            n_images = len(pair) if isinstance(pair, tuple | list | np.ndarray) else 1
            raise ValueError(
                f"{name} needs pairs of two images: [(a, b), ...]. Got {n_images} for "
                f"pair {row}; give each the other one."
            )
        for image in pair:
            key = _key(image)
            if key not in found:
                found[key] = len(images)
                images.append(image)
            places.append(found[key])
    return Pairs(images, *np.array(places, dtype=int).reshape(-1, 2).T)


def n_rows(X):
    """How many items a batch has."""
    return X.shape[0] if hasattr(X, "shape") else len(X)


def _key(image):
    if isinstance(image, str | os.PathLike):
        return os.fspath(image)
    return id(image)
