"""Tests for imgfeat/_printing.py: tables, on a pipe and on a terminal."""

import numpy as np
import pandas as pd
import pytest

from imgfeat import _printing
from imgfeat._printing import console, print_frame, print_note, print_warning


@pytest.mark.parametrize("columns", ["80", None])
def test_table_on_a_pipe_is_neither_folded_nor_cut(capsys, monkeypatch, columns):
    if columns:
        monkeypatch.setenv("COLUMNS", columns)
    names = [f"class number {number} [x]" for number in range(40)]
    counts = np.arange(1600).reshape(40, 40)
    print_frame(pd.DataFrame(counts, index=names, columns=names), "Confusion")
    lines = capsys.readouterr().out.splitlines()
    (heading,) = [line for line in lines if "number 39" in line and "number 0" in line]
    assert all(name in heading for name in names)
    (row,) = [line for line in lines if line.startswith("  class number 7 ")]
    assert row.split()[-40:] == [str(value) for value in counts[7]]
    path = "/long/" + 200 * "x" + ".jpg"
    print_frame(pd.DataFrame({"true": ["a"]}, index=[path]), "Mistakes")
    assert path in capsys.readouterr().out


def test_terminal_folds_text_but_no_numbers(capsys, monkeypatch):
    monkeypatch.setattr(_printing, "out", console(force_terminal=True, width=80))
    frame = pd.DataFrame({"summary": ["word " * 40]}, index=["a"])
    print_frame(frame, "Recipes")
    lines = capsys.readouterr().out.splitlines()
    assert max(len(line) for line in lines if "word" in line) <= 80
    counts = pd.DataFrame(np.full((30, 30), 123456))
    print_frame(counts, "Confusion")
    assert capsys.readouterr().out.count("123456") == 900


def test_names_are_printed_as_they_are(capsys):
    name = "/photos/[red]:cat:/" + 100 * "x" + "/a b.jpg"
    print_note(name)
    print_warning(name)
    print_frame(pd.DataFrame({name: [1]}, index=[name]), name)
    shown = capsys.readouterr()
    assert shown.err.splitlines() == [name, f"warning: {name}"]
    assert shown.out.count(name) == 3
