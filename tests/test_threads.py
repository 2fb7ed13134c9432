"""Tests for imgfeat/_threads.py."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from imgfeat import _threads
from imgfeat._threads import (
    blas_threads_for,
    count_threads,
    map_threads,
    row_slices,
)
from tests._hangs import HANGS_S

# How many threads n_jobs means


def test_none_is_one_thread_unless_joblib_is_told_otherwise():
    assert count_threads(None) == 1
    with joblib.parallel_config("threading", n_jobs=3):
        assert count_threads(None) == 3
        assert count_threads(2) == 2


def test_negative_numbers_count_from_all_cores():
    assert count_threads(-1) == joblib.cpu_count()
    assert count_threads(-1000) == 1


@pytest.mark.parametrize("n_items, expected", [(None, 5), (9, 5), (2, 2), (0, 1)])
def test_no_more_threads_than_items_and_at_least_one(n_items, expected):
    assert count_threads(5, n_items) == expected


def test_zero_jobs_are_refused():
    with pytest.raises(ValueError, match="n_jobs needs a number of threads"):
        count_threads(0)


# Mapping


@pytest.mark.parametrize("n_jobs", [None, 1, 4])
def test_results_keep_the_order_whoever_is_done_first(n_jobs):
    def work(item):
        time.sleep(0.001 * (10 - item))
        return item * item

    assert map_threads(work, range(10), n_jobs) == [i * i for i in range(10)]


@pytest.mark.parametrize("n_jobs", [1, 3])
def test_items_may_come_from_a_generator_or_not_at_all(n_jobs):
    assert map_threads(str, (i for i in range(3)), n_jobs) == ["0", "1", "2"]
    assert map_threads(str, [], n_jobs) == []


def test_threads_work_at_the_same_time():
    barrier = threading.Barrier(3, timeout=HANGS_S)  # nobody passes alone
    assert len(map_threads(lambda _: barrier.wait(), range(3), 3)) == 3


def test_one_thread_is_the_callers_own():
    own = threading.current_thread()
    assert map_threads(lambda _: threading.current_thread(), "ab", 1) == [own, own]
    assert map_threads(lambda _: threading.current_thread(), "a", 8) == [own]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_first_error_drops_what_has_not_started(n_jobs, error, monkeypatch):
    started, dropped = [], threading.Event()

    class Pool(ThreadPoolExecutor):
        def shutdown(self, wait=True, *, cancel_futures=False):
            super().shutdown(wait=False, cancel_futures=cancel_futures)
            dropped.set()
            super().shutdown(wait=wait)

    def work(item):
        started.append(item)
        if item == 3:
            raise error("item 3")
        if item > 3:
            assert dropped.wait(HANGS_S)

    monkeypatch.setattr(_threads, "ThreadPoolExecutor", Pool)
    with pytest.raises(error, match="item 3"):
        map_threads(work, range(50), n_jobs)
    assert len(started) <= 6  # all up to the bad one, then one a thread


def test_no_thread_outlives_a_call():
    before = set(threading.enumerate())
    map_threads(time.sleep, [0.001] * 6, 3)
    assert set(threading.enumerate()) <= before


# Slices


@pytest.mark.parametrize("n_parts", [1, 2, 3, 7, 50])
@pytest.mark.parametrize("n_rows", [1, 2, 10, 49])
def test_slices_cover_all_rows_once_in_nearly_equal_parts(n_rows, n_parts):
    slices = row_slices(n_rows, n_parts)
    assert len(slices) == min(n_rows, n_parts)
    rows = np.arange(n_rows)
    assert np.concatenate([rows[part] for part in slices]).tolist() == rows.tolist()
    lengths = [len(rows[part]) for part in slices]
    assert max(lengths) - min(lengths) <= 1


def test_no_rows_are_one_empty_slice():
    assert row_slices(0, 4) == [slice(0, 0)]


# BLAS


def test_blas_takes_one_thread_for_small_products_and_its_own_number_for_others():
    with threadpool_limits(2, "blas"):
        with blas_threads_for(100**3):
            assert blas_threads() == {1}
        assert blas_threads() == {2}
        with blas_threads_for(5000**3):
            assert blas_threads() == {2}


def blas_threads():
    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    return {pool["num_threads"] for pool in pools}
