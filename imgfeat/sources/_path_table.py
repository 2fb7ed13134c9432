"""Labelled images in a table of paths: a CSV file or a DataFrame."""

import os
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from imgfeat._frames import make_series
from imgfeat._home import expanded
from imgfeat._typing import PathLike
from imgfeat.sources._label_columns import (
    check_label_columns,
    make_multi_label_bunch,
    of_columns,
    of_names,
)
from imgfeat.sources._labelled import (
    check_class_names,
    in_natural_order,
    listed,
    make_bunch,
)
from imgfeat.sources._local_copy import at_hand
from imgfeat.sources._url import is_remote, is_url, local_path

_SEPARATORS = ",;\t"
_ROWS_A_PART = 100_000


def load_image_table(
    table: PathLike | pd.DataFrame,
    *,
    path_column: str = "path",
    target_column: str | None = "label",
    class_names: Sequence[str] | None = None,
    label_columns: Sequence[str] | None = None,
    label_separator: str | None = None,
    root: PathLike | None = None,
) -> Bunch:
    """Take image paths and labels from a table.

    Parameters
    ----------
    table : str, path or DataFrame
        A CSV file with a header, or a table.
    path_column : str, default="path"
        Column with the image files: paths, or URLs.
    target_column : str or None, default="label"
        Column with the classes; None where there are none, for prediction.
    class_names : sequence of str, optional
        The classes in the order of their numbers; some may have no image. By default
        those that occur, in natural order: 2 before 10.
    label_columns : sequence of str, optional
        Columns of 0 and 1 (or false and true), one for each label, where an image may
        have several; they take the place of `target_column`.
    label_separator : str, optional
        What stands between the names in a cell of `target_column` where an image may
        have several, such as ``";"``; an empty cell is an image with none.
    root : str or path, optional
        Folder, or URL of one, that relative paths start from. By default that of the
        CSV file; for a DataFrame, the working directory.

    Returns
    -------
    Bunch
        images : ndarray of shape (n_samples,), dtype object
            Paths as str, in the order of the table.
        target : ndarray of shape (n_samples,), int64, or None
            Index into `target_names`; of several labels an image a matrix of 0 and 1,
            of shape (n_samples, n_classes).
        target_names : ndarray of shape (n_classes,), dtype object, or None
            In the order of their numbers.
        labels : ndarray of shape (n_samples,), dtype object, or None
            The name of each image's class; of several labels a tuple of names.
        frame : DataFrame
            The whole table, in its order, with columns path and label set to the
            above; numbered from 0.
        DESCR : str
            What is in it.

    Raises
    ------
    FileNotFoundError
        If the CSV file, or any of the images, does not exist; images behind URLs are
        not looked for.
    ValueError
        If a column is missing, the table is empty, a path or label is missing, a
        label is none of `class_names`, or a cell of `label_columns` is neither 0 nor 1.

    See Also
    --------
    load_image_folder : One folder for each class.

    Notes
    -----
    In a CSV file, columns are separated by commas, semicolons or tabs, as its header
    is, and labels are text as written: ``007``, ``NA`` and ``None`` are names like any
    other; only an empty cell is a missing label. Blanks around a value do not count. A
    path may have backslashes, and another Unicode form than the file's name.

    Examples
    --------
    >>> import pandas as pd
    >>> from imgfeat.sources import load_image_table
    >>> from skimage import data_dir
    >>> table = pd.DataFrame({"path": ["brick.png", "grass.png"], "label": ["a", "b"]})
    >>> load_image_table(table, root=data_dir).target
    array([0, 1])
    """
    return read_image_table(
        table,
        path_column,
        target_column,
        class_names=class_names,
        label_columns=label_columns,
        label_separator=label_separator,
        root=root,
    )


def read_image_table(
    table,
    path_column,
    target_column,
    *,
    class_names=None,
    label_columns=None,
    label_separator=None,
    root=None,
    must_exist=True,
):
    """Do as `load_image_table`; files need not be there unless they `must_exist`."""
    frame, root, name = read_table(table, root)
    if label_columns is not None:
        _refuse_two_ways(class_names, label_separator)
        label_columns = check_label_columns(label_columns)
        wanted = [path_column, *label_columns]
    elif target_column is None:
        wanted = [path_column]
    else:
        wanted = [path_column, target_column]
    missing = [column for column in wanted if column not in frame.columns]
    if missing:
        raise ValueError(
            f"{name} needs the columns {listed(wanted)}. Got {listed(frame.columns)}; "
            "name yours with path_column= and target_column= (None for no labels)."
        )
    check_one_each(frame.columns, wanted, name)
    if frame.empty:
        raise ValueError(f"{name} needs at least one row. Got none; add images.")
    paths = [find_file(root, path) for path in texts_of(frame[path_column], name)]
    if must_exist:
        _check_files_exist(paths, name, root)
    # The columns of labels stay as they are read: one may be called path.
    read, frame = frame, frame.reset_index(drop=True).assign(path=make_series(paths))
    about = f"Images of {name}."
    if label_columns is not None:
        values, names = of_columns(read, label_columns, name)
        return make_multi_label_bunch(paths, values, names, about, frame)
    if label_separator is not None and target_column is not None:
        cells = read[target_column]
        values, names = of_names(cells, label_separator, class_names, name)
        return make_multi_label_bunch(paths, values, names, about, frame)
    if target_column is None:
        return Bunch(
            images=np.asarray(paths, dtype=object),
            target=None,
            target_names=None,
            labels=None,
            notes=[],
            frame=frame,
            DESCR=f"{len(paths)} images of {name}, without labels.",
        )
    labels = texts_of(read[target_column], name)
    if class_names is None:
        names = in_natural_order(labels)
    else:
        names = check_class_names(class_names)
        _check_known(labels, names, name)
    return make_bunch(paths, labels, names, about, frame)


def _refuse_two_ways(class_names, label_separator):
    for option, value in (
        ("class_names", class_names),
        ("label_separator", label_separator),
    ):
        if value is not None:
            raise ValueError(
                f"label_columns name the labels, in their order. Got {option} as well; "
                "leave it out."
            )


def read_header(path):
    """Names of the columns of a CSV file."""
    frame, _, _ = read_table(path)
    return list(frame.columns)


def read_table(table, root=None):
    """A table as it is written, where its paths start, and what messages call it."""
    if isinstance(table, pd.DataFrame):
        return table, root or "", "The table"
    with at_hand(table) as (path, name):
        if not path.is_file():
            raise FileNotFoundError(f"There is no CSV file {name}; check the path.")
        parts = read_csv_parts(path, _ROWS_A_PART, name)
        frame = pd.concat(parts, ignore_index=True)
    return frame, folder_of(table) if root is None else root, name


def check_one_each(columns, wanted, name):
    """Raise if a column that is wanted is there twice.

    Parameters
    ----------
    columns : sequence of str
        Of the table, whose second of a CSV file pandas numbers: ``label.1``.
    wanted : sequence of str
    name : str
        What messages call the table.
    """
    columns = list(columns)
    for column in wanted:
        if f"{column}.1" in columns or columns.count(column) > 1:
            raise ValueError(
                f"{name} needs one column {column!r}. Got {listed(columns)}; drop one."
            )


def folder_of(table):
    """Where relative paths of a table start: its folder, by a path or by a URL."""
    if is_remote(table):
        return table.partition("?")[0].rpartition("/")[0]
    path = local_path(table) if is_url(table) else table
    return os.fspath(expanded(path).parent)


def read_csv_parts(path, n_rows, name):
    """Yield tables of `n_rows` rows of a CSV file, and one without rows if it has none.

    Text stands there as it is written, and under the names of its columns. Messages
    call the file `name`.

    Raises
    ------
    ValueError
        If it is no CSV file with a header, or a row is longer than that.
    """
    try:
        # No numbers, no words for what is missing.
        with pd.read_csv(
            path,
            sep=_separator_of(path),
            dtype=str,
            keep_default_na=False,
            skipinitialspace=True,
            encoding="utf-8-sig",
            chunksize=n_rows,
        ) as parts:
            start = 0
            for part in parts:
                yield _without_cells_behind(part, name, start).rename(columns=str.strip)
                start += len(part)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeError) as error:
        raise ValueError(
            f"{name} is not a CSV file with a header: {error}. Save it as CSV in UTF-8."
        ) from error


def _without_cells_behind(frame, name, start):
    """The table without empty cells behind its last column; others are refused.

    pandas takes the first columns for an index where rows are longer than the header.
    """
    if isinstance(frame.index, pd.RangeIndex):
        return frame
    n_columns = frame.shape[1]
    cells = frame.reset_index()
    is_filled = cells.iloc[:, n_columns:].ne("").any(axis=1)
    if is_filled.any():
        raise ValueError(
            f"{name} needs rows as long as its header of {n_columns} columns. Got "
            f"{is_filled.sum()} that are longer, the first is row "
            f"{start + is_filled.argmax()}; put values that hold separators in quotes."
        )
    return cells.iloc[:, :n_columns].set_axis(frame.columns, axis=1)


def _separator_of(path):
    """What stands most often in the header: a comma, a semicolon or a tab."""
    with path.open(encoding="utf-8-sig") as file:
        header = file.readline()
    return max(_SEPARATORS, key=header.count)


def texts_of(column, name, start=0):
    """Values as text, without blanks around them; every row has to have one.

    Parameters
    ----------
    column : Series
    name : str
        What messages call the table.
    start : int, default=0
        The number of the first row.
    """
    pairs = zip(column, column.isna(), strict=True)
    texts = ["" if missing else str(value).strip() for value, missing in pairs]
    rows = [row for row, text in enumerate(texts) if not text]
    if rows:
        raise ValueError(
            f"{name} needs a value in every row of {column.name!r}. Got {len(rows)} "
            f"without, the first in row {start + rows[0]}; fill in or drop these rows."
        )
    return texts


def find_file(root, path):
    """The path of a file; if there is none as written, in another way of writing.

    What is a URL, or lies below one, is given as that, without a look.
    """
    if is_url(path):
        return path if is_remote(path) else local_path(path)
    if is_remote(root) and not os.path.isabs(path):
        return f"{root.rstrip('/')}/{path}"
    as_written = os.fspath(Path(root, path))
    ways = (
        path,
        path.replace("\\", "/"),
        *(unicodedata.normalize(form, path) for form in ("NFC", "NFD")),
    )
    for way in dict.fromkeys(ways):
        if os.path.isfile(found := os.fspath(Path(root, way))):
            return found
    return as_written


def _check_files_exist(paths, name, root):
    # Those behind URLs, who reads them will miss: to ask for each would take long.
    here = [path for path in paths if not is_remote(path)]
    missing = [path for path in here if not os.path.isfile(path)]
    if missing:
        raise FileNotFoundError(
            f"{name} needs image files that exist. Got {len(missing)} of {len(paths)} "
            f"that do not, the first is {missing[0]}; correct the paths, or "
            f"root={os.fspath(root)!r}."
        )


def _check_known(labels, names, name):
    unknown = in_natural_order(set(labels) - set(names))
    if unknown:
        raise ValueError(
            f"{name} needs labels that class_names has. Got {listed(unknown)}; add "
            "them, or correct the labels."
        )
