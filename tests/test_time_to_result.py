"""Tests for benchmarks/bench_time_to_result.py, without running its contenders."""

import ast

import pytest

from benchmarks.bench_time_to_result import (
    NEEDS,
    contenders,
    count_lines,
    last_line,
    score,
    summary,
)

CODE = '''\
"""What it is,
in two lines."""

import os  # a comment beside code


# A comment.
def names(
    folder,
):
    """Say them."""
    return """two
lines""", os.listdir(folder)
'''


def test_a_docstring_and_a_comment_are_no_lines_of_code(tmp_path):
    path = tmp_path / "script.py"
    path.write_text(CODE)
    assert count_lines(path) == 6


def test_a_line_of_a_shell_script_is_one(tmp_path):
    path = tmp_path / "script.sh"
    path.write_text("# What it does.\nset -e\n\nls\n")
    assert count_lines(path) == 2


def test_a_photo_without_a_row_or_a_label_is_wrong(tmp_path):
    for name in ("ants/1.jpg", "ants/2.jpg", "bees/1.jpg", "bees/2.jpg"):
        path = tmp_path / "val" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    table = tmp_path / "predictions.csv"
    table.write_text(
        "path,label\nval/ants/1.jpg,ants\nval/bees/1.jpg,\nx/bees/2.jpg,bees"
    )
    assert score(table, tmp_path / "val") == 0.5


def test_a_summary_is_of_the_median_round():
    rounds = [{"total_s": s, "cpu_s": 2 * s, "accuracy": 0.5} for s in (3.0, 1.0, 2.0)]
    found = summary(rounds)
    assert (found["total_s"], found["range_s"], found["cpu_s"]) == (2.0, 2.0, 4.0)


def test_why_something_failed_is_its_last_line():
    assert (
        last_line("Traceback\n  at\nImportError: no torch\n\n")
        == "ImportError: no torch"
    )
    assert last_line("") == "it ended without a word"


@pytest.mark.parametrize("script", contenders(None), ids=lambda script: script.stem)
def test_every_contender_leaves_its_predictions(script):
    assert "predictions.csv" in script.read_text()


def test_only_what_is_no_dependency_of_ours_may_be_missing():
    brought = {"imgfeat_default", "imgfeat_quick", "sklearn_skimage", "torch_finetune"}
    assert {script.stem for script in contenders(None)} == brought | set(NEEDS)
    for script in contenders(set(NEEDS)):
        imports = [
            node.module
            for node in ast.walk(ast.parse(script.read_text()))
            if isinstance(node, ast.ImportFrom)
        ]
        assert NEEDS[script.stem] in imports
