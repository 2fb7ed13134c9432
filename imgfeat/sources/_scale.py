"""The scale of pixels: which value is white, and which floats may be read so."""

import numpy as np


def white_of(dtype):
    """The value that means full intensity: 255, 65535, or 1 for floats."""
    return 1 if dtype.kind == "f" else int(np.iinfo(dtype).max)


def outside_unit_range(pixels):
    """Lowest and highest of floats that leave 0..1, NaN included.

    Parameters
    ----------
    pixels : ndarray, not empty
        Integers have a scale of their own, and pass.

    Returns
    -------
    tuple of (float, float) or None
        None if all is well. NaN twice if there is one.
    """
    if pixels.dtype.kind != "f":
        return None
    low, high = pixels.min(), pixels.max()
    return None if low >= 0 and high <= 1 else (low, high)


def check_unit_range(pixels, who, where="X", *, instead="give uint8 images"):
    """Raise if floats leave 0..1.

    Parameters
    ----------
    pixels : ndarray
        One image, or a batch.
    who : str
        The estimator that reads them.
    where : str, default="X"
        What they are.
    instead : str
        What else may be done about it than to scale them.

    Raises
    ------
    ValueError
        Saying how to scale them.
    """
    found = outside_unit_range(pixels)
    if found is None:
        return
    low, high = found
    if np.isnan(low):
        raise ValueError(
            f"{who} needs finite pixels. Got NaN in {where}; drop the image or replace "
            "the values."
        )
    remedy = "divide by 255" if low >= 0 and high <= 255 else "scale them to 0..1"
    raise ValueError(
        f"{who} needs float pixels in 0..1. Got values from {low:.6g} to {high:.6g} in "
        f"{where}; {remedy}, or {instead}."
    )
