"""Tests for imgfeat/_home.py."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import imgfeat
from imgfeat._home import (
    NoHomeError,
    check_temporary_folder,
    expanded,
    home,
    is_writable,
)


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


def no_home_is_known(monkeypatch):
    """As it is for a user whom the system does not know."""
    monkeypatch.setattr(os.path, "expanduser", os.fspath)


@pytest.mark.parametrize("chosen", [None, "~/cache"])
def test_user_without_a_home_is_told_what_to_set(monkeypatch, chosen):
    no_home_is_known(monkeypatch)
    if chosen:
        monkeypatch.setenv("IMGFEAT_HOME", chosen)
    with pytest.raises(NoHomeError, match="no home of the user; set IMGFEAT_HOME to"):
        home()


@pytest.mark.parametrize("given", ["~", "~/cache", "cache"])
def test_what_the_platform_names_is_never_below_the_current_folder(monkeypatch, given):
    monkeypatch.setattr("imgfeat._home.user_cache_path", lambda *_, **__: Path(given))
    with pytest.raises(NoHomeError, match="set IMGFEAT_HOME"):
        home()


def test_home_folders_are_expanded_and_other_names_left(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("~$letter.docx").mkdir()
    assert expanded("~/photos") == tmp_path / "photos"
    assert expanded(Path("~")) == tmp_path
    for name in ("photos", "a/~/b", "", "/a~"):
        assert expanded(name) == Path(name)
    # As in a shell, what is no user's name is a name.
    assert expanded("~$letter.docx") == Path("~$letter.docx")


@pytest.mark.parametrize("path", ["~", "~/photos", "~nobody-of-this-name/photos"])
def test_unknown_home_folder_is_refused(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "~").mkdir()  # some program's mistake
    no_home_is_known(monkeypatch)
    with pytest.raises(FileNotFoundError, match=f"{path} begins with a home folder"):
        expanded(path)


def test_writable_is_a_folder_that_takes_files(tmp_path):
    (tmp_path / "file").write_text("")
    assert is_writable(tmp_path / "a" / "b")
    assert list((tmp_path / "a").rglob("*")) == [tmp_path / "a" / "b"]
    assert not is_writable(tmp_path / "file" / "b")


def test_lack_of_a_folder_for_temporary_files_names_what_to_set(monkeypatch):
    check_temporary_folder("This")

    def none_found():
        raise FileNotFoundError("No usable temporary directory found")

    monkeypatch.setattr(tempfile, "gettempdir", none_found)
    with pytest.raises(FileNotFoundError, match=r"This needs a folder.*set TMPDIR"):
        check_temporary_folder("This")


_IN_A_REMOVED_FOLDER = """
import os, sys
os.rmdir(os.getcwd())
try:
    import imgfeat.cli
except FileNotFoundError as error:
    print(error)
import types
sys.modules["torch"] = types.ModuleType("torch")  # whoever has it can go on
import imgfeat
"""


@pytest.mark.skipif(os.name == "nt", reason="no process stands in its folder there")
def test_removed_folder_is_named_before_torch_ends_the_process(tmp_path):
    (tmp_path / "gone").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", _IN_A_REMOVED_FOLDER],
        cwd=tmp_path / "gone",
        env=os.environ | {"PYTHONPATH": str(Path(imgfeat.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "a current folder that exists" in done.stdout
    assert "change to another (cd)" in done.stdout
