"""Finished folds on disk, so that a comparison that was interrupted goes on."""

import functools
import io
import json
from dataclasses import asdict
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

import imgfeat
from imgfeat._files import write_atomic
from imgfeat.evaluation.comparison._one_fold import FoldResult
from imgfeat.features.cache._keys import computed_by, row_keys
from imgfeat.sources._frame import one_column
from imgfeat.sources._images import is_sequence_of_sources
from imgfeat.sources._source import hash_parts, source_of

_ARRAYS = "probabilities", "decided"  # of a result; the rest is written as text
# What a file that is none of ours, or was cut off, can come to.
_BAD_FILE = (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile)


class KeptFolds:
    """Results by all that they depend on: code, candidate, images, labels, rows ...

    Parameters
    ----------
    folder : path or None
        None keeps nothing.
    X : images
    y : ndarray
    scoring : iterable of str
    metadata : dict of str to (ndarray or None), optional
        Groups and sample weights.
    """

    def __init__(self, folder, X, y, scoring, metadata=None):
        self._folder = None if folder is None else Path(folder)
        if self._folder is None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        column = one_column(X)
        # Tables of several columns are not told apart, and not kept.
        is_told = is_sequence_of_sources(column) or isinstance(column, np.ndarray)
        items = column if is_told else ()
        keys, known = row_keys([source_of(item, r) for r, item in enumerate(items)])
        # As they are in Python: 10 comes behind 2, and the text "10" before "2".
        labels = repr(y.tolist()).encode()
        facts = json.dumps([computed_by(), _code(), sorted(scoring)]).encode()
        more = json.dumps(_as_text(metadata or {}), sort_keys=True).encode()
        self._data = hash_parts(b"compare", keys.tobytes(), labels, facts, more)
        self._is_known = is_told and bool(known.all())

    def key(self, candidate, rows):
        """Names a result; None if it cannot be told from others."""
        if self._folder is None or not self._is_known:
            return None
        text = candidate.description
        if text is None:
            return None
        train, test = (np.asarray(part, dtype=np.int64).tobytes() for part in rows)
        return hash_parts(b"fold", self._data, text, train, b"|", test).hex()

    def find(self, key, name, fold):
        """A result that is kept, or None."""
        if key is None:
            return None
        try:
            content = io.BytesIO((self._folder / f"{key}.npz").read_bytes())
            with np.load(content, allow_pickle=False) as stored:
                facts = json.loads(str(stored["facts"]))
                arrays = {part: stored[part] for part in _ARRAYS if part in stored}
        except _BAD_FILE:
            return None
        return FoldResult(**facts | arrays | {"name": name, "fold": fold})

    def keep(self, key, result):
        """Keep a result, unless it failed: it may not the next time."""
        if key is None or result.error is not None:
            return
        facts = asdict(result)
        arrays = {part: facts.pop(part) for part in _ARRAYS}
        there = {part: array for part, array in arrays.items() if array is not None}
        content = io.BytesIO()
        np.savez(content, facts=np.array(json.dumps(facts)), **there)
        write_atomic(self._folder / f"{key}.npz", content.getvalue())


@functools.cache
def _code():
    """A hash of this package: its code may change under the same version."""
    files = sorted(Path(imgfeat.__file__).parent.rglob("*.py"))
    return hash_parts(b"code", *(file.read_bytes() for file in files)).hex()


def _as_text(metadata):
    return {
        name: None if values is None else repr(values.tolist())
        for name, values in metadata.items()
    }
