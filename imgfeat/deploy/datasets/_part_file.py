"""A part of a dataset on disk: a table, and an array of vectors beside it.

The table takes its name last. Where it is, the part is finished, and whole.
"""

import errno
import os
import re
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np

from imgfeat._files import replacing
from imgfeat._optional import import_optional
from imgfeat._parquet import parquet_writer
from imgfeat.deploy.datasets._row_makers import check_widths
from imgfeat.deploy.datasets._task import FinishedPart

PART_NAME = re.compile(r"part-(\d{6,})\.(parquet|npy)")
SEAL = "imgfeat.dataset"
_DTYPE = np.dtype("<f4")


class PartPlace:
    """Where a part lies.

    Parameters
    ----------
    folder : Path
    number : int

    Attributes
    ----------
    table, vectors : Path
    """

    def __init__(self, folder, number):
        self.number = number
        self.table = Path(folder) / f"part-{number:06d}.parquet"
        self.vectors = self.table.with_suffix(".npy")

    def find(self, n_rows, seal, *, has_vectors):
        """Return the `FinishedPart` that is here, or None.

        Parameters
        ----------
        n_rows : int
            That it must have.
        seal : str
            Of the dataset that it must be of.
        has_vectors : bool
            Whether rows without an error must have a vector.
        """
        parquet = import_optional(
            "pyarrow.parquet", extra="parquet", purpose="A dataset"
        )
        try:
            with parquet.ParquetFile(self.table) as file:
                found, schema = file.metadata, file.schema_arrow
                n_missing = _count_missing(file, "error")
        except (OSError, ValueError):  # none, or none that can be read
            return None
        sealed = (schema.metadata or {}).get(SEAL.encode())
        if found.num_rows != n_rows or sealed != seal.encode():
            return None
        n_errors = n_rows - n_missing
        if not has_vectors or n_errors == n_rows:
            return FinishedPart(self.number, n_rows, n_errors, None)
        try:
            width = self.read_vectors(n_rows).shape[1]
        except (OSError, ValueError, EOFError):
            return None
        return FinishedPart(self.number, n_rows, n_errors, width)

    def read_rows(self, columns=None):
        """Return the table as a list of dict."""
        parquet = import_optional(
            "pyarrow.parquet", extra="parquet", purpose="A dataset"
        )
        return parquet.read_table(self.table, columns=columns).to_pylist()

    def read_vectors(self, n_rows):
        """Return the vectors as a mapped array of shape (n_rows, width), float32."""
        found = np.load(self.vectors, mmap_mode="r", allow_pickle=False)
        if found.ndim != 2 or len(found) != n_rows or found.dtype != _DTYPE:
            raise ValueError(
                f"{self.vectors} needs {n_rows} rows of float32. Got "
                f"{found.dtype} of shape {found.shape}; make the part again: remove "
                f"{self.table}, and go on with resume=True."
            )
        return found


class NewPart:
    """A part as it is made, some rows at a time, under other names.

    Parameters
    ----------
    place : PartPlace
    n_rows : int
    unfinished : ExitStack
        Left in good order when the part is finished.
    """

    def __init__(self, place, n_rows, unfinished):
        self._place = place
        self._n_rows = n_rows
        self._unfinished = unfinished
        self._file = None
        self._n_without = 0
        self.rows = []
        self.width = None

    def add(self, rows, vectors):
        """Take some rows.

        Parameters
        ----------
        rows : list of dict
        vectors : ndarray of shape (len(rows), width), float32, or None
            None for no vector in any of them.
        """
        self.rows += rows
        if vectors is None and self._file is None:
            self._n_without += len(rows)
            return
        with saying_what_stays(self._place.vectors):
            if self._file is None:
                self._begin(vectors.shape[1])
            if vectors is None:
                vectors = self._nothing(len(rows))
            check_widths({self.width, vectors.shape[1]})
            self._file.write(np.ascontiguousarray(vectors, dtype=_DTYPE))

    def finish(self, columns, seal):
        """Write the table, and give both files their names.

        Parameters
        ----------
        columns : dict of str to type
        seal : str
        """
        table = self._place.table
        with saying_what_stays(table), replacing(table) as file:
            with parquet_writer(file, columns, {SEAL: seal}) as write:
                for row in self.rows:
                    write([row.get(name) for name in columns])
            file.flush()
            if self._file is not None:
                self._file.flush()
                os.fsync(self._file.fileno())
            # All is written. From here on to the end there is no such part, so that
            # nobody who is killed leaves vectors beside a table of others.
            table.unlink(missing_ok=True)
            self._unfinished.close()

    def _begin(self, width):
        self.width = width
        self._file = self._unfinished.enter_context(replacing(self._place.vectors))
        header = {
            "descr": _DTYPE.str,
            "fortran_order": False,
            "shape": (self._n_rows, width),
        }
        np.lib.format.write_array_header_1_0(self._file, header)
        self._file.write(self._nothing(self._n_without))

    def _nothing(self, n_rows):
        return np.full((n_rows, self.width), np.nan, dtype=_DTYPE)


@contextmanager
def new_part(place, n_rows):
    """Yield a `NewPart`; what is not finished at the end of the block is removed."""
    with ExitStack() as unfinished:
        yield NewPart(place, n_rows, unfinished)


@contextmanager
def saying_what_stays(path):
    """Say, where a file cannot be written, what becomes of the others."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        words = (
            f"Cannot write {path}: {reason}. Parts that are finished stay; mend that, "
            "and go on with resume=True"
        )
        raise OSError(error.errno or errno.EIO, words) from error


def _count_missing(file, name):
    """How many values a column lacks, by what the file says of it, if it does."""
    metadata = file.metadata
    column = file.schema_arrow.get_field_index(name)
    groups = map(metadata.row_group, range(metadata.num_row_groups))
    said = [group.column(column).statistics for group in groups]
    if all(each is not None and each.has_null_count for each in said):
        return sum(each.null_count for each in said)
    return file.read([name]).column(0).null_count
