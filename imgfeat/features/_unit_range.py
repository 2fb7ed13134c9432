"""The scale of pixels, for features that depend on it."""

import numpy as np


def white_level(X, name):
    """The value that means full intensity in images of this dtype.

    Parameters
    ----------
    X : ndarray of uint8, uint16 or floats
    name : str
        Who asks, for the message.

    Returns
    -------
    int
        255, 65535, or 1 for floats.

    Raises
    ------
    ValueError
        If floats leave 0..1.
    """
    if X.dtype.kind != "f":
        return int(np.iinfo(X.dtype).max)
    low, high = X.min(), X.max()
    if low < 0 or high > 1:
        remedy = "divide by 255" if low >= 0 and high <= 255 else "scale them to 0..1"
        raise ValueError(
            f"{name} reads floats as intensities from 0 to 1. Got values from "
            f"{low:.6g} to {high:.6g}; {remedy}, or give uint8 images."
        )
    return 1


def check_scale(pixels, name, where):
    """Raise if floats are not in 0..1.

    Parameters
    ----------
    pixels : ndarray
        Integers pass.
    name : str
        The estimator that reads them.
    where : str
        What they are.
    """
    if pixels.dtype.kind != "f":
        return
    low, high = pixels.min(), pixels.max()
    if np.isnan(low):
        raise ValueError(
            f"{name} needs finite pixels. Got NaN in {where}; drop the image or "
            "replace the values."
        )
    if low < 0 or high > 1:
        raise ValueError(
            f"{name} reads float pixels as 0..1. Got {low:g} to {high:g} in {where}; "
            "divide 0..255 by 255, or convert to uint8."
        )
