"""Images of a folder or table to be audited, whatever state they are in."""

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from imgfeat._home import expanded
from imgfeat._typing import PathLike
from imgfeat.sources import load_image_folder
from imgfeat.sources._folder import find_images, is_litter, note_left_out
from imgfeat.sources._labelled import in_natural_order, listed
from imgfeat.sources._path_table import read_header, read_image_table


@dataclass(frozen=True)
class AuditedData:
    """Images with what is known of them.

    Parameters
    ----------
    images : ndarray of shape (n_images,)
        Paths; there need not be a file.
    labels, splits : ndarray of shape (n_images,), or None
    notes : list of str
        What a person has to know of them.
    """

    images: np.ndarray
    labels: np.ndarray | None = None
    splits: np.ndarray | None = None
    notes: list = field(default_factory=list)


def load_to_audit(
    source: PathLike,
    *,
    labels: bool = True,
    split: str | None = None,
    path_column: str = "path",
    label_column: str = "label",
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

    Returns
    -------
    AuditedData

    Raises
    ------
    FileNotFoundError
        If there is no such folder or file.
    ValueError
        If there is no image, or no such split.
    """
    folder = expanded(source)
    if not folder.is_dir():
        return _of_table(folder, labels, split, path_column, label_column)
    if not (labels and _sub_folders(folder)):
        return _of_plain_folder(folder, split)
    bunch = load_image_folder(folder, split=split)
    splits = bunch.frame["split"].to_numpy() if "split" in bunch.frame else None
    return AuditedData(bunch.images, bunch.labels, splits, list(bunch.notes))


def _of_table(source, labels, split, path_column, label_column):
    notes = []
    if labels and label_column not in read_header(source):
        notes.append(
            f"There is no column {label_column!r}, so labels were not looked at; "
            "--label-column names another."
        )
        labels = False
    bunch = read_image_table(
        source, path_column, label_column if labels else None, must_exist=False
    )
    splits = bunch.frame["split"].to_numpy() if "split" in bunch.frame else None
    data = AuditedData(bunch.images, bunch.labels, splits, notes)
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
    return AuditedData(data.images[rows], labels, data.splits[rows], data.notes)


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
