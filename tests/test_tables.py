"""Tests for benchmarks/tables.py and docs/benchmarks.md, which it writes."""

import pytest

from benchmarks.tables import HERE, PAGE, cell, rows_of, script_of, table, write_page


def test_the_page_is_what_the_script_writes_from_the_results():
    assert PAGE.read_text() == write_page()


@pytest.mark.parametrize("path", sorted((HERE / "results").glob("*.json")), ids=str)
def test_every_file_of_results_is_written_by_a_script_that_is_there(path):
    assert (HERE / f"{script_of(path.stem)}.py").exists()


def test_results_that_nothing_writes_are_named():
    with pytest.raises(LookupError, match=r"writes results/unheard_of\.json"):
        script_of("unheard_of")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.123456, "0.1235"),
        (12345.6, "12,346"),
        (2e-13, "2.0e-13"),
        (0.0, "0"),
        (True, "yes"),
        (None, "-"),
        ([1, 2.5], "1, 2.500"),
        ([0] * 7, "7 values"),
        ("a|b", r"a\|b"),
    ],
)
def test_a_cell_is_short_and_breaks_no_table(value, text):
    assert cell(value) == text


def test_what_is_the_same_in_all_rows_stands_above_the_table():
    rows = [{"name": "a", "n": 3, "s": 1.0}, {"name": "b", "n": 3, "s": 2.0}]
    assert table(rows).splitlines() == [
        "In all of these: n 3.",
        "",
        "| name | s |",
        "| --- | --- |",
        "| a | 1.000 |",
        "| b | 2.000 |",
    ]


def test_a_dict_of_results_has_a_row_for_each_name():
    assert rows_of({"hog": {"time": {"s": 1}}, "n": 2}) == [
        {"": "hog", "time.s": 1},
        {"n": 2},
    ]
