"""Tests for imgfeat/features/_store.py, and for what lies below it."""

import multiprocessing
import os
import time

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from imgfeat.features import CacheWarning, _store
from imgfeat.features._chunk import CorruptChunkError, FileChunk, write_chunk
from imgfeat.features._claims import claiming, wait_for_claims
from imgfeat.features._index import Index
from imgfeat.features._store import Store, open_store


def some_keys(n_rows, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 2**64, (n_rows, 2), dtype=np.uint64)


def rows_in(store, keys):
    """What a store finds: the values by row."""
    return {
        int(row): chunk.read("values", place, place + 1)[0]
        for chunk, rows, places in store.find(keys)
        for row, place in zip(rows, places, strict=True)
    }


# The index


def test_index_finds_what_a_dict_finds():
    rng = np.random.default_rng(0)
    index, expected = Index(), {}
    for chunk in range(60):
        # Few different upper halves, so that many keys share one table's neighbours.
        keys = some_keys(rng.integers(0, 9), seed=chunk)
        index.add(keys, chunk)
        expected |= {k.tobytes(): (chunk, i) for i, k in enumerate(keys)}
    keys = np.array([np.frombuffer(k, dtype=np.uint64) for k in expected])
    chunks, places = index.find(keys)
    assert list(zip(chunks, places, strict=True)) == list(expected.values())
    chunks, places = index.find(some_keys(50, seed=99))
    assert (chunks == -1).all() and (places == -1).all()
    assert len(index._tables) < 12


# Chunks


def test_a_chunk_comes_back_as_it_was_written(tmp_path):
    arrays = {
        "counts": np.array([2, 0, 1]),
        "values": np.arange(12, dtype=np.float32).reshape(3, 4),
        "positions": np.ones((3, 2), dtype=np.float32),
    }
    chunk = FileChunk(write_chunk(tmp_path, some_keys(3), arrays).path)
    chunk.check()
    assert_array_equal(chunk.keys, some_keys(3))
    for name, array in arrays.items():
        assert_array_equal(chunk.read(name, 0, len(array)), array)
        assert_array_equal(chunk.read(name, 1, 2), array[1:2])
        assert chunk.dtypes[name] == array.dtype


def test_the_same_chunk_is_one_file(tmp_path):
    for _ in range(2):
        write_chunk(tmp_path, some_keys(2), {"values": np.zeros((2, 3), dtype=">f8")})
    (path,) = tmp_path.iterdir()
    assert FileChunk(path).dtypes["values"] == "<f8"


def test_every_flipped_bit_is_noticed(tmp_path):
    path = write_chunk(tmp_path, some_keys(2), {"values": np.zeros((2, 1))}).path
    content = path.read_bytes()
    for position in range(len(content)):
        damaged = bytearray(content)
        damaged[position] ^= 1 << position % 8
        path.write_bytes(damaged)
        with pytest.raises(CorruptChunkError, match=path.name):
            FileChunk(path).check()


@pytest.mark.parametrize(
    "layout",
    [
        '{"keys": ["<u8", [1, 2]]}',
        '{"keys": ["<u8", [1, 2]], "values": ["<f4", [2, 1]]}',
        '{"keys": ["<u8", [1, 2]], "values": ["<f4", [1, -1]]}',
        '{"keys": ["<u8", [1, 2]], "values": ["<f4", [1, 1.0]]}',
        '{"keys": ["<u8", [1, 2]], "values": ["O", [1, 1]]}',
        '{"keys": ["<u8", [1, 2]], "values": ["no dtype", [1, 1]]}',
        '{"keys": ["<u4", [1, 2]], "values": ["<f4", [1, 1]]}',
        '{"keys": ["<u8", [1, 2]], "counts": ["<i8", [1]], "values": ["<f4", [2, 3]], '
        '"positions": ["<f4", [1, 2]]}',
        "[1, 2]",
        "",
    ],
)
def test_a_header_that_makes_no_sense_is_refused(tmp_path, layout):
    path = tmp_path / "file"
    path.write_bytes(b"imgfeat-features-1" + layout.encode() + b"\n" + bytes(64))
    with pytest.raises(CorruptChunkError, match="damaged header"):
        FileChunk(path)


# The store


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


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_starts_anew(tmp_path):
    store = open_store(tmp_path, "k", {})
    store.add(some_keys(3), {"values": np.arange(3)})
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    with _store._stores_lock:  # held, as a busy thread of the parent might
        child = context.Process(target=_use, args=(tmp_path, results))
        child.start()
    assert results.get(timeout=20) == 3
    child.join()


# Claims


def test_a_claimed_row_is_not_free(tmp_path):
    keys = some_keys(4)
    with claiming(tmp_path, keys[:2]) as mine:
        assert mine.all()
        with claiming(tmp_path, keys[1:]) as yours:
            assert list(yours) == [False, True, True]
            with claiming(tmp_path, keys) as nothing:
                assert not nothing.any()
    with claiming(tmp_path, keys) as mine:
        assert mine.all()
    assert not list(tmp_path.glob("*.claim"))


def _claim_and_die(folder, keys, ready):
    with claiming(folder, keys):
        ready.set()
        time.sleep(60)


def test_a_claim_ends_with_its_process(tmp_path):
    context = multiprocessing.get_context("fork")
    ready = context.Event()
    child = context.Process(target=_claim_and_die, args=(tmp_path, some_keys(2), ready))
    child.start()
    assert ready.wait(20)
    with claiming(tmp_path, some_keys(2)) as is_free:
        assert not is_free.any()
    child.kill()
    wait_for_claims(tmp_path)
    with claiming(tmp_path, some_keys(2)) as is_free:
        assert is_free.all()
    assert not list(tmp_path.glob("*.claim"))
    child.join()


def test_without_locks_everything_is_free(tmp_path, monkeypatch):
    monkeypatch.setattr("imgfeat.features._claims.fcntl", None)
    with claiming(tmp_path, some_keys(2)), claiming(tmp_path, some_keys(2)) as is_free:
        assert is_free.all()
        wait_for_claims(tmp_path)
