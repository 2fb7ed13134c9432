"""How many there are: labels or groups an image, and rows that are asked for."""

from numbers import Integral

import numpy as np


def check_length(who, what, values, n_images):
    """Raise ValueError unless there is one of `values` an image.

    Parameters
    ----------
    who, what : str
        Who needs them, and what one of them is called.
    values : array-like
    n_images : int
    """
    shape = np.shape(np.asarray(values))
    if shape != (n_images,):
        raise ValueError(
            f"{who} needs one {what} an image. Got {n_images} images and {what}s of "
            f"shape {shape}."
        )


def check_n_rows(who, n):
    """Raise ValueError unless n is a number of rows to list, 0 or more."""
    if not isinstance(n, Integral) or n < 0:
        raise ValueError(
            f"{who} needs n, the number of rows to list, 0 or more. Got {n!r}."
        )
