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
