"""Tests for imgfeat/_threads.py: how rows are shared out among threads."""

import threading
import time

import joblib
import pytest

from imgfeat import _threads
from imgfeat._threads import share_out, usable_threads

PIECES = [slice(start, start + 2) for start in range(0, 20, 2)]


def ignore(n_rows):
    pass


@pytest.mark.parametrize("n_threads", [1, 3])
def test_every_piece_is_done_once_and_counted(n_threads):
    done, counted = [], []
    share_out(lambda: done.append, PIECES, n_threads, counted.append)
    assert sorted(piece.start for piece in done) == list(range(0, 20, 2))
    assert sum(counted) == 20


def test_one_thread_is_the_callers_own():
    names = set()
    work = lambda piece: names.add(threading.current_thread().name)  # noqa: E731
    share_out(lambda: work, PIECES, 1, ignore)
    assert names == {threading.current_thread().name}


def test_no_more_threads_than_asked_for_are_busy():
    busy, most, lock = 0, 0, threading.Lock()

    def work(piece):
        nonlocal busy, most
        with lock:
            busy += 1
            most = max(most, busy)
        time.sleep(0.005)
        with lock:
            busy -= 1

    share_out(lambda: work, PIECES, 3, ignore)
    assert most == 3


@pytest.mark.parametrize("n_threads", [1, 2])
def test_first_error_ends_the_work(n_threads):
    done = []

    def work(piece):
        if piece.start == 4:
            raise ValueError("bad piece")
        time.sleep(0.005)
        done.append(piece)

    with pytest.raises(ValueError, match="bad piece"):
        share_out(lambda: work, PIECES * 10, n_threads, ignore)
    assert len(done) < 20


def test_interrupt_leaves_no_thread_behind(monkeypatch):
    before = threading.active_count()
    started = threading.Event()

    def work(piece):
        started.set()
        time.sleep(0.005)

    def interrupted(futures):
        started.wait()
        raise KeyboardInterrupt("Ctrl-C")

    monkeypatch.setattr(_threads, "as_completed", interrupted)
    start = time.perf_counter()
    with pytest.raises(KeyboardInterrupt, match="Ctrl-C"):
        share_out(lambda: work, PIECES * 1000, 2, ignore)
    assert threading.active_count() == before
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize("stated, expected", [("1", 1), ("1,4", 1), ("x", 3), ("0", 3)])
def test_all_cores_unless_the_environment_says_less(monkeypatch, stated, expected):
    monkeypatch.setattr(_threads, "count_threads", {-1: 3, 2: 2}.get)
    monkeypatch.setenv("OMP_NUM_THREADS", stated)
    assert usable_threads(None) == expected
    assert usable_threads(2) == 2


def test_workers_of_joblib_share_the_cores():
    with joblib.parallel_config("loky", inner_max_num_threads=1):
        counts = joblib.Parallel(2)(joblib.delayed(usable_threads)(None) for _ in "ab")
    assert counts == [1, 1]
