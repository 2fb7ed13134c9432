"""Tests for imgfeat/kernels/_jit.py."""

import pytest
from numba.core.caching import CacheImpl

from imgfeat.kernels._jit import njit


def add(a, b):
    return a + b


def test_compiles_without_a_folder_to_keep_the_code_in(monkeypatch):
    monkeypatch.setattr(CacheImpl, "_locator_classes", [])
    assert njit()(add)(2, 3) == 5


def test_keeps_the_code_where_it_may(monkeypatch, tmp_path):
    monkeypatch.setattr("numba.config.CACHE_DIR", str(tmp_path))
    assert njit()(add)(2, 3) == 5
    assert list(tmp_path.rglob("*.nbi"))


def test_other_errors_of_numba_are_not_hidden(monkeypatch):
    def broken(**options):
        raise RuntimeError("something else")

    monkeypatch.setattr("numba.njit", broken)
    with pytest.raises(RuntimeError, match="something else"):
        njit()(add)
