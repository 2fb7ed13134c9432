"""Images of a folder or table to be audited, whatever state they are in."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from imgfeat._home import expanded
from imgfeat._typing import PathLike
from imgfeat.sources import load_image_folder
from imgfeat.sources._folder import find_images, is_litter, note_left_out
from imgfeat.sources._labelled import in_natural_order, listed
from imgfeat.sources._path_table import check_one_each, read_header, read_image_table
from imgfeat.studies._several_columns import as_given, refuse_of_folder


@dataclass(frozen=True)
class AuditedData:
    """Images with what is known of them.

    Parameters
    ----------
    images : ndarray of shape (n_images,)
        Paths; there need not be a file.
    labels, splits : ndarray of shape (n_images,), or None
        Of several labels an image, tuples of names.
    notes : list of str
        What a person has to know of them.
    label_columns : tuple of str, or None
        Of a table that says of each of these whether an image has it.
    """

    images: np.ndarray
    labels: np.ndarray | None = None
    splits: np.ndarray | None = None
    notes: list = field(default_factory=list)
    label_columns: tuple | None = None

    @property
    def y(self) -> np.ndarray | pd.DataFrame | None:
        """Labels as for `audit_images`: in columns where a table had them so."""
        return as_given(self.labels, self.label_columns)


def load_to_audit(
    source: PathLike,
    *,
    labels: bool = True,
    split: str | None = None,
    path_column: str = "path",
    label_column: str = "label",
    label_columns: Sequence[str] | None = None,
    label_separator: str | None = None,
) -> AuditedData:
    """Load a folder or table of images, with their labels and splits if there are.

    Parameters
    ----------
    source : path
        A folder with a sub-folder a class, perhaps in folders for splits; a folder of
        images alone; or a CSV file, whose column ``split`` names splits.
    labels : bool, default=True
        Whether sub-folders are classes.
    split : str, optional
        Only these images.
    path_column, label_column : str
        Columns of a table. Without the second one there are no labels.
    label_columns : sequence of str, optional
        Columns of a table with 0 and 1, one for each label that an image may have.
    label_separator : str, optional
        What stands between several labels in the column of a table.

    Returns
    -------
    AuditedData

    Raises
    ------
    FileNotFoundError
        If there is no such folder or file.
    ValueError
        If there is no image, no such split, or no such column of several labels.
    """
    folder = expanded(source)
    several = {"label_columns": label_columns, "label_separator": label_separator}
    if folder.is_dir():
        refuse_of_folder(folder, **several)
    else:
        return _of_table(folder, labels, split, path_column, label_column, several)
    if not (labels and _sub_folders(folder)):
        return _of_plain_folder(folder, split)
    bunch = load_image_folder(folder, split=split)
    splits = bunch.frame["split"].to_numpy() if "split" in bunch.frame else None
    return AuditedData(bunch.images, bunch.labels, splits, list(bunch.notes))


def _of_table(source, labels, split, path_column, label_column, several):
    notes = []
    if any(several.values()):
        if not labels:
            raise ValueError(
                "Several labels an image are looked at, or no labels. Got both; leave "
                "one out."
            )
    elif labels and label_column not in read_header(source):
        notes.append(
            f"There is no column {label_column!r}, so labels were not looked at; "
            "--label-column names another."
        )
        labels = False
    bunch = read_image_table(
        source,
        path_column,
        label_column if labels else None,
        must_exist=False,
        **several,
    )
    check_one_each(bunch.frame.columns, ["split"], source)
    splits = None
    if "split" in bunch.frame:
        splits = bunch.frame["split"].str.strip().to_numpy(dtype=object)
    columns = several["label_columns"] and tuple(bunch.target_names)
    data = AuditedData(bunch.images, bunch.labels, splits, notes, columns)
    return data if split is None else _of_split(data, split, source)


def _of_split(data, split, source):
    names = [] if data.splits is None else in_natural_order(map(str, data.splits))
    if split not in names:
        raise ValueError(
            f"split {split!r} needs rows with that in a column 'split' of {source}. "
            f"Got {listed(names) or 'no such column'}."
        )
    rows = np.flatnonzero(data.splits == split)
    labels = None if data.labels is None else data.labels[rows]
    return replace(
        data, images=data.images[rows], labels=labels, splits=data.splits[rows]
    )


def _of_plain_folder(source, split):
    if split is not None:
        raise ValueError(
            f"split {split!r} needs a folder with a sub-folder for each split. Got "
            f"{source}, which has none."
        )
    left_out = Counter()
    paths = find_images(os.fspath(source), os.fspath(source), left_out)
    if not paths:
        raise ValueError(
            f"{source} needs image files, in it or below. Got none; name another."
        )
    notes = list(note_left_out(left_out))
    notes.append("The folder is taken without labels.")
    return AuditedData(np.array(paths, dtype=object), notes=notes)


def _sub_folders(folder):
    return [
        path
        for path in Path(folder).iterdir()
        if path.is_dir()
        if not is_litter(path.name)
    ]
