"""Images and labels of a folder or table, for what they are wanted for."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd

from imgfeat._typing import PathLike
from imgfeat.sources import load_image_folder, load_image_table
from imgfeat.sources._folder import SPLITS
from imgfeat.sources._labelled import listed
from imgfeat.sources._path_table import check_one_each, read_table
from imgfeat.studies._several_columns import as_given, refuse_of_folder

# Which split is taken where there are several and nobody says, the first that is there.
_WANTED = {
    "held out": ("test", "val"),
    "evaluate": ("test", "val"),
    "train": ("train",),
}


@dataclass(frozen=True)
class LabelledData:
    """Images with the names of their classes.

    Parameters
    ----------
    images, labels : ndarray of shape (n_images,)
        Of several labels an image, tuples of names.
    held_out : ndarray of bool of shape (n_images,), or None
        What the folder itself keeps apart for the end.
    notes : tuple of str
        What a person has to know of them.
    groups : ndarray of str of shape (n_images,), or None
        What of them belongs together.
    label_columns : tuple of str, or None
        Of a table that says of each of these whether an image has it.
    """

    images: np.ndarray
    labels: np.ndarray
    held_out: np.ndarray | None = None
    notes: tuple = ()
    groups: np.ndarray | None = None
    label_columns: tuple | None = None

    @property
    def y(self) -> np.ndarray | pd.DataFrame:
        """Labels as for `compare`: in columns where a table had them in columns.

        So a label that these images have not is told from one that nobody looked for.
        """
        return as_given(self.labels, self.label_columns)

    def take(self, rows) -> Self:
        """Some of them, by a mask or by numbers."""
        held_out = None if self.held_out is None else self.held_out[rows]
        groups = None if self.groups is None else self.groups[rows]
        return replace(
            self,
            images=self.images[rows],
            labels=self.labels[rows],
            held_out=held_out,
            groups=groups,
        )


def load_labelled(
    source: PathLike,
    purpose: str,
    *,
    split: str | None = None,
    path_column: str = "path",
    label_column: str = "label",
    label_columns: Sequence[str] | None = None,
    label_separator: str | None = None,
    group_column: str | None = None,
    class_names: Sequence[str] | None = None,
) -> LabelledData:
    """Load a folder or table of images; of a folder with splits, the right ones.

    Parameters
    ----------
    source : path
        A folder, or a CSV file; the latter has splits if a column ``split`` names two
        or more of them, and nothing else.
    purpose : {"compare", "train", "evaluate"}
        To compare, ``train`` is trained on and ``test``, or else ``val``, held out; to
        train only the first counts, to evaluate only the second.
    split : {"train", "val", "test"}, optional
        What is held out, trained on or evaluated instead.
    path_column, label_column : str
        Columns of a table.
    label_columns : sequence of str, optional
        Columns of a table with 0 and 1, one for each label that an image may have.
    label_separator : str, optional
        What stands between several labels in the column of a table.
    group_column : str, optional
        Column of a table that says which images belong together.
    class_names : sequence of str, optional
        With `label_separator`, all labels that there may be, as a model knows them: the
        images may have one of them, or none.

    Returns
    -------
    LabelledData
    """
    if not Path(source).is_dir():
        bunch = load_image_table(
            source,
            path_column=path_column,
            target_column=label_column,
            label_columns=label_columns,
            label_separator=label_separator,
            class_names=None if label_separator is None else class_names,
        )
    else:
        refuse_of_folder(source, label_columns, label_separator)
        bunch = load_image_folder(source)
    data = LabelledData(
        bunch.images,
        bunch.labels,
        notes=tuple(bunch.notes),
        label_columns=None if label_columns is None else tuple(bunch.target_names),
    )
    if group_column is not None:
        data = replace(data, groups=_groups(source, group_column))
    splits = _splits_in(bunch.frame, source)
    if splits is None:
        if split is not None:
            raise ValueError(
                f"split {split!r} needs a folder with a sub-folder for each split, or "
                f"a column 'split' with such names. Got {source}, which has none."
            )
        return data
    return _of_splits(data, splits, purpose, split)


def _splits_in(frame, source):
    """The split of each image, if there are several and nothing else stands there."""
    if "split" not in frame:
        return None
    check_one_each(frame.columns, ["split"], source)
    splits = frame["split"].astype(str).str.strip().str.lower().map(SPLITS)
    if splits.isna().any() or splits.nunique() < 2:
        return None
    return splits.to_numpy(dtype=object)


def _groups(source, column):
    if Path(source).is_dir():
        raise ValueError(
            f"groups needs a CSV file with a column {column!r}. Got the folder "
            f"{source}; write a CSV with columns path, label and {column}."
        )
    # As it is written: in a bunch the columns path and label hold what was read of
    # others, if these are called otherwise.
    frame, _, _ = read_table(source)
    if column not in frame:
        raise ValueError(
            f"{source} needs a column {column!r} for the groups. Got "
            f"{listed(frame.columns)}."
        )
    check_one_each(frame.columns, [column], source)
    groups = frame[column].astype(str).str.strip().to_numpy(dtype=object)
    if (empty := np.flatnonzero(groups == "")).size:
        raise ValueError(
            f"{source} needs a group in every row of {column!r}. Got {len(empty)} "
            f"without, the first in row {empty[0]}; give an image that belongs to no "
            "other a name of its own."
        )
    return groups


def _of_splits(data, splits, purpose, split):
    kind = "held out" if purpose == "compare" else purpose
    there = [name for name in ("train", "val", "test") if name in splits]
    wanted = [split] if split else [name for name in _WANTED[kind] if name in there]
    if not wanted or wanted[0] not in there:
        raise ValueError(
            f"The data needs a split {split or ' or '.join(_WANTED[kind])!r}. Got "
            f"{listed(there)}; name one of them."
        )
    chosen = splits == wanted[0]
    if purpose != "compare":
        note = f"Of the splits {listed(there)}, {wanted[0]!r} is taken."
        return replace(data.take(chosen), notes=(*data.notes, note))
    rows = chosen | (splits == "train")
    if wanted[0] == "train" or not (splits == "train").any():
        raise ValueError(
            f"To compare, one split is trained on, 'train', and another held out. Got "
            f"{listed(there)}, and {wanted[0]!r} to hold out."
        )
    note = (
        f"Of the splits {listed(there)}, 'train' is trained on, {wanted[0]!r} held out."
    )
    data = replace(data, held_out=chosen, notes=(*data.notes, note))
    return data.take(rows)
