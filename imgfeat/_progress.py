"""One progress bar for everything that takes long.

Off unless asked for, and quiet when standard error is not a terminal, so logs and
pipes stay clean.
"""

import sys
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

_n_listeners = 0
_announced = set()


@contextmanager
def announcements():
    """Show all that `announce` has to say while the block runs, as a command does."""
    global _n_listeners  # noqa: PLW0603
    _n_listeners += 1
    try:
        yield
    finally:
        _n_listeners -= 1


def announce(text, verbose=False, *, once=False):
    """Say on standard error why something takes a while; `once` a process if asked."""
    if (verbose or _n_listeners) and not (once and text in _announced):
        _announced.add(text)
        _print(text)


@contextmanager
def progress(description, total, verbose):
    """Show a bar while the block runs; yields ``advance(steps=1, description=None)``.

    What takes long within it is announced as well.

    ``advance.say(text)`` prints a line, above the bar or by itself.

    Parameters
    ----------
    description : str
        What is being done, as the user would say it.
    total : int
        Steps until the end.
    verbose : bool or int
        Nothing is shown when false, or when standard error is not a terminal.
    """
    if not verbose:
        yield _Advance(None, say=_ignore)
        return
    with announcements(), _bar(description, total) as advance:
        yield advance


@contextmanager
def _bar(description, total):
    # It is None where it was closed.
    if sys.stderr is None or not sys.stderr.isatty():
        yield _Advance(None, say=_print)
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        _RateColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        bar.add_task(description, total=total)
        yield _Advance(bar, say=bar.console.out)


def track(items, description, verbose, total=None):
    """Yield from `items`, showing a bar that moves by one an item."""
    total = len(items) if total is None else total
    with progress(description, total, verbose) as advance:
        for item in items:
            yield item
            advance()


class _RateColumn(ProgressColumn):
    """Steps a second."""

    def render(self, task):
        speed = task.finished_speed or task.speed
        return "" if speed is None else f"{speed:.3g}/s"


class _Advance:
    """Moves a bar of one task, if there is one."""

    def __init__(self, bar, say):
        self._bar = bar
        self.say = say

    def __call__(self, steps=1, description=None):
        if self._bar is not None:
            task = self._bar.task_ids[0]
            self._bar.update(task, advance=steps, description=description)


def _print(text):
    if sys.stderr is not None:  # print would take standard output for it
        print(text, file=sys.stderr, flush=True)


def _ignore(text):
    """Say nothing."""
