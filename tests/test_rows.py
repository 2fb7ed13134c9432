"""Tests for imgfeat/_rows.py: rows of predictions, whatever names they have."""

import csv
import io
import json
import os
import subprocess
import sys

import pytest

from imgfeat._rows import Format, plain_cell, row_writer
from imgfeat.deploy import Prediction


@pytest.mark.parametrize(
    "name",
    ["=1+1", "+cmd", "-x.jpg", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "'=1", "-1-2"],
)
def test_formula_gets_a_quote_that_can_be_taken_away(name):
    assert plain_cell(name) == f"'{name}"


@pytest.mark.parametrize(
    "value", ["a=b", "-1", "+2.5", "-1e-5", "'tis", "", -1, None, 0.5]
)
def test_names_and_numbers_stay(value):
    assert plain_cell(value) == value


def test_cells_stay_when_raw_and_in_json(tmp_path):
    prediction = Prediction("=a.jpg", "-b")
    for raw, path, label in [(False, "'=a.jpg", "'-b"), (True, "=a.jpg", "-b")]:
        with row_writer(Format.csv, tmp_path / "rows", raw=raw) as write:
            write(prediction)
        (row,) = csv.DictReader(io.StringIO((tmp_path / "rows").read_text()))
        assert (row["path"], row["label"]) == (path, label)
    with row_writer(Format.jsonl, tmp_path / "rows") as write:
        write(prediction)
    assert json.loads((tmp_path / "rows").read_text())["path"] == "=a.jpg"


def test_file_is_written_whole_or_not_at_all(tmp_path):
    to = tmp_path / "rows.csv"
    to.write_text("before")
    with pytest.raises(KeyboardInterrupt, match="now"), row_writer("csv", to) as write:
        write(Prediction("a.jpg"))
        raise KeyboardInterrupt("now")
    assert to.read_text() == "before"
    assert list(tmp_path.iterdir()) == [to]


@pytest.mark.parametrize("name", [".", "nowhere/rows.csv", "fifo"])
def test_what_cannot_be_written_is_refused(tmp_path, name):
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(ValueError, match="--out needs the name of a file in a folder"):
        row_writer(Format.csv, tmp_path / name).__enter__()


PRINT = """
import os
from imgfeat._rows import Format, row_writer
from imgfeat.deploy import Prediction
with row_writer(Format(FORMAT)) as write:
    for name in (b"caf\\xe9.jpg", "ж.jpg".encode(), b"two\\nlines.jpg"):
        write(Prediction(os.fsdecode(name), "a"))
"""


@pytest.mark.parametrize(
    ("format", "encoding"),
    [
        ("csv", "utf-8"),
        pytest.param("csv", "ascii", marks=pytest.mark.slow),
        pytest.param("jsonl", "latin-1", marks=pytest.mark.slow),
    ],
)
def test_names_that_cannot_be_printed_still_have_rows(format, encoding):
    code = PRINT.replace("FORMAT", repr(format))
    env = os.environ | {"PYTHONIOENCODING": encoding}
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", code],
        env=env,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    if format == "jsonl":
        rows = [json.loads(line)["path"] for line in done.stdout.splitlines()]
        assert os.fsencode(rows[0]) == b"caf\xe9.jpg" and rows[1] == "ж.jpg"
    else:
        assert b"caf\xe9.jpg,a," in done.stdout
        assert b'"two\nlines.jpg",a' in done.stdout
        shown = "ж" if encoding == "utf-8" else r"\u0436"
        assert f"{shown}.jpg,a".encode() in done.stdout
