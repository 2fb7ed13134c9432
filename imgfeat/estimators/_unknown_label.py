"""The label of what is of no known class."""

import numpy as np

_NUMBERS = "iuf"


def choose_unknown(given, classes, name):
    """The label that is given, or a number below all others and 0, or "unknown".

    Raises
    ------
    ValueError
        If it is one of the classes.
    """
    unknown = given
    if unknown is None:
        is_number = classes.dtype.kind in _NUMBERS
        unknown = min(0, *classes.tolist()) - 1 if is_number else "unknown"
    elif hasattr(unknown, "item"):
        unknown = unknown.item()
    if unknown in classes.tolist():
        raise ValueError(
            f"{name} needs an unknown_label that is none of the classes. Got "
            f"{unknown!r}, which is one; give another."
        )
    return unknown


def label_table(classes, unknown):
    """The classes and behind them the unknown label, which may be of another kind."""
    labels = [*classes.tolist(), unknown]
    kinds = "U" if isinstance(unknown, str) else _NUMBERS
    return np.array(labels, dtype=None if classes.dtype.kind in kinds else object)
