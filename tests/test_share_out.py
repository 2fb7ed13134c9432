"""Tests for imgfeat/_threads.py: how rows are shared out among threads."""

import threading

import joblib
import pytest

from imgfeat import _threads
from imgfeat._threads import share_out, usable_threads
from tests._hangs import HANGS_S

PIECES = [slice(start, start + 2) for start in range(0, 20, 2)]


def ignore(n_rows):
    pass


@pytest.fixture
def stop(monkeypatch):
    """The event by which the threads of a call are told to end."""
    event = threading.Event()
    monkeypatch.setattr(_threads, "Event", lambda: event)
    return event


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


def test_as_many_threads_as_asked_for_are_busy_and_no_more():
    workers, all_busy = [], threading.Barrier(3, timeout=HANGS_S)

    def work(piece):
        if piece in PIECES[:3]:
            all_busy.wait()  # nobody passes alone

    def make_worker():
        workers.append(threading.current_thread())
        return work

    share_out(make_worker, PIECES, 3, ignore)
    assert len(workers) == len(set(workers)) == 3


@pytest.mark.parametrize("n_threads", [1, 2])
def test_first_error_ends_the_work(n_threads, stop):
    done = []

    def work(piece):
        if piece.start == 4:
            raise ValueError("bad piece")
        if piece.start > 4:
            assert stop.wait(HANGS_S)
        done.append(piece.start)

    with pytest.raises(ValueError, match="bad piece"):
        share_out(lambda: work, PIECES, n_threads, ignore)
    assert n_threads == 1 or stop.is_set()
    # What another thread was at is done to its end, and nothing after it.
    assert sorted(done) in ([0, 2], [0, 2, 6])


def test_interrupt_leaves_no_thread_behind(monkeypatch, stop):
    before, begun = set(threading.enumerate()), []
    started = threading.Event()

    def work(piece):
        begun.append(piece)
        started.set()
        assert stop.wait(HANGS_S)

    def interrupted(futures):
        started.wait()
        raise KeyboardInterrupt("Ctrl-C")

    monkeypatch.setattr(_threads, "as_completed", interrupted)
    with pytest.raises(KeyboardInterrupt, match="Ctrl-C"):
        share_out(lambda: work, PIECES, 2, ignore)
    assert set(threading.enumerate()) <= before
    assert len(begun) <= 2  # one a thread


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
