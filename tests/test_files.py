"""Tests for imgfeat/_files.py."""

import errno
import os
import signal
import subprocess
import sys
import threading

import pytest

from imgfeat import _files
from imgfeat._files import replacing, spare_folder, unique_stems, write_atomic
from tests._hangs import HANGS_S


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "model.bin"
    path.write_bytes(b"old")
    return path


def names_beside(path):
    return sorted(other.name for other in path.parent.iterdir())


def test_file_appears_whole_at_the_end_and_not_before(path):
    with replacing(path) as file:
        file.write(b"ne")
        file.flush()
        assert path.read_bytes() == b"old"
        file.write(b"w")
    assert path.read_bytes() == b"new"
    assert names_beside(path) == ["model.bin"]


def test_new_file_may_be_read_back_before_it_counts(tmp_path):
    with replacing(str(tmp_path / "new")) as file:
        file.write(b"abc")
        file.seek(1)
        assert file.read() == b"bc"
    assert (tmp_path / "new").read_bytes() == b"abc"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_error_inside_leaves_the_old_file_and_nothing_else(path, error):
    with pytest.raises(error, match="half way"), replacing(path) as file:
        file.write(b"n")
        raise error("half way")
    assert path.read_bytes() == b"old"
    assert names_beside(path) == ["model.bin"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_interruption_at_the_end_leaves_the_old_file(path, monkeypatch, step):
    def interrupt(*arguments):
        raise KeyboardInterrupt(step)

    monkeypatch.setattr(os, step, interrupt)
    with pytest.raises(KeyboardInterrupt, match=step):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert names_beside(path) == ["model.bin"]


def test_first_error_is_the_one_that_is_told(path, monkeypatch):
    def refuse(file):
        raise PermissionError("cannot tidy up")

    monkeypatch.setattr(os, "unlink", refuse)
    with pytest.raises(ValueError, match="half way"), replacing(path):
        raise ValueError("half way")


def test_a_full_disk_names_the_file_that_was_to_be_written(path, monkeypatch):
    def fail(*arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match=r"No space left.*'.*/model.bin'$") as caught:
        write_atomic(path, b"new")
    assert caught.value.filename == str(path)
    assert names_beside(path) == ["model.bin"]


def test_an_error_of_a_file_that_is_read_meanwhile_names_that_one(path, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"other'$"), replacing(path):
        (tmp_path / "other").read_bytes()
    with pytest.raises(OSError, match=r"^\[Errno 5\] reset$"), replacing(path):
        raise OSError(errno.EIO, "reset")


def test_a_folder_in_the_place_of_the_file_is_named(tmp_path):
    place = tmp_path / "here"
    place.mkdir()
    with pytest.raises(OSError, match=r"\] [^:]*: '[^.>]*here'$"):
        write_atomic(place, b"new")


def test_bytes_reach_the_disk_before_the_name_does(path, monkeypatch):
    order = []
    fsync, replace = os.fsync, os.replace

    def note_fsync(descriptor):
        order.append(("fsync", os.fstat(descriptor).st_size))
        fsync(descriptor)

    def note_replace(source, target):
        order.append(("replace", os.stat(source).st_size))
        replace(source, target)

    monkeypatch.setattr(_files.os, "fsync", note_fsync)
    monkeypatch.setattr(_files.os, "replace", note_replace)
    write_atomic(path, b"12345")
    assert order[:2] == [("fsync", 5), ("replace", 5)]
    order.clear()
    with replacing(path, durable=False) as file:
        file.write(b"123")
    assert order == [("replace", 3)]
    assert path.read_bytes() == b"123"


def test_missing_folder_is_the_systems_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        write_atomic(tmp_path / "nowhere" / "file", b"")


def test_writers_at_the_same_time_do_not_mix(path):
    barrier = threading.Barrier(8, timeout=HANGS_S)

    def write(number):
        with replacing(path) as file:
            for _ in range(100):
                file.write(bytes([number]) * 100)
            barrier.wait()

    threads = [threading.Thread(target=write, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    content = path.read_bytes()
    assert len(content) == 10_000 and len(set(content)) == 1
    assert names_beside(path) == ["model.bin"]


def test_killed_writer_leaves_the_old_file_under_its_name(path):
    code = (
        "import os, signal, sys\n"
        "from imgfeat._files import replacing\n"
        "with replacing(sys.argv[1]) as file:\n"
        "    file.write(b'n'); file.flush()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.read_bytes() == b"old"
    left = [name for name in names_beside(path) if name != "model.bin"]
    assert all(name.startswith(".model.bin.") for name in left)


def test_spare_folder_is_elsewhere_only_without_one_for_temporary_files(
    tmp_path, monkeypatch
):
    with spare_folder(tmp_path) as folder:
        assert os.path.dirname(folder) != str(tmp_path)
    monkeypatch.setattr(_files, "has_temporary_folder", lambda: False)
    with spare_folder(tmp_path) as folder:
        assert os.path.dirname(folder) == str(tmp_path)
    assert not os.path.exists(folder)


_OPEN_ONE = """
import os, sys
for descriptor in range(3):
    os.close(descriptor)
from imgfeat._files import fill_closed_streams
fill_closed_streams()
with open(sys.argv[1], "w") as file:
    os.system("echo what a library says; echo and complains >&2")
    file.write(str(file.fileno() > 2))
"""


@pytest.mark.skipif(os.name == "nt", reason="streams have no numbers there")
def test_what_libraries_say_to_closed_streams_is_not_written_to_files(tmp_path):
    path = tmp_path / "table.csv"
    subprocess.run([sys.executable, "-c", _OPEN_ONE, path], check=True)
    assert path.read_text() == "True"


def test_stems_are_each_other_s_only_ones():
    paths = ["a/ant.jpg", "b/Ant.png", "c/ant.tiff", "ant-2", "bee.v2.jpg"]
    assert unique_stems(paths) == ["ant", "Ant-2", "ant-3", "ant-2-2", "bee.v2"]
