"""Tests for imgfeat/features/cache/_store.py."""

import multiprocessing
import os
import shutil
import time

import numpy as np
import pytest

from imgfeat.features import CacheWarning
from imgfeat.features.cache import _store
from imgfeat.features.cache._chunk import FileChunk
from imgfeat.features.cache._store import _TIDYING, Store, open_store
from tests._hangs import HANGS_S
from tests.features.cache._process import process_that_runs
from tests.features.cache._rows import rows_in, some_keys


def test_two_stores_on_one_folder_see_each_other(tmp_path):
    mine, yours = Store(tmp_path / "k", {}), Store(tmp_path / "k", {})
    keys = some_keys(5)
    mine.add(keys[:3], {"values": np.arange(3.0)})
    assert yours.refresh()
    assert rows_in(yours, keys) == {0: 0.0, 1: 1.0, 2: 2.0}
    assert not yours.refresh()
    yours.add(keys[3:], {"values": np.arange(3.0, 5)})
    mine.refresh()
    assert rows_in(mine, keys[::-1]) == dict(enumerate([4.0, 3.0, 2.0, 1.0, 0.0]))


def test_a_damaged_copy_of_a_row_does_not_hide_a_good_one(tmp_path):
    first, second, third = (Store(tmp_path / "k", {}) for _ in range(3))
    for value in (1.0, 2.0):
        first.add(some_keys(1), {"values": np.array([value])})
    second.refresh()
    ((chunk, _, _),) = second.find(some_keys(1))
    (found,) = chunk.read("values", 0, 1)
    chunk.path.write_bytes(chunk.path.read_bytes()[:-1] + b"x")
    third.refresh()
    with pytest.warns(CacheWarning, match="does not have the hash"):
        list(third.find(some_keys(1)))
    assert rows_in(third, some_keys(1)) == {0: 3.0 - found}
    assert not chunk.path.exists()


def test_rows_that_come_one_by_one_do_not_leave_as_many_files(tmp_path):
    keys = some_keys(300)
    mine, yours = Store(tmp_path / "k", {}), Store(tmp_path / "k", {})
    for row in range(300):
        mine.add(keys[row : row + 1], {"values": np.array([[row, -row]])})
        if row == 40:
            yours.refresh()
    assert len(list(tmp_path.rglob("*.features"))) < 70
    expected = {row: [row, -row] for row in range(300)}
    assert {row: list(pair) for row, pair in rows_in(mine, keys).items()} == expected
    rows_in(yours, keys)  # notices that its files are gone
    yours.refresh()
    assert len(rows_in(yours, keys)) == 300


COMPUTE_ONE_BY_ONE = """
import sys
import numpy as np
from imgfeat.features.cache._gather import gather
from imgfeat.features.cache._store import Store
from tests.features.cache._rows import some_keys
keys, store = some_keys(120), Store(sys.argv[1], {})
order = np.random.default_rng(int(sys.argv[2])).permutation(120)
print(flush=True)
for row in order:
    def describe(rows):
        return rows, {"values": np.full((1, 2), row)}, True
    gather(keys[[row]], np.array([True]), store, describe, batch_size=1,
           advance=lambda n: None)
"""


def test_writers_that_merge_chunks_at_the_same_time_leave_no_row_twice(tmp_path):
    with (
        process_that_runs(COMPUTE_ONE_BY_ONE, tmp_path / "k", 0) as one,
        process_that_runs(COMPUTE_ONE_BY_ONE, tmp_path / "k", 1) as other,
    ):
        assert one.wait(HANGS_S) == other.wait(HANGS_S) == 0
    chunks = [FileChunk(path) for path in tmp_path.rglob("[!.]*.features")]
    assert len(chunks) < 90
    kept = np.concatenate([chunk.keys for chunk in chunks])
    assert len(kept) == len(np.unique(kept, axis=0)) == 120


def test_who_merges_chunks_is_alone(tmp_path):
    keys, store = some_keys(100), Store(tmp_path / "k", {})
    with store.claiming(_TIDYING):
        for row in range(100):
            store.add(keys[row : row + 1], {"values": np.array([[row]])})
    assert len(list(tmp_path.rglob("*.features"))) == 100
    store.add(keys[:1] + 1, {"values": np.array([[0]])})
    assert len(list(tmp_path.rglob("*.features"))) == 1


ADD = """
import sys
import numpy as np
from imgfeat.features.cache._store import Store
from tests.features.cache._rows import some_keys
store = Store(sys.argv[1], {})
for seed in range(int(sys.argv[2]), 10**9):
    keys = some_keys(64, seed)
    with store.claiming(keys):
        store.add(keys, {"values": np.full((64, 500), seed)})
        print(flush=True)
"""


@pytest.mark.parametrize("after_s", [0.0, 0.003, 0.01, 0.03])
def test_a_writer_killed_at_any_moment_leaves_whole_chunks(tmp_path, after_s):
    with process_that_runs(ADD, tmp_path / "k", 0) as writer:
        time.sleep(after_s)
        writer.kill()
        writer.wait(HANGS_S)
    store = Store(tmp_path / "k", {})
    store.refresh()
    paths = list(tmp_path.rglob("[!.]*.features"))
    assert paths
    for path in paths:
        FileChunk(path).check()
    assert set(rows_in(store, some_keys(64))) == set(range(64))
    keys = np.concatenate([some_keys(64, seed) for seed in range(len(paths) + 2)])
    with store.claiming(keys) as is_free:
        assert is_free.all()


def test_a_process_may_clear_what_another_writes(tmp_path):
    store = Store(tmp_path / "k", {"a": 1})
    for seed in range(3):
        with store.claiming(some_keys(2, seed)):
            shutil.rmtree(tmp_path / "k")
            store.add(some_keys(2, seed), {"values": np.full(2, seed)})
        store.refresh()
        assert rows_in(store, some_keys(2, seed)) == {0: seed, 1: seed}
    assert (tmp_path / "k" / "about.json").exists()
    assert len(list(tmp_path.rglob("*.features"))) == 1


def test_removes_what_was_not_finished_long_ago(tmp_path):
    old, new = (tmp_path / f".{n:032x}.features.tmp" for n in range(2))
    for path in (old, new):
        path.write_bytes(b"")
    os.utime(old, (0, 0))
    Store(tmp_path, {})
    assert list(tmp_path.iterdir()) == [new]


def test_a_process_has_one_store_a_folder(tmp_path):
    assert open_store(tmp_path, "a", {}) is open_store(str(tmp_path), "a", {})
    assert open_store(tmp_path, "a", {}) is not open_store(tmp_path, "b", {})


def _use(folder, results):
    results.put(len(rows_in(open_store(folder, "k", {}), some_keys(3))))


@pytest.mark.fork
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_starts_anew(tmp_path):
    store = open_store(tmp_path, "k", {})
    store.add(some_keys(3), {"values": np.arange(3)})
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    with _store._stores_lock:  # held, as a busy thread of the parent might
        child = context.Process(target=_use, args=(tmp_path, results))
        child.start()
    assert results.get(timeout=HANGS_S) == 3
    child.join()
