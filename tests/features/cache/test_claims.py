"""Tests for imgfeat/features/cache/_claims.py."""

import errno
import os
import shutil
import signal
import threading

import pytest

from imgfeat.features.cache import _claims
from imgfeat.features.cache._claims import claiming, wait_for_claims
from tests._hangs import HANGS_S
from tests.features.cache._process import process_that_runs
from tests.features.cache._rows import some_keys

START = """
import os, sys
from pathlib import Path
from imgfeat.features.cache._claims import claiming
from tests.features.cache._rows import some_keys
folder, keys = Path(sys.argv[1]), some_keys(2)
"""


@pytest.fixture
def before_locking(monkeypatch):
    """What the test appends is called when this process next waits for a lock."""
    functions, lock = [], _claims.lock_descriptor

    def lock_then(*args, **options):
        while functions:
            functions.pop()()
        return lock(*args, **options)

    monkeypatch.setattr(_claims, "lock_descriptor", lock_then)
    return functions


def is_free(folder, keys):
    with claiming(folder, keys) as found:
        return list(found)


def test_a_claimed_row_is_not_free(tmp_path):
    keys = some_keys(4)
    with claiming(tmp_path, keys[:2]) as mine:
        assert mine.all()
        with claiming(tmp_path, keys[1:]) as yours:
            assert list(yours) == [False, True, True]
            assert is_free(tmp_path, keys) == [False] * 4
    assert is_free(tmp_path, keys) == [True] * 4
    assert not list(tmp_path.glob("*.claim"))


def test_a_claim_ends_with_its_process(tmp_path, before_locking):
    hold = "with claiming(folder, keys): print(flush=True), sys.stdin.read()"
    with process_that_runs(START + hold, tmp_path) as owner:
        assert is_free(tmp_path, some_keys(2)) == [False, False]
        before_locking.append(owner.kill)
        wait_for_claims(tmp_path)
        assert is_free(tmp_path, some_keys(2)) == [True, True]
        assert owner.wait(HANGS_S) == -getattr(signal, "SIGKILL", -1)
    assert not list(tmp_path.glob("*.claim"))


def test_a_claim_ends_with_its_block(tmp_path, before_locking):
    begun = threading.Event()
    with claiming(tmp_path, some_keys(2)):
        before_locking.append(begun.set)
        waiting = threading.Thread(target=wait_for_claims, args=[tmp_path])
        waiting.start()
        assert begun.wait(HANGS_S)
        waiting.join(0.1)
        assert waiting.is_alive()
    waiting.join(HANGS_S)
    assert not waiting.is_alive()


def test_a_claim_ends_with_an_error(tmp_path):
    with pytest.raises(KeyError, match="x"), claiming(tmp_path, some_keys(2)):
        raise KeyError("x")
    assert is_free(tmp_path, some_keys(2)) == [True, True]


@pytest.mark.fork
def test_a_fork_does_not_keep_the_claim_of_a_killed_process(tmp_path):
    hold = """
with claiming(folder, keys):
    ours, childs = os.pipe()
    if child := os.fork():
        os.read(ours, 1)  # it runs, and has closed what is not its own
        print(child, flush=True)
    else:
        os.write(childs, b".")
    sys.stdin.read()
"""
    with process_that_runs(START + hold, tmp_path) as owner:
        try:
            assert is_free(tmp_path, some_keys(2)) == [False, False]
            owner.kill()
            owner.wait(HANGS_S)
            assert is_free(tmp_path, some_keys(2)) == [True, True]
        finally:
            os.kill(int(owner.first_line), signal.SIGKILL)


@pytest.mark.fork
def test_a_fork_that_leaves_the_block_does_not_end_the_claim(tmp_path):
    hold = """
with claiming(folder, keys):
    if child := os.fork():
        os.waitpid(child, 0)
        print(flush=True)
        sys.stdin.read()
"""
    with process_that_runs(START + hold, tmp_path):
        assert is_free(tmp_path, some_keys(2)) == [False, False]


def test_what_a_killed_process_left_is_removed(tmp_path):
    (tmp_path / f"{0:032x}.claim").write_bytes(b"\0" + some_keys(2).tobytes())
    (tmp_path / f"{1:032x}.claim").write_bytes(b"")  # before it was written
    wait_for_claims(tmp_path)
    assert is_free(tmp_path, some_keys(2)) == [True, True]
    assert not list(tmp_path.glob("*.claim"))


def test_survives_a_folder_that_is_cleared(tmp_path):
    folder = tmp_path / "cleared"
    folder.mkdir()
    with claiming(folder, some_keys(2)):
        shutil.rmtree(folder)
        wait_for_claims(folder)
        assert is_free(folder, some_keys(2)) == [True, True]
        folder.mkdir()
        assert is_free(folder, some_keys(2)) == [True, True]


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_without_locks_everything_is_free(tmp_path, monkeypatch, number):
    def refuse(*args, **kwargs):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(_claims, "lock_descriptor", refuse)
    with claiming(tmp_path, some_keys(2)):
        assert is_free(tmp_path, some_keys(2)) == [True, True]
        wait_for_claims(tmp_path)
    assert not list(tmp_path.glob("*.claim"))


def test_windows_can_read_and_remove_a_claim(tmp_path, monkeypatch):
    """There the locked first byte cannot be read, nor an open file removed."""
    keys, unlink = some_keys(2), _claims.Path.unlink

    def unlink_if_closed(path):
        assert path not in {_claims.Path(file.name) for file in _claims._locked}
        unlink(path)

    monkeypatch.setattr(_claims.Path, "unlink", unlink_if_closed)
    with claiming(tmp_path, keys):
        (path,) = tmp_path.glob("*.claim")
        assert path.read_bytes()[1:] == keys.tobytes()
    assert not path.exists()
