"""Rows of a CSV or Parquet file that names images, read some at a time."""

import os

from imgfeat._optional import import_optional
from imgfeat.sources._labelled import listed
from imgfeat.sources._local_copy import at_hand
from imgfeat.sources._path_table import check_one_each, read_csv_parts, texts_of
from imgfeat.sources._url import is_url, suffix_of

PATH, ID = "path", "id"
_CSV = (".csv", ".tsv")
_PARQUET = (".parquet", ".pq")
_ROWS = 20_000


def is_table(name):
    """Whether a file lists images, by its name."""
    return _suffix(name) in _CSV + _PARQUET


def read_listed(table):
    """Yield the id and the path of each row, as they are written.

    Parameters
    ----------
    table : str
        Path or URL of a file with a column ``path``; the column ``id``, if there is
        one, says what a row is called, otherwise its path does.

    Yields
    ------
    id, path : str

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not such a table, or a cell is empty.
    """
    with at_hand(table) as (path, name):
        is_csv = _suffix(table) in _CSV
        if not path.is_file():
            kind = "CSV" if is_csv else "Parquet"
            raise FileNotFoundError(f"There is no {kind} file {name}; check the path.")
        parts = read_csv_parts(path, _ROWS, name) if is_csv else _parquet(path, name)
        start = 0
        for part in parts:
            _check_columns(name, part.columns)
            paths = texts_of(part[PATH], name, start)
            ids = texts_of(part[ID], name, start) if ID in part.columns else paths
            yield from zip(ids, paths, strict=True)
            start += len(part)


def _suffix(name):
    return suffix_of(name) if is_url(name) else os.path.splitext(name)[1].lower()


def _check_columns(name, columns):
    if PATH not in columns:
        raise ValueError(
            f"{name} needs a column {PATH!r}, and may have {ID!r} with a name for each "
            f"row. Got {listed(columns)}; rename yours."
        )
    check_one_each(columns, (PATH, ID), name)


def _parquet(path, name):
    arrow = import_optional("pyarrow", extra="parquet", purpose="Parquet")
    parquet = import_optional("pyarrow.parquet", extra="parquet", purpose="Parquet")
    try:
        with parquet.ParquetFile(path) as file:
            columns = file.schema_arrow.names
            _check_columns(name, columns)
            wanted = [column for column in (PATH, ID) if column in columns]
            _check_types(name, file.schema_arrow, wanted, arrow.types)
            for batch in file.iter_batches(_ROWS, columns=wanted):
                yield batch.to_pandas()
    except arrow.ArrowInvalid as error:
        raise ValueError(
            f"{name} is not a Parquet file: {error}. Write it again."
        ) from error


def _check_types(name, schema, columns, types):
    for column in columns:
        kind = schema.field(column).type
        if types.is_dictionary(kind):
            kind = kind.value_type
        is_text = types.is_string(kind) or types.is_large_string(kind)
        if not is_text and not (column == ID and types.is_integer(kind)):
            raise ValueError(
                f"{name} needs text in its column {column!r}. Got {kind}; write it as "
                "string."
            )
