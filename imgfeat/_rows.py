"""Write predictions and their like as rows, to standard output or a file."""

import csv
import io
import json
import re
import sys
from collections.abc import Mapping
from contextlib import contextmanager
from enum import StrEnum

from imgfeat._files import is_special, replacing
from imgfeat._home import is_writable
from imgfeat._parquet import parquet_writer

COLUMNS = ["path", "label", "probability", "error"]
_OF_SIX_DIGITS = re.compile(r"probability(_.+)?|score|similarity")
# A cell that begins so is a formula to a spreadsheet, and may run a program. Quotes in
# front count as well, so that taking one away again always gives what was there.
_FORMULA = re.compile(r"'*[=+\-@\t\r\n]")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")


class Format(StrEnum):
    """How predictions are written."""

    csv = "csv"
    jsonl = "jsonl"
    parquet = "parquet"


def plain_cell(value):
    """A value of a CSV file that no spreadsheet takes for a formula.

    Text that begins with ``=``, ``+``, ``-``, ``@``, a tab or the end of a line gets a
    quote in front; numbers, such as a label ``-1``, are left alone.
    """
    if not isinstance(value, str) or _NUMBER.fullmatch(value):
        return value
    return f"'{value}" if _FORMULA.match(value) else value


@contextmanager
def row_writer(format, to=None, *, raw=False, columns=COLUMNS):
    """Yield a function that writes a row: a mapping, or what has such attributes.

    Parameters
    ----------
    format : Format
    to : path, optional
        A file, which is written whole or not at all; standard output if not given.
    raw : bool
        Leave cells of a CSV file as they are, formulas too.
    columns : sequence of str, or dict of str to type
        What to write; Parquet needs the types. What a mapping lacks is missing. Shares
        and scores get six digits in CSV.
    """
    if to is not None:
        check_can_write(to)
        with (
            replacing(to) as file,
            _writing(file, "utf-8", format, raw, columns) as write,
        ):
            yield write
        return
    if format is Format.parquet:
        raise ValueError("Parquet is for files; name one with --out.")
    if sys.stdout is None:
        raise ValueError("Standard output is closed; name a file with --out.")
    with _writing(
        sys.stdout.buffer, sys.stdout.encoding, format, raw, columns
    ) as write:
        yield write
    sys.stdout.flush()


def check_can_write(to, option="--out"):
    """Refuse the path of an option before the work is done that it shall hold."""
    if is_special(to) or to.is_dir() or not to.parent.is_dir():
        raise ValueError(
            f"{option} needs the name of a file in a folder that is there. Got {to}."
        )
    if not is_writable(to.parent):
        raise ValueError(f"{option} needs a folder that can be written. Got {to}.")


def check_can_fill(to, option="--out"):
    """Make the folder of an option, or refuse it before the work is done."""
    if not is_writable(to):
        raise ValueError(
            f"{option} needs a folder that can be written, or made. Got {to}."
        )


@contextmanager
def _writing(file, encoding, format, raw, columns):
    if format is Format.parquet:
        with parquet_writer(file, columns) as write:
            yield lambda row: write([_value(row, name) for name in columns])
        return

    def write_text(text):
        file.write(_encoded(text, encoding))

    def write_json(row):
        values = {name: _value(row, name) for name in columns}
        write_text(json.dumps(values) + "\n")

    def write_cells(row):
        cells = [_cell(name, _value(row, name)) for name in columns]
        write_text(_line(cells, raw))

    if format is Format.jsonl:
        yield write_json
    else:
        write_text(_line(columns, raw))
        yield write_cells


def _value(row, name):
    return row.get(name) if isinstance(row, Mapping) else getattr(row, name)


def _cell(name, value):
    """A value of a row: six digits, and ``|`` between labels of a set."""
    if _OF_SIX_DIGITS.fullmatch(name) and value is not None:
        return f"{value:.6f}"
    return "|".join(map(str, value)) if isinstance(value, list) else value


def _line(cells, raw):
    line = io.StringIO()
    csv.writer(line).writerow(cells if raw else map(plain_cell, cells))
    return line.getvalue()


def _encoded(text, encoding):
    """Bytes of a name that is no text are given back; what cannot be is escaped."""
    try:
        return text.encode(encoding, "surrogateescape")
    except UnicodeEncodeError:
        return text.encode(encoding, "backslashreplace")
