"""Labels and groups that say something of every image, and can be sorted."""

from numbers import Number

import numpy as np
import pandas as pd
from sklearn.utils import assert_all_finite, column_or_1d


def refuse_unclear(y, name):
    """Raise if a label is missing, bytes, of another kind than others, or in no order.

    Parameters
    ----------
    y : array-like of shape (n_images,)
        None, NA, NaN and NaT are missing, and so is infinity; text and numbers are of
        two kinds.
    name : str
        Who needs the labels.
    """
    values = np.asarray(y)
    if values.ndim != 1:
        return  # whoever asks has words for that
    if values.dtype.kind == "f":
        assert_all_finite(values, input_name="y")
    else:
        _refuse_unclear(y, name, "label")


def check_groups(groups, n_images, name):
    """Return groups as an array of one an image, or None.

    Parameters
    ----------
    groups : array-like of shape (n_images,) or None
    n_images : int
    name : str
        Who needs the groups.

    Raises
    ------
    ValueError
        If there are more or fewer than images, one is missing, or they are of several
        kinds.
    """
    if groups is None:
        return None
    found = np.asarray(groups)
    if found.shape[1:] == (1,):
        groups = found = column_or_1d(found)
    if found.shape != (n_images,):
        raise ValueError(
            f"{name} needs one group an image. Got groups of shape {found.shape} for "
            f"{n_images} images."
        )
    _refuse_unclear(groups, name, "group")
    return found


def _refuse_unclear(values, name, what):
    kind = np.asarray(values).dtype.kind
    if kind == "S":
        raise TypeError(
            f"{name} needs {what}s that are text or numbers. Got bytes; decode them, "
            "as np.char.decode does."
        )
    if kind not in "OUTMmf":
        return
    # As objects, for in an array of text NaN is a word.
    values = np.asarray(values, dtype=object)
    rows = np.flatnonzero(pd.isna(values))
    if len(rows):
        raise ValueError(
            f"{name} needs a {what} for each image. Got {len(rows)} without, the first "
            f"in row {rows[0]}: {values[rows[0]]!r}; fill in or drop these images."
        )
    if kind != "O":
        return
    kinds = {}
    for value in values:
        kinds.setdefault(_kind(value), type(value).__name__)
    if len(kinds) > 1:
        raise ValueError(
            f"{name} needs {what}s of one kind. Got "
            f"{' and '.join(sorted(kinds.values()))}; make all of them text, or all "
            "numbers."
        )
    if None not in kinds:
        return
    try:
        sorted(values.tolist())
    except TypeError as error:
        raise TypeError(
            f"{name} needs {what}s that can be sorted, as text and numbers can. Got "
            f"{values[0]!r}; give a text or number for each."
        ) from error


def _kind(value):
    kinds = str, bytes, Number
    return next((kind for kind in kinds if isinstance(value, kind)), None)
