"""Tests for imgfeat/nets/_torch_settings.py; test_pipe.py has those of cuDNN."""

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
import torch

from imgfeat.nets import _torch_settings
from imgfeat.nets._torch_settings import ThreadCount, let_compiler_start, torch_threads
from tests._hangs import HANGS_S


@pytest.fixture(autouse=True)
def five_threads():
    """A number that no test sets, put back in the end."""
    before = torch.get_num_threads()
    torch.set_num_threads(5)
    yield
    torch.set_num_threads(before)


def test_number_holds_inside_and_comes_back():
    count = ThreadCount()
    with count.set_to(2):
        assert torch.get_num_threads() == 2
        with count.set_to(3):
            assert torch.get_num_threads() == 3
    assert torch.get_num_threads() == 5


def test_number_comes_back_after_an_error():
    with pytest.raises(ValueError, match="inside"), ThreadCount().set_to(2):
        raise ValueError("inside")
    assert torch.get_num_threads() == 5


def test_number_that_a_user_sets_in_between_is_the_next_to_come_back():
    count = ThreadCount()
    with count.set_to(2):
        pass
    torch.set_num_threads(4)
    with count.set_to(2):
        pass
    assert torch.get_num_threads() == 4


def test_number_comes_back_when_the_first_to_come_leaves_first():
    count = ThreadCount()
    first, second = count.set_to(2), count.set_to(3)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert torch.get_num_threads() == 3  # the second is still at work
    second.__exit__(None, None, None)
    assert torch.get_num_threads() == 5


def test_number_comes_back_when_many_threads_overlap():
    count = ThreadCount()
    barrier = threading.Barrier(4, timeout=HANGS_S)

    def work(number):
        for _ in range(50):
            with count.set_to(1 + number):
                pass
        with count.set_to(1 + number):
            barrier.wait()  # all are inside at once

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert torch.get_num_threads() == 5


@pytest.mark.fork
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_fork_while_another_thread_holds_the_lock_can_go_on():
    held, done = threading.Event(), threading.Event()
    count = ThreadCount()

    def hold():
        with count._lock:
            held.set()
            done.wait(HANGS_S)

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(HANGS_S)
    child = os.fork()
    if child == 0:
        # The lock is free here, and nobody is inside: else this would wait for ever.
        free = count._lock.acquire(blocking=False) and count._depth == 0
        os._exit(0 if free else 1)
    _, status = os.waitpid(child, 0)
    done.set()
    thread.join()
    assert os.waitstatus_to_exitcode(status) == 0


def test_all_of_the_library_shares_one_count():
    with torch_threads(1), torch_threads(2):
        assert torch.get_num_threads() == 2
    assert torch.get_num_threads() == 5


FORK = """
import os
import numpy as np
from tests.estimators.cnn._tiny_net import few_digits, tiny

X, y = few_digits()
cnn = tiny(n_jobs=2, max_epochs=1).fit(X, y)
before = cnn.predict_proba(X)
child = os.fork()
if child == 0:
    is_right = np.allclose(cnn.predict_proba(X), before, atol=1e-5)
    tiny(n_jobs=2, max_epochs=1).fit(X, y)
    os._exit(0 if is_right else 1)
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.fork
def test_fork_of_a_process_that_has_trained_predicts_and_trains():
    with subprocess.Popen([sys.executable, "-c", FORK], process_group=0) as process:
        try:
            assert process.wait(HANGS_S) == 0
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # a child that hangs as well


@pytest.fixture
def compiler_folder(monkeypatch):
    """What the variable holds in the end."""
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", "")
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR")

    def ask():
        let_compiler_start()
        return os.environ.get("TORCHINDUCTOR_CACHE_DIR")

    return ask


def test_compiler_finds_its_own_folder_where_there_is_one(compiler_folder):
    assert compiler_folder() is None


def test_compiler_starts_without_a_folder_for_temporary_files(
    compiler_folder, monkeypatch, tmp_path
):
    monkeypatch.setattr(_torch_settings, "has_temporary_folder", lambda: False)
    monkeypatch.setenv("IMGFEAT_HOME", str(tmp_path))
    assert compiler_folder() == str(tmp_path / "compiler")
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR")
    monkeypatch.setenv("IMGFEAT_HOME", "~nobody-of-this-name")
    assert os.path.isdir(compiler_folder())
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", "chosen")
    assert compiler_folder() == "chosen"


def test_compiler_starts_for_a_user_without_a_name(compiler_folder, monkeypatch):
    def unknown():
        raise KeyError("getpwuid(): uid not found: 12345")

    monkeypatch.setattr("getpass.getuser", unknown)
    assert os.path.basename(compiler_folder()).startswith("torchinductor_uid_")
