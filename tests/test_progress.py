"""Tests for imgfeat/_progress.py."""

import io
import sys

import pytest

from imgfeat._progress import announce, progress, track


class Terminal(io.StringIO):
    """Standard error as a user sees it."""

    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    """Begins to show standard error on a terminal; returns what it shows."""
    monkeypatch.setenv("TERM", "xterm")
    for name in ("NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)

    def begin():  # in the test itself, for pytest captures anew after the set-up
        shown = Terminal()
        monkeypatch.setattr(sys, "stderr", shown)
        return shown

    return begin


@pytest.mark.parametrize("verbose", [0, False])
def test_nothing_is_shown_unless_asked_for(terminal, capsys, verbose):
    shown = terminal()
    with progress("Reading", 3, verbose) as advance:
        advance()
        advance(2, description="Reading more")
    assert list(track("abc", "Reading", verbose)) == list("abc")
    assert shown.getvalue() == ""
    assert capsys.readouterr().out == ""


def test_logs_and_pipes_stay_clean(capsys):
    with progress("Reading", 3, True) as advance:
        advance(3)
    shown = capsys.readouterr()
    assert shown.out == shown.err == ""


@pytest.mark.parametrize("verbose, expected", [(0, ""), (1, "An export.\n")])
def test_what_takes_long_beneath_is_announced(capsys, verbose, expected):
    first = track("ab", "Reading", verbose)
    next(first)
    with progress("Describing", 3, verbose):
        first.close()
        announce("An export.")
    announce("Unheard.")
    assert capsys.readouterr().err == expected


def test_terminal_shows_what_is_done_and_how_far(terminal, capsys):
    shown = terminal()
    with progress("Reading", 3, 1) as advance:
        advance()
        advance(2, description="Checking")
    assert all(text in shown.getvalue() for text in ("Reading", "Checking", "3/3"))
    assert capsys.readouterr().out == ""


def test_description_stays_where_none_is_given(terminal):
    shown = terminal()
    with progress("Reading", 2, True) as advance:
        advance()
    assert (
        shown.getvalue().rpartition("1/2")[0].rpartition("\r")[2].count("Reading") == 1
    )


def test_bar_is_taken_down_after_an_error(terminal):
    shown = terminal()
    with pytest.raises(ValueError, match="bad row"), progress("Reading", 3, True):
        raise ValueError("bad row")
    assert "\x1b[?25h" in shown.getvalue()  # the cursor is back
    assert shown.getvalue().endswith("\x1b[2K")  # and the line is empty


def test_tracked_items_come_one_by_one_and_are_counted(terminal):
    shown, taken = terminal(), []

    def source():
        for item in range(4):
            taken.append(item)
            yield item

    tracked = track(source(), "Reading", True, total=4)
    assert next(tracked) == 0 and taken == [0]
    assert list(tracked) == [1, 2, 3]
    assert "4/4" in shown.getvalue()


def test_nothing_is_shown_where_standard_error_is_closed(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    assert list(track("abc", "Reading", 1)) == list("abc")


def test_lines_for_people_do_not_get_into_the_output_of_programs(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stderr", None)  # where it was closed
    announce("Preparing a net", verbose=True)
    with progress("compare", 1, verbose=1) as advance:
        advance.say("cnn-lr  0.9")
    assert capsys.readouterr().out == ""
