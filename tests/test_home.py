"""Tests for imgfeat/_home.py."""

import sys
from pathlib import Path

import pytest

from imgfeat._home import home


@pytest.fixture(autouse=True)
def nothing_chosen(monkeypatch, tmp_path):
    monkeypatch.delenv("IMGFEAT_HOME")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


def test_a_chosen_folder_comes_first(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("IMGFEAT_HOME", str(tmp_path / "chosen"))
    assert home() == tmp_path / "chosen"
    monkeypatch.setenv("IMGFEAT_HOME", "~/chosen")
    assert home() == Path.home() / "chosen"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the rule of Linux")
def test_else_it_is_where_the_platform_keeps_caches(monkeypatch, tmp_path):
    assert home() == tmp_path / ".cache" / "imgfeat"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "elsewhere"))
    assert home() == tmp_path / "elsewhere" / "imgfeat"


def test_nothing_is_created(tmp_path):
    home()
    assert list(tmp_path.iterdir()) == []
