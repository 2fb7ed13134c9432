"""Tests for imgfeat/features/cache/_one_row.py."""

import pytest

from imgfeat.features.cache._chunk import SUFFIX
from imgfeat.features.cache._one_row import OneRow
from imgfeat.features.cache._store import CacheWarning, Store


def test_the_first_row_is_kept(tmp_path):
    store = Store(tmp_path / "rows", {})
    row = OneRow(store, b"0123456789abcdef")
    assert row.find() is None
    row.keep([1.5, 2.5])
    row.keep([3.5, 4.5])
    assert row.find().tolist() == [1.5, 2.5]
    assert OneRow(store, bytes(16)).find() is None


def test_a_damaged_row_is_told_and_kept_anew(tmp_path):
    OneRow(Store(tmp_path / "rows", {}), bytes(16)).keep([1.5])
    (file,) = tmp_path.rglob(f"*{SUFFIX}")
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    store = Store(tmp_path / "rows", {})
    store.start()
    row = OneRow(store, bytes(16))
    with pytest.warns(CacheWarning, match="computed again"):
        assert row.find() is None
    row.keep([2.5])
    assert row.find().tolist() == [2.5]
