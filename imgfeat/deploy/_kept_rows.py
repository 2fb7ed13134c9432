"""Rows of a long run, kept until the file that they are for is whole."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from imgfeat._files import kept_name
from imgfeat._typing import PathLike
from imgfeat.deploy._locked_file import locked_file
from imgfeat.deploy._manifest import library_versions
from imgfeat.nets.catalog._tensors import hash_file
from imgfeat.sources._identities import identities_of
from imgfeat.sources._source import hash_parts, source_of

_VERSION = 1


class KeptRows:
    """Batches of rows in a file, each found again by the files that it is of.

    A line is a batch: the state of its files, and its rows. One that was half written
    when the process was killed counts for nothing, and what was written of it goes.

    Parameters
    ----------
    file : binary file
        Open to read and to write, at the end of its first line.

    Attributes
    ----------
    n_rows : int
        How many there are.
    """

    def __init__(self, file):
        self._file = file
        self._places = {}
        self.n_rows = 0
        self._find_lines()

    def find(self, state):
        """Return the rows of a batch, or None if they were not kept.

        Parameters
        ----------
        state : str
            Of its files, as `state_of` gives it.

        Returns
        -------
        list of dict or None
        """
        place = self._places.get(state)
        if place is None:
            return None
        self._file.seek(place)
        return json.loads(self._file.readline())["rows"]

    def add(self, state, rows):
        """Keep the rows of a batch.

        Parameters
        ----------
        state : str
            Of its files before they were read.
        rows : list of dict
            Of what JSON can say.
        """
        line = json.dumps({"state": state, "n_rows": len(rows), "rows": rows})
        place = self._file.seek(0, os.SEEK_END)
        self._file.write(line.encode() + b"\n")
        self._file.flush()
        self._note(state, place, len(rows))

    def _find_lines(self):
        place = self._file.tell()
        for line in self._file:
            batch = _read_batch(line)
            if batch is None:
                break
            self._note(batch["state"], place, batch["n_rows"])
            place += len(line)
        self._file.truncate(place)

    def _note(self, state, place, n_rows):
        self.n_rows += n_rows * (state not in self._places)
        self._places[state] = place


def _read_batch(line):
    """The batch of a line, None if it is not whole."""
    try:
        batch = json.loads(line)
    except ValueError:
        return None
    is_whole = isinstance(batch, dict) and batch.keys() == {"state", "n_rows", "rows"}
    return batch if is_whole and line.endswith(b"\n") else None


def made_by(path: PathLike) -> dict[str, Any]:
    """What predictions depend on but their images: a saved model, and the libraries."""
    return {"model": hash_file(path), "versions": library_versions()}


@contextmanager
def keeping_rows(
    to: PathLike, made_by: Any, *, resume: bool = False
) -> Iterator[KeptRows]:
    """Yield `KeptRows` for the file `to`; they are removed when the block succeeds.

    Parameters
    ----------
    to : path
        They lie beside it, under a name of their own.
    made_by : JSON value
        All that the rows depend on but the files that they are of.
    resume : bool, default=False
        Whether to go on with the rows of a run that was ended; otherwise they go.

    Raises
    ------
    ValueError
        If there are rows that were made by something else, or another process is
        about to write the same file.
    """
    path = kept_name(to)
    refusal = f"Another process is about to write {os.fspath(to)}."
    with locked_file(path, refusal) as file:
        _begin(file, to, made_by, resume)
        yield KeptRows(file)
    path.unlink(missing_ok=True)


def _begin(file, to, made_by, resume):
    """Leave the file after its first line, which says what the rows were made by."""
    first = json.dumps({"version": _VERSION, "made_by": made_by}).encode() + b"\n"
    file.seek(0)
    found = file.readline()
    if not resume or not found.endswith(b"\n"):
        file.truncate(0)
        file.write(first)
        file.flush()
    elif found != first:
        raise ValueError(
            f"To go on needs the model and the options of before. The unfinished rows "
            f"of {os.fspath(to)} were made by others; give the same, or start anew."
        )


def state_of(paths):
    """What tells files from others, and from themselves once one of them changed.

    Parameters
    ----------
    paths : sequence of path
        In the order of their rows.

    Returns
    -------
    str
    """
    sources = list(map(source_of, paths))
    identities = [identity or b"" for identity in identities_of(sources)]
    names = (os.fsencode(source.name) for source in sources)
    parts = [part for pair in zip(names, identities, strict=True) for part in pair]
    lengths = json.dumps(list(map(len, parts))).encode()
    return hash_parts(b"rows", lengths, *parts).hex()
