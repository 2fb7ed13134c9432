"""Labelled images on disk: a folder for each class, or a table of paths."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from imgfeat._typing import PathLike

SUFFIXES = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".bmp", ".dib", ".gif",
    ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm",
)  # fmt: skip

# What systems leave in folders without a leading dot.
_LITTER = {"__MACOSX", "__pycache__", "Thumbs.db", "desktop.ini", "$RECYCLE.BIN"}


def load_image_folder(
    path: PathLike, *, class_names: Sequence[str] | None = None
) -> Bunch:
    """Find the images below a folder that has one sub-folder for each class.

    Nothing is decoded: `images` holds paths, which every estimator of imgfeat reads.

    Parameters
    ----------
    path : str or path
        Folder with a sub-folder for each class; images may lie deeper.
    class_names : sequence of str, optional
        The classes in the order of their labels. Must name exactly the sub-folders; by
        default these are sorted by name.

    Returns
    -------
    Bunch
        images : ndarray of shape (n_samples,), dtype object
            Paths as str, sorted within each class.
        target : ndarray of shape (n_samples,), int64
            Index into `target_names`.
        target_names : ndarray of shape (n_classes,), dtype object
        frame : DataFrame with columns path, label
            The same, with the name of the class as label.
        DESCR : str

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    NotADirectoryError
        If `path` is a file.
    ValueError
        If there is no sub-folder, no image, or a class without images; or
        `class_names` and the sub-folders differ.

    See Also
    --------
    load_image_table : Paths and labels from a CSV file or a DataFrame.
    ImageReader : Read the images into one array.

    Notes
    -----
    Files count by their suffix (JPEG, PNG, WebP, BMP, GIF, TIFF, PNM; any case).
    Hidden files and folders, and those that systems leave behind
    (``.ipynb_checkpoints``, ``__MACOSX``, ``Thumbs.db``), are ignored; so are
    images beside the sub-folders. Links to folders are followed, but not back up, and
    each folder is visited once within a class.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from PIL import Image
    >>> from imgfeat.sources import load_image_folder
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("cat/1.png", "cat/2.png", "dog/1.png"):
    ...         file = Path(folder, name)
    ...         file.parent.mkdir(exist_ok=True)
    ...         Image.new("L", (8, 8)).save(file)
    ...     data = load_image_folder(folder)
    >>> data.target_names
    array(['cat', 'dog'], dtype=object)
    >>> data.target
    array([0, 0, 1])
    """
    root = _check_folder(path)
    found = {
        entry.name: entry.path
        for entry in os.scandir(root)
        if entry.is_dir() and not _is_litter(entry.name)
    }
    names = _check_classes(root, sorted(found), class_names)
    files = {name: find_images(found[name], root) for name in names}

    if not any(files.values()):
        raise ValueError(
            f"{root} needs image files in its sub-folders. Got none in "
            f"{_listed(names)}; image files end in {' '.join(SUFFIXES)}."
        )
    empty = [name for name in names if not files[name]]
    if empty:
        raise ValueError(
            f"Every class needs at least one image. Got none in {_listed(empty)} of "
            f"{root}; add images or remove the folder."
        )
    paths = [file for name in names for file in files[name]]
    target = np.repeat(np.arange(len(names)), [len(files[name]) for name in names])
    return _bunch(paths, target, names, f"Images below {root}, one folder a class.")


def load_image_table(
    table: PathLike | pd.DataFrame,
    *,
    path_column: str = "path",
    target_column: str | None = "label",
    root: PathLike | None = None,
) -> Bunch:
    """Take image paths and labels from a table.

    Parameters
    ----------
    table : str, path or DataFrame
        A CSV file with a header, or a table.
    path_column : str, default="path"
        Column with the image files.
    target_column : str or None, default="label"
        Column with the classes; None where there are none, for prediction.
    root : str or path, optional
        Folder that relative paths start from. By default that of the CSV file; for a
        DataFrame, the working directory.

    Returns
    -------
    Bunch
        images : ndarray of shape (n_samples,), dtype object
            Paths as str, in the order of the table.
        target : ndarray of shape (n_samples,), int64, or None
            Index into `target_names`.
        target_names : ndarray of shape (n_classes,), dtype object, or None
            The labels as str; sorted, numbers by value.
        frame : DataFrame
            The whole table, in its order, with columns path and label set to the
            above; numbered from 0.
        DESCR : str

    Raises
    ------
    FileNotFoundError
        If the CSV file, or any of the images, does not exist.
    ValueError
        If a column is missing, the table is empty, or a path or label is missing.

    See Also
    --------
    load_image_folder : One folder for each class.

    Examples
    --------
    >>> import pandas as pd
    >>> from imgfeat.sources import load_image_table
    >>> from skimage import data_dir
    >>> table = pd.DataFrame({"path": ["brick.png", "grass.png"], "label": ["a", "b"]})
    >>> load_image_table(table, root=data_dir).target
    array([0, 1])
    """
    frame, root, name = _read_table(table, root)
    wanted = [path_column] if target_column is None else [path_column, target_column]
    missing = [column for column in wanted if column not in frame.columns]
    if missing:
        raise ValueError(
            f"{name} needs the columns {_listed(wanted)}. Got "
            f"{_listed(frame.columns)}; name yours with path_column= and "
            "target_column= (None for no labels)."
        )
    if frame.empty:
        raise ValueError(f"{name} needs at least one row. Got none; add images.")
    for column in wanted:
        rows = np.flatnonzero(frame[column].isna())
        if rows.size:
            raise ValueError(
                f"{name} needs a value in every row of {column!r}. Got {rows.size} "
                f"without, the first in row {rows[0]}; fill in or drop these rows."
            )

    paths = [os.fspath(Path(root, str(path))) for path in frame[path_column]]
    _check_files_exist(paths, name, root)
    frame = frame.reset_index(drop=True).assign(path=paths)
    if target_column is None:
        return Bunch(
            images=np.asarray(paths, dtype=object),
            target=None,
            target_names=None,
            frame=frame,
            DESCR=f"{len(paths)} images of {name}, without labels.",
        )
    labels = frame[target_column]
    # Numbers in their own order, 2 before 10.
    if not pd.api.types.is_numeric_dtype(labels):
        labels = labels.astype(str)
    values, target = np.unique(labels.to_numpy(), return_inverse=True)
    names = [str(value) for value in values]
    return _bunch(paths, target, names, f"Images of {name}.", frame)


def _bunch(paths, target, names, description, frame=None):
    names = np.asarray(names, dtype=object)
    frame = pd.DataFrame({"path": paths}) if frame is None else frame
    counts = np.bincount(target, minlength=len(names))
    classes = ", ".join(f"{n} {c}" for n, c in zip(names, counts, strict=True))
    return Bunch(
        images=np.asarray(paths, dtype=object),
        target=target.astype(np.int64),
        target_names=names,
        frame=frame.assign(label=names[target]),
        DESCR=f"{description} {len(paths)} images in {len(names)} classes: {classes}.",
    )


def _check_folder(path):
    root = Path(path).expanduser()
    if not root.exists():
        raise FileNotFoundError(
            f"There is no folder {root}; check the path (working directory: "
            f"{Path.cwd()})."
        )
    if not root.is_dir():
        raise NotADirectoryError(
            f"{root} is a file. A folder with one sub-folder for each class is needed; "
            "use load_image_table for a CSV file."
        )
    return root


def _check_classes(root, found, class_names):
    if not found:
        n_images = len(find_images(root, root))
        raise ValueError(
            f"{root} needs one sub-folder for each class. Got no sub-folder and "
            f"{n_images} images; sort the images into folders named by class, or use "
            "load_image_table."
        )
    if class_names is None:
        return found
    if isinstance(class_names, str):
        raise ValueError(f"class_names must be a list of names. Got {class_names!r}.")
    names = [str(name) for name in class_names]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"class_names must differ. Got {_listed(repeated)} twice.")
    missing = [name for name in names if name not in found]
    unexpected = [name for name in found if name not in names]
    if missing or unexpected:
        parts = []
        if missing:
            parts.append(f"no folder for {_listed(missing)}")
        if unexpected:
            parts.append(f"unexpected folders {_listed(unexpected)}")
        raise ValueError(
            f"class_names must name exactly the sub-folders of {root}. Got "
            f"{' and '.join(parts)}; correct class_names or the folders."
        )
    return names


def find_images(start, root):
    """Paths of the images in and below a folder, sorted; each folder visited once."""
    # A link back to where we came from would bring other classes into this one.
    above = {*_with_parents(start), *_with_parents(root)} - {os.path.realpath(start)}
    files, seen, waiting = [], above, [start]
    while waiting:
        folder = waiting.pop()
        real = os.path.realpath(folder)
        if real in seen:
            continue
        seen.add(real)
        for entry in os.scandir(folder):
            if _is_litter(entry.name):
                continue
            if entry.is_dir():
                waiting.append(entry.path)
            elif entry.name.lower().endswith(SUFFIXES):
                files.append(entry.path)
    return sorted(files)


def _with_parents(folder):
    real = Path(os.path.realpath(folder))
    return [str(real), *map(str, real.parents)]


def _is_litter(name):
    return name.startswith(".") or name in _LITTER


def _read_table(table, root):
    if isinstance(table, pd.DataFrame):
        return table, root or "", "The table"
    path = Path(table).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f"There is no CSV file {path}; check the path.")
    try:
        frame = pd.read_csv(path)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeError) as error:
        raise ValueError(
            f"{path} is not a CSV file with a header: {error}. Save it as CSV in UTF-8."
        ) from error
    return frame, path.parent if root is None else root, str(path)


def _check_files_exist(paths, name, root):
    missing = [path for path in paths if not os.path.isfile(path)]
    if missing:
        raise FileNotFoundError(
            f"{name} needs image files that exist. Got {len(missing)} of {len(paths)} "
            f"that do not, the first is {missing[0]}; correct the paths, or "
            f"root={os.fspath(root)!r}."
        )


def _listed(names):
    names = [repr(str(name)) for name in names]
    return ", ".join(names[:8]) + (
        f" and {len(names) - 8} more" if len(names) > 8 else ""
    )
