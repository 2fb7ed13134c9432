"""Labelled images on disk: a folder for each class, perhaps in folders for splits."""

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from sklearn.utils import Bunch

from imgfeat._frames import make_frame
from imgfeat._home import expanded
from imgfeat._typing import PathLike
from imgfeat.sources._formats import START, is_image
from imgfeat.sources._labelled import (
    check_class_names,
    check_text,
    in_natural_order,
    listed,
    make_bunch,
)

SUFFIXES = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".bmp", ".dib", ".gif",
    ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm", ".avif", ".heic", ".heif", ".jp2",
    ".j2k", ".jpx", ".dcm", ".dicom",
)  # fmt: skip

# What is known without a look inside. Raw data of cameras is TIFF by its content, and
# half a download may be anything.
_NO_IMAGES = (
    ".dng", ".nef", ".nrw", ".arw", ".srf", ".sr2", ".cr2", ".pef", ".srw", ".orf",
    ".rw2", ".3fr", ".erf", ".kdc", ".mef", ".iiq", ".part", ".crdownload", ".tmp",
)  # fmt: skip

# What systems, network drives and programs leave in folders without a leading dot.
_LITTER = {
    *("__MACOSX", "__pycache__", "Thumbs.db", "desktop.ini", "$RECYCLE.BIN"),
    *("@eaDir", "@Recycle", "#recycle", "#snapshot", "System Volume Information"),
    *("lost+found", "Network Trash Folder", "Temporary Items"),
}

# Folders named so, all of them with the same classes, are splits and no classes.
SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}
_IN_ORDER = ("train", "val", "test")


def load_image_folder(
    path: PathLike,
    *,
    class_names: Sequence[str] | None = None,
    split: str | None = None,
) -> Bunch:
    """Find the images below a folder that has one sub-folder for each class.

    Nothing is decoded: `images` holds paths, which every estimator of imgfeat reads.

    Parameters
    ----------
    path : str or path
        Folder with a sub-folder for each class; images may lie deeper. Or with
        sub-folders named as splits, ``train``, ``val``, ``test`` and the like, and the
        classes in each of them.
    class_names : sequence of str, optional
        The classes in the order of their numbers, which has to name all sub-folders;
        some may have no image, or no folder. By default the sub-folders in natural
        order: 2 before 10.
    split : {"train", "val", "test"}, optional
        Only these images, where there are splits; all by default.

    Returns
    -------
    Bunch
        images : ndarray of shape (n_samples,), dtype object
            Paths as str, sorted within each class.
        target : ndarray of shape (n_samples,), int64
            Index into `target_names`.
        target_names : ndarray of shape (n_classes,), dtype object
            One order for all splits.
        labels : ndarray of shape (n_samples,), dtype object
            The name of each image's class.
        frame : DataFrame with columns path, label
            The same; and split, ``"train"``, ``"val"`` or ``"test"``, if there are.
        DESCR : str
            Also says which files were left out.

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    NotADirectoryError
        If `path` is a file.
    ValueError
        If there is no sub-folder, no image, or a class without images; if there are
        sub-folders beyond `class_names`, or no such `split`.

    See Also
    --------
    load_image_table : Paths and labels from a CSV file or a DataFrame.
    ImageReader : Read the images into one array.

    Notes
    -----
    Files with an image's suffix count (JPEG, PNG, WebP, BMP, GIF, TIFF, PNM, AVIF,
    HEIC, JPEG 2000, DICOM; any case), and who reads them says what is wrong with
    them. Of others, or without a suffix, the first bytes decide. Hidden files and
    folders, and those that systems leave behind (``.ipynb_checkpoints``, ``__MACOSX``,
    ``@eaDir``, ``Thumbs.db``), are ignored; so are images beside the sub-folders.
    Sub-folders are splits if there are two or more, all are named so, and they have
    classes in common. Links to folders are followed, but not back up, and each folder
    is visited once within a class.

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
    folders = _sub_folders(root)
    splits = _find_splits(folders)
    if split is not None and split not in splits:
        raise ValueError(
            f"split={split!r} needs a sub-folder of {root} with that name. Got "
            f"{listed(in_natural_order(folders))}; leave split out, or name one of "
            f"{listed(splits) or 'them'}."
        )
    parts = splits or {None: folders}
    found = in_natural_order(name for classes in parts.values() for name in classes)
    check_text(found, root)
    names = _check_classes(root, found, class_names)
    rows, left_out = [], Counter()
    for part, classes in parts.items():
        for name in names:
            if name in classes and split in (None, part):
                files = find_images(classes[name], root, left_out)
                rows += [(file, name, part) for file in files]
    _check_images(root, names, rows, is_whole=class_names is None and split is None)
    paths, labels, chosen = map(list, zip(*rows, strict=True))
    frame = make_frame({"path": paths})
    if splits:
        frame["split"] = chosen
    about = f"Images below {root}, one folder a class{_about(splits, split)}."
    notes = [*note_left_out(left_out), *_note_same_parts(folders, splits)]
    return make_bunch(paths, labels, names, about, frame, notes)


def _sub_folders(folder):
    return {
        entry.name: entry.path
        for entry in os.scandir(folder)
        if entry.is_dir() and not is_litter(entry.name)
    }


def _find_splits(folders):
    """The folders of classes in each split, by its usual name; {} if there are none."""
    if len(folders) < 2 or not all(name.lower() in SPLITS for name in folders):
        return {}
    inside = {name: _sub_folders(folder) for name, folder in folders.items()}
    # A split may lack classes, but none has classes of its own only.
    counts = Counter(name for classes in inside.values() for name in classes)
    shared = {name for name, count in counts.items() if count > 1}
    if not all(shared & set(classes) for classes in inside.values()):
        return {}
    splits = {SPLITS[name.lower()]: classes for name, classes in inside.items()}
    if len(splits) < len(folders):
        raise ValueError(
            f"Each split needs one folder. Got {listed(in_natural_order(folders))}, of "
            "which two are one split; put their images together."
        )
    return {name: splits[name] for name in _IN_ORDER if name in splits}


def _about(splits, split):
    if not splits:
        return ""
    return f", of split {split}" if split else f", in splits {', '.join(splits)}"


def note_left_out(left_out):
    """A line on the files that `find_images` counted, if there are any."""
    if left_out:
        kinds = ", ".join(f"{n} {suffix}" for suffix, n in left_out.most_common(8))
        yield f"Left out, as they are no images: {kinds}."


def _note_same_parts(folders, splits):
    """A hint where all classes hold the same sub-folders, which may be the classes."""
    inside = {frozenset(_sub_folders(folder)) for folder in folders.values()}
    if splits or len(folders) < 2 or len(inside) != 1:
        return
    (names,) = inside
    if len(names) > 1:
        yield (
            "All classes hold the same sub-folders, "
            f"{listed(in_natural_order(names))}: are these the classes?"
        )


def _check_folder(path):
    root = expanded(path)
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
    names = check_class_names(class_names)
    unexpected = [name for name in found if name not in names]
    if unexpected:
        raise ValueError(
            f"class_names must name all sub-folders of {root}. Got unexpected folders "
            f"{listed(unexpected)}; correct class_names or the folders."
        )
    return names


def _check_images(root, names, rows, *, is_whole):
    if not rows:
        raise ValueError(
            f"{root} needs image files in its sub-folders. Got none in "
            f"{listed(names)}; put JPEG, PNG, WebP or other images there."
        )
    seen = {name for _, name, _ in rows}
    empty = [name for name in names if name not in seen]
    if empty and is_whole:
        raise ValueError(
            f"Every class needs at least one image. Got none in {listed(empty)} of "
            f"{root}; add images, remove the folder, or pass class_names."
        )


def find_images(start, root, left_out=None):
    """Paths of the images in and below a folder, sorted; each folder visited once.

    Files that are no images are counted in `left_out` by suffix.
    """
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
            if is_litter(entry.name):
                continue
            if entry.is_dir():
                waiting.append(entry.path)
            elif is_image_file(entry.path):
                files.append(entry.path)
            elif left_out is not None:
                left_out[Path(entry.name).suffix.lower() or "without suffix"] += 1
    return sorted(files)


def is_image_file(path):
    """Whether a file counts as an image, by its name or else by how it starts."""
    name = os.path.basename(path).lower()
    if name.endswith(SUFFIXES):
        return True
    # To open a pipe would block for ever.
    if name.endswith(_NO_IMAGES) or not os.path.isfile(path):
        return False
    try:
        with open(path, "rb", buffering=0) as file:
            return is_image(file.read(START))
    except OSError:
        return False


def _with_parents(folder):
    real = Path(os.path.realpath(folder))
    return [str(real), *map(str, real.parents)]


def is_litter(name):
    """Whether a file or folder is hidden, or left behind by a system."""
    return name.startswith(".") or name in _LITTER
