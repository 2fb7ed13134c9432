"""Tests for imgfeat/kernels/_jit.py."""

from contextlib import nullcontext

import numba
import pytest
from numba.core.caching import CacheImpl, IndexDataCacheFile

from imgfeat import _once
from imgfeat.kernels import _jit
from imgfeat.kernels._jit import njit


@pytest.fixture(autouse=True)
def ask_again(monkeypatch):
    """Where kernels may be kept is asked once a process, and told once."""
    monkeypatch.setattr(_once, "_told", set())
    _jit._folder_for.cache_clear()
    yield
    _jit._folder_for.cache_clear()


def add(a, b):
    return a + b


def test_compiles_without_a_folder_to_keep_the_code_in(monkeypatch):
    monkeypatch.setattr(CacheImpl, "_locator_classes", [])
    with pytest.warns(RuntimeWarning, match="compiled anew"):
        assert njit()(add)(2, 3) == 5


def test_keeps_the_code_where_it_may(monkeypatch, tmp_path):
    monkeypatch.setattr("numba.config.CACHE_DIR", str(tmp_path))
    assert njit()(add)(2, 3) == 5
    assert list(tmp_path.rglob("*.nbi"))


def test_other_errors_of_numba_are_not_hidden(monkeypatch):
    def broken(function):
        raise RuntimeError("something else")

    monkeypatch.setattr(_jit, "_Kept", broken)
    with pytest.raises(RuntimeError, match="something else"):
        njit()(add)


@pytest.mark.parametrize("step", ["load", "save"])
def test_full_disk_or_file_of_another_user_is_no_obstacle(monkeypatch, tmp_path, step):
    def fail(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("numba.config.CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(IndexDataCacheFile, step, fail)
    said = pytest.warns(
        RuntimeWarning, match="No space left on device; set NUMBA_CACHE"
    )
    with said if step == "save" else nullcontext():
        assert njit()(add)(2, 3) == 5


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
    kernel = njit()(add)  # an import says nothing: it costs nothing
    with pytest.warns(RuntimeWarning, match="set NUMBA_CACHE_DIR or IMGFEAT_HOME"):
        assert kernel(2, 3) == 5
    assert njit()(add)(4, 3) == 7
    assert [path.name for path in tmp_path.iterdir()] == ["a file"]
