"""Several labels an image, in a table: a column of 0 and 1 for each, or of names."""

from numbers import Real

import numpy as np
from sklearn.utils import Bunch

from imgfeat._frames import make_series
from imgfeat.sources._labelled import check_class_names, in_natural_order, listed

# How a cell says yes or no; a table of pandas has numbers and booleans too.
_WORDS = {"1": 1, "0": 0, "1.0": 1, "0.0": 0, "true": 1, "false": 0}


def of_columns(frame, label_columns, name):
    """Labels of columns that say for each image whether it has one.

    Parameters
    ----------
    frame : DataFrame
    label_columns : sequence of str
    name : str
        What messages call the table.

    Returns
    -------
    values : ndarray of int64 of shape (n_images, n_classes)
    names : list of str
    """
    names = check_label_columns(label_columns)
    values = np.empty((len(frame), len(names)), dtype=np.int64)
    for place, column in enumerate(names):
        for row, cell in enumerate(frame[column].tolist()):
            values[row, place] = _yes_or_no(cell, row, column, name)
    return values, names


def check_label_columns(label_columns):
    """Names of columns, two or more, each of them once."""
    if isinstance(label_columns, str) or len(label_columns) < 2:
        raise ValueError(
            "label_columns needs a list of two columns or more, one for each label. "
            f"Got {label_columns!r}; for one label an image there is target_column."
        )
    names = [str(column) for column in label_columns]
    if len(set(names)) < len(names):
        raise ValueError(f"label_columns must differ. Got {listed(names)}.")
    return names


def of_names(column, separator, class_names, name):
    """Labels of a column that has the names of each image in a cell.

    Parameters
    ----------
    column : Series
        An empty cell is an image without any; one that is missing is refused.
    separator : str
        What stands between two names.
    class_names : sequence of str, or None
        All there are, in their order; those that occur if not given.
    name : str

    Returns
    -------
    values : ndarray of int64 of shape (n_images, n_classes)
    names : list of str
    """
    if not isinstance(separator, str) or not separator.strip(" "):
        raise ValueError(
            "label_separator needs the text between two names, as ';'. Got "
            f"{separator!r}."
        )
    cells = zip(column.tolist(), column.isna().tolist(), strict=True)
    rows = [
        _split(cell, missing, separator, row, column.name, name)
        for row, (cell, missing) in enumerate(cells)
    ]
    there = in_natural_order(set().union(*rows))
    names = there if class_names is None else check_class_names(class_names)
    if unknown := [label for label in there if label not in set(names)]:
        raise ValueError(
            f"{name} needs labels that class_names has. Got {listed(unknown)}; add "
            "them, or correct the labels."
        )
    if len(names) < 2:
        what = listed(names) if names else f"{len(rows)} images without any"
        raise ValueError(
            f"{name} needs two labels or more in {column.name!r}. Got {what}; look at "
            f"label_separator={separator!r}, or name all labels in class_names."
        )
    place_of = {label: place for place, label in enumerate(names)}
    values = np.zeros((len(rows), len(names)), dtype=np.int64)
    for row, labels in enumerate(rows):
        values[row, [place_of[label] for label in labels]] = 1
    return values, names


def make_multi_label_bunch(paths, values, names, description, frame):
    """As `make_bunch`, of images that have several labels each, or none.

    Parameters
    ----------
    paths : list of str
    values : ndarray of shape (n_images, n_classes)
    names : list of str
    description : str
    frame : DataFrame
    """
    names = np.asarray(names, dtype=object)
    labels = np.empty(len(paths), dtype=object)
    for row, has in enumerate(values):
        labels[row] = tuple(names[has == 1].tolist())
    counts = zip(values.sum(axis=0), names, strict=True)
    n_without = int((values.sum(axis=1) == 0).sum())
    notes = [f"Images with none of the labels: {n_without}."] if n_without else []
    said = ", ".join(f"{n} {label}" for n, label in counts)
    return Bunch(
        images=np.asarray(paths, dtype=object),
        target=values,
        target_names=names,
        labels=labels,
        frame=frame.assign(label=make_series(labels, index=frame.index, dtype=object)),
        notes=notes,
        DESCR=" ".join(
            [f"{description} {len(paths)} images with {len(names)} labels: {said}."]
            + notes
        ),
    )


def _yes_or_no(cell, row, column, name):
    if isinstance(cell, Real | np.bool_) and cell in (0, 1):
        return int(cell)
    found = _WORDS.get(cell.strip().lower()) if isinstance(cell, str) else None
    if found is None:
        raise ValueError(
            f"{name} needs 0 or 1 (or true, false) in every row of {column!r}, a label "
            f"column. Got {cell!r} in row {row}; correct it."
        )
    return found


def _split(cell, missing, separator, row, column, name):
    if missing:
        raise ValueError(
            f"{name} needs labels in every row of {column!r}, or empty text for none. "
            f"Got {cell!r} in row {row}; fill it in or drop the row."
        )
    text = str(cell).strip()
    labels = [part.strip() for part in text.split(separator)] if text else []
    if not all(labels):
        raise ValueError(
            f"{name} needs a name on either side of {separator!r} in {column!r}. Got "
            f"{text!r} in row {row}; correct it."
        )
    return set(labels)
