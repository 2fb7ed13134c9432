"""Tests for imgfeat/features/cache/_chunk.py."""

import errno
import os

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from imgfeat.features.cache._chunk import (
    CorruptChunkError,
    FileChunk,
    MemoryChunk,
    write_chunk,
)
from tests.features.cache._rows import some_keys


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


def _cut(path):
    path.write_bytes(path.read_bytes()[:-1])


def _flip(path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def _flip_and_keep_times(path):
    before = path.stat()
    _flip(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _swap(path):
    other = path.with_name("other")
    other.write_bytes(path.read_bytes())
    _flip_and_keep_times(other)
    os.replace(other, path)


@pytest.mark.parametrize("damage", [_cut, _flip, _flip_and_keep_times, _swap])
@pytest.mark.parametrize("is_read_before", [False, True])
def test_a_chunk_damaged_after_it_was_opened_is_noticed(
    tmp_path, damage, is_read_before
):
    chunk = write_chunk(tmp_path, some_keys(2), {"values": np.zeros((2, 3))})
    if is_read_before:
        chunk.read("values", 0, 2)
    damage(chunk.path)
    for look in (chunk.check, lambda: chunk.read("values", 0, 1)):
        with pytest.raises(CorruptChunkError, match="does not have the hash"):
            look()


def test_a_chunk_damaged_while_it_was_opened_is_noticed(tmp_path):
    path = write_chunk(tmp_path, some_keys(2), {"values": np.zeros((2, 3))}).path
    content = path.read_bytes()
    damaged = bytearray(content)
    damaged[content.index(b"\n") + 1] ^= 1
    path.write_bytes(damaged)
    chunk = FileChunk(path)
    path.write_bytes(content)
    with pytest.raises(CorruptChunkError, match="damaged when it was opened"):
        chunk.check()


def test_a_chunk_that_nobody_changed_is_hashed_once(tmp_path, monkeypatch):
    chunk = write_chunk(tmp_path, some_keys(2), {"values": np.zeros((2, 3))})
    chunk.check()
    monkeypatch.delattr("imgfeat.features.cache._chunk.hashlib.file_digest")
    for _ in range(2):
        chunk.check()
        assert chunk.read("values", 0, 2).shape == (2, 3)
    os.utime(chunk.path)
    with pytest.raises(AttributeError, match="file_digest"):
        chunk.check()


def test_what_cannot_be_written_leaves_nothing(tmp_path, monkeypatch):
    def refuse(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("imgfeat._files.os.replace", refuse)
    with pytest.raises(OSError, match="No space left"):
        write_chunk(tmp_path, some_keys(2), {"values": np.zeros((2, 3))})
    assert not list(tmp_path.iterdir())


def test_a_chunk_in_memory_is_read_as_one_on_disk(tmp_path):
    arrays = {"values": np.arange(6.0).reshape(3, 2)}
    chunk, file = MemoryChunk(arrays), write_chunk(tmp_path, some_keys(3), arrays)
    assert chunk.shapes["values"] == file.shapes["values"]
    assert chunk.dtypes["values"] == file.dtypes["values"]
    assert_array_equal(chunk.read("values", 1, 3), file.read("values", 1, 3))
