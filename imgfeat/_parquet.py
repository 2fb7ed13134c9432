"""Write rows as a Parquet file, with pyarrow."""

import os
from contextlib import contextmanager

from imgfeat._optional import import_optional

_ROWS_A_GROUP = 10_000


@contextmanager
def parquet_writer(file, columns, metadata=None):
    """Yield a function that writes a row.

    Parameters
    ----------
    file : binary file
    columns : dict of str to type
        Names, and str, int, float, bool, or list for lists of text.
    metadata : dict of str to str, optional
        What the file says besides.

    Raises
    ------
    ModuleNotFoundError
        Without pyarrow, naming the extra.
    """
    arrow = import_optional("pyarrow", extra="parquet", purpose="Parquet")
    parquet = import_optional("pyarrow.parquet", extra="parquet", purpose="Parquet")
    types = {
        str: arrow.string(),
        int: arrow.int64(),
        float: arrow.float64(),
        bool: arrow.bool_(),
        list: arrow.list_(arrow.string()),
    }
    fields = [(name, types[kind]) for name, kind in columns.items()]
    schema = arrow.schema(fields, metadata=metadata)
    rows = []

    def write_group():
        values = [
            [_as_type(row[place], kind) for row in rows]
            for place, kind in enumerate(columns.values())
        ]
        writer.write_table(arrow.table(values, schema=schema))
        rows.clear()

    def write(cells):
        rows.append(cells)
        if len(rows) == _ROWS_A_GROUP:
            write_group()

    with parquet.ParquetWriter(file, schema) as writer:
        yield write
        if rows:
            write_group()


def _as_type(value, kind):
    if value is None:
        return None
    if kind is list:
        return [_text(item) for item in value]
    return _text(value) if kind is str else value


def _text(value):
    """Text that UTF-8 can say; bytes of a name that is none are escaped."""
    return os.fsencode(str(value)).decode("utf-8", "backslashreplace")
