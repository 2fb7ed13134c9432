"""Tests for imgfeat/kernels/_jit.py."""

import numba
import pytest
from numba.core.caching import CacheImpl

from imgfeat.kernels import _jit
from imgfeat.kernels._jit import njit


@pytest.fixture(autouse=True)
def ask_again():
    """Where kernels may be kept is asked once a process."""
    _jit._folder_for.cache_clear()
    yield
    _jit._folder_for.cache_clear()


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


def nothing_beside_the_source(monkeypatch):
    is_writable = _jit.is_writable
    monkeypatch.setattr(
        _jit, "is_writable", lambda at: "__pycache__" not in str(at) and is_writable(at)
    )


def test_keeps_the_code_in_our_folder_where_the_source_may_not_be_written(
    monkeypatch, tmp_path
):
    nothing_beside_the_source(monkeypatch)
    monkeypatch.setenv("IMGFEAT_HOME", str(tmp_path))
    before = numba.config.CACHE_DIR
    assert njit()(add)(2, 3) == 5
    assert list((tmp_path / "kernels").rglob("*.nbi"))
    assert before == numba.config.CACHE_DIR  # other packages keep theirs elsewhere


@pytest.mark.parametrize("home", ["~nobody-of-this-name/cache", "a file/cache"])
def test_says_once_that_it_keeps_nothing(monkeypatch, tmp_path, home):
    nothing_beside_the_source(monkeypatch)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a file").write_text("")
    monkeypatch.setenv("IMGFEAT_HOME", home)
    with pytest.warns(RuntimeWarning, match="set NUMBA_CACHE_DIR or IMGFEAT_HOME"):
        assert njit()(add)(2, 3) == 5
    assert njit()(add)(4, 3) == 7
    assert [path.name for path in tmp_path.iterdir()] == ["a file"]
