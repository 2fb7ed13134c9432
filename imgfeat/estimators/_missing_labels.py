"""Labels that are missing."""

import numpy as np
import pandas as pd


def refuse_missing(y, name):
    """Raise if a label is None, NA or NaN.

    Parameters
    ----------
    y : array-like of shape (n_images,)
    name : str
        Who needs the labels.
    """
    values = np.asarray(y)
    if values.ndim != 1 or values.dtype.kind not in "OUT":
        return  # numbers have their own check
    # As objects, for in an array of text NaN is a word.
    values = np.asarray(y, dtype=object)
    rows = np.flatnonzero(pd.isna(values))
    if len(rows):
        raise ValueError(
            f"{name} needs a label for each image. Got {len(rows)} without, the first "
            f"in row {rows[0]}: {values[rows[0]]!r}; fill in or drop these images."
        )
