"""Tests for imgfeat/deploy/serve/_workers.py."""

import os
import signal
import time
from functools import partial

import pytest

from imgfeat.deploy.serve import _workers
from imgfeat.deploy.serve._workers import keep_alive


def leave(code):
    os._exit(code)


def die_once_then_end_the_parent(note):
    """The second of them tells the parent to end, and waits for its own end."""
    if note.exists():
        os.kill(os.getppid(), signal.SIGTERM)
        time.sleep(60)
    note.touch()


def test_a_worker_that_dies_at_once_ends_it_all():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(OSError, match="could not begin, and ended with code 7"):
        keep_alive(partial(leave, 7), 1)
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_worker_that_dies_later_is_started_again(tmp_path, monkeypatch):
    monkeypatch.setattr(_workers, "_SOON_S", 0)
    note = tmp_path / "note"
    dead = []
    keep_alive(partial(die_once_then_end_the_parent, note), 1, on_death=dead.append)
    assert note.exists()
    assert len(dead) == 1 and dead[0] != os.getpid()
