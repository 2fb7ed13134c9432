"""Tests for .ci/follow_readme.py, in this environment in place of a fresh one."""

import runpy
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SCRIPT = runpy.run_path(str(ROOT / ".ci" / "follow_readme.py"))
README = (ROOT / "README.md").read_text()


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setattr("venv.create", lambda folder, with_pip: None)
    home = SCRIPT["Home"](tmp_path)
    home.bin = Path(sys.executable).parent
    return home


def page(*blocks):
    return "".join(f"```{language}\n{code}\n```\n" for language, code in blocks)


def test_what_it_follows_is_there():
    assert README.count(f"\n{SCRIPT['END']}\n") == 1
    assert all((ROOT / page).is_file() for page in SCRIPT["PAGES"])


def test_what_it_leaves_out_stands_in_the_readme():
    missing = [what for what in SCRIPT["LEFT_OUT"] if f"\n{what} " not in README]
    assert not missing


def test_blocks_run_in_their_order_and_python_remembers(home, capfd):
    home.follow(
        "page",
        page(
            ("python", "found = 6\nprint(found)"),
            ("sh", "echo from the shell > file.txt  # a comment\n\nmake demo"),
            ("python", "print(found + 1, open('file.txt').read())"),
            ("text", "not run"),
        ),
    )
    out = capfd.readouterr().out
    assert ">>> found = 6\n>>> print(found)\n6\n" in out
    assert "7 from the shell\n" in out
    assert (
        "# left out, needs a clone, and sets up its own environment: make demo" in out
    )
    assert (home.work / "file.txt").exists()


def test_it_stops_where_python_fails(home, capfd):
    with pytest.raises(SystemExit, match="Python ended with an error"):
        home.follow("page", page(("python", "1 / 0"), ("sh", "echo later")))
    told = capfd.readouterr()
    assert "ZeroDivisionError" in told.err
    assert "later" not in told.out


def test_it_stops_where_a_command_fails(home):
    with pytest.raises(SystemExit, match=r"It ended with 3\."):
        home.follow("page", page(("sh", "exit 3\ntouch later.txt")))
    assert not (home.work / "later.txt").exists()
