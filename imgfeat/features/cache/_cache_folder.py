"""What CachedFeatures keeps on disk: list it, remove it."""

import json
import re
from contextlib import suppress

import pandas as pd

from imgfeat._frames import make_frame
from imgfeat._home import NoHomeError, expanded, home
from imgfeat._typing import PathLike
from imgfeat.features.cache._chunk import SUFFIX, CorruptChunkError, FileChunk
from imgfeat.features.cache._claims import GATE
from imgfeat.features.cache._claims import SUFFIX as CLAIM_SUFFIX
from imgfeat.features.cache._store import ABOUT

_FOLDER = re.compile(r"[0-9a-f]{32}")
# Everything that we write, also what a killed run had not finished, and nothing else.
_OURS = re.compile(
    rf"\.?([0-9a-f]{{32}}({re.escape(SUFFIX)}|{re.escape(CLAIM_SUFFIX)})"
    rf"|{re.escape(ABOUT)}|{re.escape(GATE)})(\.\w+)?"
)
_COLUMNS = ["transformer", "rows", "files", "megabytes", "last_written", "folder"]


def cache_folder(location=None):
    """Return the folder that `CachedFeatures` with this `location` uses.

    Parameters
    ----------
    location : path, optional

    Returns
    -------
    Path

    Raises
    ------
    FileNotFoundError
        If it is in a home folder and there is none; without a `location` it is a
        `NoHomeError`.
    """
    return home() / "features" if location is None else expanded(location)


def cache_info(location: PathLike | None = None) -> pd.DataFrame:
    """List the transformers whose features are kept on disk.

    Parameters
    ----------
    location : path, optional
        As for `CachedFeatures`.

    Returns
    -------
    DataFrame with columns transformer, rows, files, megabytes, last_written, folder
        A row each; `rows` counts images, in intact files.

    See Also
    --------
    clear_cache : Remove them.

    Examples
    --------
    >>> from imgfeat.features import cache_info
    >>> list(cache_info("a folder that is not there").columns)
    ['transformer', 'rows', 'files', 'megabytes', 'last_written', 'folder']
    """
    found = [_facts(folder) for folder in _folders(location)]
    table = make_frame(found, columns=_COLUMNS)
    return table.sort_values("megabytes", ascending=False, ignore_index=True)


def clear_cache(location: PathLike | None = None) -> int:
    """Remove all features that are kept on disk; they can be computed again.

    Files that `CachedFeatures` did not write stay where they are.

    Parameters
    ----------
    location : path, optional
        As for `CachedFeatures`.

    Returns
    -------
    int
        Bytes that were freed.

    Raises
    ------
    OSError
        If a file cannot be removed.

    Examples
    --------
    >>> from imgfeat.features import clear_cache
    >>> clear_cache("a folder that is not there")
    0
    """
    freed = 0
    for folder in _folders(location):
        for path in _files(folder):
            with suppress(FileNotFoundError):  # someone else was faster
                size = path.stat().st_size
                path.unlink()
                freed += size
        with suppress(OSError):  # not empty: something is not ours
            folder.rmdir()
    return freed


def _folders(location):
    try:
        folder = cache_folder(location)
    except NoHomeError:
        return []  # nothing was kept
    with suppress(FileNotFoundError, NotADirectoryError):
        return sorted(
            path
            for path in folder.iterdir()
            if _FOLDER.fullmatch(path.name) and path.is_dir() and not path.is_symlink()
        )
    return []


def _files(folder):
    return [path for path in folder.iterdir() if _OURS.fullmatch(path.name)]


def _facts(folder):
    n_rows = n_bytes = n_files = 0
    last = folder.stat().st_mtime
    for path in _files(folder):
        with suppress(FileNotFoundError):
            state = path.stat()
            n_bytes += state.st_size
            last = max(last, state.st_mtime)
            if path.name.endswith(SUFFIX):
                n_files += 1
                with suppress(CorruptChunkError):
                    n_rows += len(FileChunk(path).keys)
    return {
        "transformer": _title(folder),
        "rows": n_rows,
        "files": n_files,
        "megabytes": round(n_bytes / 1e6, 3),
        "last_written": pd.Timestamp(last, unit="s").round("s"),
        "folder": str(folder),
    }


def _title(folder):
    """The classes of a transformer's steps, as in ``"ImageReader, HOG"``."""
    try:
        about = json.loads((folder / ABOUT).read_bytes())
        names = list(_class_names(about["transformer"]))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return "unknown"
    names = [name for name in names if name not in ("Pipeline", "FeatureUnion")]
    return ", ".join(names) or "unknown"


def _class_names(value):
    if isinstance(value, dict):
        if isinstance(value.get("class"), str) and "parameters" in value:
            yield value["class"].rpartition(".")[2]
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _class_names(item)
