"""Tests for imgfeat/features/cache/_gather.py."""

import threading

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from imgfeat.features import CacheWarning
from imgfeat.features.cache._chunk import FileChunk, MemoryChunk
from imgfeat.features.cache._gather import RowBuffer, gather
from imgfeat.features.cache._store import Store
from tests._hangs import HANGS_S
from tests.features.cache._process import process_that_runs
from tests.features.cache._rows import some_keys

N_ROWS = 20
VALUES = np.arange(2.0 * N_ROWS).reshape(N_ROWS, 2)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "k", {})


class Describe:
    """Gives the rows of VALUES, and notes which were asked for."""

    def __init__(self, *, may_keep=True, bad=()):
        self.asked = []
        self.may_keep = may_keep
        self.bad = bad

    def __call__(self, rows):
        self.asked.append(list(rows))
        done = np.setdiff1d(rows, self.bad)
        return done, {"values": VALUES[done]}, self.may_keep


def gathered(store, describe, keys=None, known=None, batch_size=8):
    keys = some_keys(N_ROWS) if keys is None else keys
    known = np.ones(len(keys), dtype=bool) if known is None else known
    options = {"batch_size": batch_size, "advance": lambda n_rows: None}
    return gather(keys, known, store, describe, **options)


def stored_rows(folder):
    chunks = [FileChunk(path) for path in folder.rglob("*.features")]
    return np.concatenate([chunk.keys for chunk in chunks])


def test_describes_in_batches_what_the_store_lacks(store):
    describe = Describe()
    store.add(some_keys(N_ROWS)[3:9], {"values": VALUES[3:9]})
    assert_array_equal(gathered(store, describe).finish(), VALUES)
    assert describe.asked == [[0, 1, 2, 9, 10, 11, 12, 13], [*range(14, 20)]]
    assert_array_equal(gathered(store, describe).finish(), VALUES)
    assert len(describe.asked) == 2
    assert len(np.unique(stored_rows(store.folder), axis=0)) == N_ROWS


def test_rows_without_a_key_come_first_and_are_not_kept(store):
    describe = Describe(may_keep=False)
    known = np.arange(N_ROWS) < 18
    for _ in range(2):
        describe.asked.clear()
        rows = gathered(store, describe, known=known)
        assert_array_equal(rows.finish(), VALUES)
        assert describe.asked[0] == [18, 19]
        assert len(describe.asked) == 4
    assert not list(store.folder.rglob("*.features"))


def test_a_row_that_comes_twice_is_described_once(store):
    describe, keys = Describe(), some_keys(4)[[2, 0, 2, 2, 1, 0]]
    rows = gathered(store, describe, keys)
    assert describe.asked == [[0, 1, 4]]
    assert_array_equal(rows.finish(), VALUES[[0, 1, 0, 0, 4, 1]])


def test_what_cannot_be_described_is_nan_and_tried_again(store):
    rows = gathered(store, Describe(bad=[3, 4]))
    assert list(np.flatnonzero(~rows.filled)) == [3, 4]
    assert np.isnan(rows.finish()[[3, 4]]).all()
    describe = Describe()
    assert_array_equal(gathered(store, describe).finish(), VALUES)
    assert describe.asked == [[3, 4]]


def test_a_chunk_that_is_gone_when_it_is_read_is_computed(store, monkeypatch):
    chunk = store.add(some_keys(N_ROWS)[:9], {"values": VALUES[:9]})
    monkeypatch.setattr(chunk, "check", chunk.path.unlink)  # removed just after it
    describe = Describe()
    assert_array_equal(gathered(store, describe).finish(), VALUES)
    assert describe.asked[0] == [*range(8)]


def test_a_chunk_that_is_cut_when_it_is_read_is_computed(store, monkeypatch):
    chunk = store.add(some_keys(N_ROWS)[:9], {"values": VALUES[:9]})
    short = chunk.path.read_bytes()[:-1]
    monkeypatch.setattr(chunk, "check", lambda: chunk.path.write_bytes(short))
    with pytest.warns(CacheWarning, match="does not have the hash"):
        assert_array_equal(gathered(store, Describe()).finish(), VALUES)


def test_writers_divide_the_rows_and_leave_none_twice(tmp_path):
    keys, describes = some_keys(N_ROWS), [Describe() for _ in range(4)]
    found = {}

    def work(number):
        store = Store(tmp_path / "k", {})  # one each, as in processes
        rows = gathered(store, describes[number], keys, batch_size=1)
        found[number] = rows.finish()

    threads = [threading.Thread(target=work, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(HANGS_S)
    for number in range(4):
        assert_array_equal(found[number], VALUES)
    asked = [row for describe in describes for (row,) in describe.asked]
    assert sorted(asked) == list(range(N_ROWS))
    kept = stored_rows(tmp_path)
    assert len(kept) == len(np.unique(kept, axis=0)) == N_ROWS


STOP_IN_THE_SECOND_BATCH = """
import sys
import numpy as np
from imgfeat.features.cache._gather import gather
from imgfeat.features.cache._store import Store
from tests.features.cache._rows import some_keys
from tests.features.cache.test_gather import N_ROWS, VALUES

def describe(rows):
    if rows[0]:
        print(flush=True), sys.stdin.read()
    return rows, {"values": VALUES[rows]}, True

gather(some_keys(N_ROWS), np.ones(N_ROWS, dtype=bool), Store(sys.argv[1], {}), describe,
       batch_size=8, advance=lambda n: None)
"""


def test_takes_over_the_rows_of_a_killed_process(store, monkeypatch):
    describe, wait = Describe(), store.wait
    with process_that_runs(STOP_IN_THE_SECOND_BATCH, store.folder) as other:
        store.refresh()
        monkeypatch.setattr(store, "wait", lambda: (other.kill(), wait()))
        assert_array_equal(gathered(store, describe).finish(), VALUES)
        assert other.wait(HANGS_S) != 0  # killed as soon as it was waited for
    # It had written the first batch, and held the second.
    assert describe.asked == [[16, 17, 18, 19], [*range(8, 16)]]
    assert len(stored_rows(store.folder)) == N_ROWS


def test_rows_come_from_places_in_any_order():
    buffer = RowBuffer(5)
    chunk = MemoryChunk({"values": VALUES})
    buffer.put(np.array([1, 2]), chunk, np.array([9, 7]))
    buffer.put(np.array([4, 0]), chunk, np.array([0, 3]))
    buffer.repeat(np.array([1]), np.array([3]))
    assert_array_equal(buffer.finish(), VALUES[[3, 9, 7, 9, 0]])
