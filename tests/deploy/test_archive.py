"""Tests for imgfeat/deploy/_archive.py."""

import errno
import json
import os
import resource
import socket
import time
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from imgfeat.deploy import BundleError, _archive, load, save
from imgfeat.deploy._archive import MANIFEST, check_target, read_bundle
from tests.deploy._forge import members_of, reseal, rewrite, write_sealed_zip


def test_flipped_byte_anywhere_is_an_error(saved):
    data = saved.read_bytes()
    with open(saved, "r+b", buffering=0) as file:
        for position in range(len(data)):
            file.seek(position)
            file.write(bytes([data[position] ^ (1 << position % 8)]))
            with pytest.raises(BundleError, match=r"damaged|not written by imgfeat"):
                load(saved)
            file.seek(position)
            file.write(data[position : position + 1])
    load(saved)


def test_file_cut_anywhere_is_an_error(saved):
    data = saved.read_bytes()
    for length in [*range(0, len(data), 97), len(data) - 1]:
        saved.write_bytes(data[:length])
        with pytest.raises(BundleError, match=r"cut short|not written by imgfeat"):
            load(saved)


@pytest.mark.parametrize("where", ["before", "after", "inside"])
def test_added_bytes_are_an_error(saved, where):
    data = saved.read_bytes()
    middle = len(data) // 2
    longer = {
        "before": b"\0" + data,
        "after": data + b"\0",
        "inside": data[:middle] + b"\0" + data[middle:],
    }
    saved.write_bytes(longer[where])
    with pytest.raises(BundleError, match=r"damaged|not written by imgfeat"):
        load(saved)


def test_flip_under_a_forged_seal_is_harmless_or_an_error(saved, fitted, digits):
    data = saved.read_bytes()
    for position in range(0, len(data) - 64, 41):
        flipped = bytearray(data)
        flipped[position] ^= 0xFF
        reseal(saved, bytes(flipped))
        try:
            loaded = load(saved)
        except BundleError:
            continue
        # A date, say: nothing that anyone reads.
        assert (loaded.predict(digits[0]) == fitted.predict(digits[0])).all()


@pytest.mark.parametrize("content", [b"", b"x", b"PK", b"\x89PNG\r\n\x1a\n" * 50])
def test_other_file_is_said_to_be_none_of_ours(tmp_path, content):
    path = tmp_path / "model.imgfeat"
    path.write_bytes(content)
    with pytest.raises(BundleError, match=r"model\.imgfeat (was not written|is cut)"):
        load(path)


def test_plain_zip_is_not_a_bundle(tmp_path):
    path = tmp_path / "model.imgfeat"
    with ZipFile(path, "w") as archive:
        archive.writestr("manifest.json", "{}")
    with pytest.raises(BundleError, match="no seal"):
        load(path)


def test_missing_file_and_folder_say_what_to_do(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no file .*none\.imgfeat; check"):
        load(tmp_path / "none.imgfeat")
    with pytest.raises(IsADirectoryError, match="is a folder; name the file in it"):
        load(tmp_path)


def test_newer_format_asks_for_a_newer_imgfeat(saved):
    rewrite(saved, lambda manifest, parts: manifest.update(format_version=3))
    with pytest.raises(BundleError, match="format 3; install the imgfeat that wrote"):
        load(saved)


@pytest.mark.parametrize("version", [True, 2.0, "2", None, [2]])
def test_format_that_is_no_integer_is_refused(saved, version):
    rewrite(saved, lambda manifest, parts: manifest.update(format_version=version))
    with pytest.raises(BundleError, match="has format"):
        load(saved)


@pytest.mark.parametrize(
    "name",
    ["../evil", "/etc/passwd", "golden/../x.npy", "golden\\x.npy", "model.pkl", ""],
)
def test_member_with_another_name_is_refused(saved, name):
    rewrite(saved, lambda manifest, parts: parts.update({name: b"x"}))
    with pytest.raises(BundleError, match="unexpected or missing members"):
        load(saved)


def test_member_outside_of_the_manifest_is_refused(saved):
    write_sealed_zip(saved, [*members_of(saved), ("golden/image7.npy", b"")])
    with pytest.raises(BundleError, match="unexpected or missing members"):
        load(saved)


def test_missing_member_is_refused(saved):
    write_sealed_zip(saved, members_of(saved)[:-1])
    with pytest.raises(BundleError, match="unexpected or missing members"):
        load(saved)


def test_doubled_member_is_refused(saved):
    members = members_of(saved)
    with pytest.warns(UserWarning, match="Duplicate name"):
        write_sealed_zip(saved, [*members, members[-1]])
    with pytest.raises(BundleError, match="doubled"):
        load(saved)


def test_compressed_members_are_refused_before_they_unfold(saved):
    write_sealed_zip(saved, members_of(saved), ZIP_DEFLATED)
    with pytest.raises(BundleError, match="compressed"):
        load(saved)


def test_exchanged_parts_do_not_match_their_hashes(saved):
    members = dict(members_of(saved))
    members["golden/image0.npy"] = members["golden/image1.npy"]
    write_sealed_zip(saved, members.items())
    with pytest.raises(
        BundleError, match=r"golden/image0\.npy does not match its hash"
    ):
        load(saved)


@pytest.mark.parametrize(
    "text",
    ["", "[1]", "{}", "[" * 100_000, '{"format": "imgfeat bundle"}', "\xff"],
)
def test_strange_manifest_is_refused(saved, text):
    write_sealed_zip(
        saved, [(MANIFEST, text.encode("latin-1")), *members_of(saved)[1:]]
    )
    with pytest.raises(
        BundleError, match=r"JSON|not written by imgfeat|has format None"
    ):
        load(saved)


@pytest.mark.parametrize("parts", [None, [], {"model.skops": 3}])
def test_manifest_with_strange_parts_is_refused(saved, parts):
    manifest = json.loads(members_of(saved)[0][1]) | {"parts": parts}
    members = [(MANIFEST, json.dumps(manifest)), *members_of(saved)[1:]]
    write_sealed_zip(saved, members)
    with pytest.raises(BundleError, match=r"lists no parts|unexpected or missing"):
        load(saved)


def only_old_file_is_left(path, old):
    return list(path.parent.iterdir()) == [path] and path.read_bytes() == old


def test_full_disk_leaves_the_old_file_and_nothing_else(saved, fitted, monkeypatch):
    old = saved.read_bytes()

    def fail(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match=r"No space left.*What was there is unchanged"):
        save(fitted.set_params(logisticregression__C=7), saved)
    assert only_old_file_is_left(saved, old)


def test_write_that_ends_midway_leaves_the_old_file(saved, fitted):
    old = saved.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(old) // 2, limits[1]))
    try:
        with pytest.raises(OSError, match=r"Cannot write .*File too large"):
            save(fitted, saved)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert only_old_file_is_left(saved, old)


def test_interruption_leaves_the_old_file_and_nothing_else(saved, fitted, monkeypatch):
    old = saved.read_bytes()

    def interrupt(*arguments):
        raise KeyboardInterrupt("Ctrl-C")

    monkeypatch.setattr("os.replace", interrupt)
    with pytest.raises(KeyboardInterrupt, match="Ctrl-C"):
        save(fitted, saved)
    assert only_old_file_is_left(saved, old)


def test_interruption_without_an_old_file_leaves_nothing(fitted, tmp_path, monkeypatch):
    def interrupt(descriptor):
        raise KeyboardInterrupt("Ctrl-C")

    monkeypatch.setattr("os.fsync", interrupt)
    with pytest.raises(KeyboardInterrupt, match="Ctrl-C"):
        save(fitted, tmp_path / "model.imgfeat")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("umask, mode", [(0o022, 0o644), (0o077, 0o600)])
def test_umask_decides_who_may_read_the_file(fitted, tmp_path, umask, mode):
    path = tmp_path / "model.imgfeat"
    before = os.umask(umask)
    try:
        save(fitted, path)
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == mode


@pytest.mark.parametrize("mode", [0o640, 0o600, 0o664, 0o444])
def test_mode_of_the_old_file_is_kept(saved, fitted, mode):
    saved.chmod(mode)
    old = saved.stat().st_ino
    save(fitted, saved)
    assert saved.stat().st_ino != old
    assert saved.stat().st_mode & 0o7777 == mode


def test_own_stale_files_are_swept_and_no_others(saved, fitted):
    hexes = "0123456789abcdef" * 2
    names = {
        "stale": f".{saved.name}.{hexes}",
        "young": f".{saved.name}.{hexes[::-1]}",
        "of another": f".other.imgfeat.{hexes}",
        "alike": f".{saved.name}.{hexes[:-1]}",
    }
    for kind, name in names.items():
        saved.with_name(name).write_bytes(b"left")
        age = 60 if kind == "young" else 2 * 24 * 3600
        then = time.time() - age
        os.utime(saved.with_name(name), (then, then))
    save(fitted, saved)
    left = {path.name for path in saved.parent.iterdir()}
    assert left == {saved.name, names["young"], names["of another"], names["alike"]}


@pytest.mark.parametrize("letter", ["m", "\u00e4", "\u732b"])
def test_name_of_255_bytes_is_written_and_read(fitted, digits, tmp_path, letter):
    n_letters = (255 - len(".imgfeat")) // len(letter.encode())
    path = tmp_path / f"{letter * n_letters}.imgfeat"
    for _ in range(2):
        save(fitted, path)
    assert list(tmp_path.iterdir()) == [path]
    assert (load(path).predict(digits[0]) == fitted.predict(digits[0])).all()


def test_fifo_and_socket_are_neither_replaced_nor_waited_for(fitted, tmp_path):
    fifo, link = tmp_path / "fifo.imgfeat", tmp_path / "link.imgfeat"
    os.mkfifo(fifo)
    link.symlink_to(fifo)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        for path in (fifo, link, tmp_path / "socket", Path(os.devnull)):
            with pytest.raises(FileExistsError, match="is a FIFO, a socket or a dev"):
                save(fitted, path)
            with pytest.raises(BundleError, match="is a FIFO, a socket or a device"):
                load(path)
    assert fifo.is_fifo()
    assert len(list(tmp_path.iterdir())) == 3


def test_directory_of_a_million_members_is_refused_unread(saved):
    data = saved.read_bytes()
    reseal(saved, data[:-79] + b"PK\x01\x02" * 20_000 + data[-79:])
    with pytest.raises(BundleError, match="too many members"):
        load(saved)


def test_link_stays_a_link_and_its_target_is_replaced(saved, fitted, tmp_path):
    link = tmp_path / "latest.imgfeat"
    link.symlink_to(saved.name)
    old = saved.stat().st_ino
    save(fitted, link)
    assert link.is_symlink()
    assert saved.stat().st_ino != old
    load(link)


def test_target_that_cannot_be_a_file_says_so(fitted, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no folder .*; create it first"):
        save(fitted, tmp_path / "nowhere" / "model.imgfeat")
    with pytest.raises(IsADirectoryError, match="needs a file name"):
        save(fitted, tmp_path)


def test_parts_come_back_as_they_were(saved):
    manifest, parts = read_bundle(saved)
    assert list(manifest["parts"]) == list(parts)
    assert [name for name, _ in members_of(saved)] == [MANIFEST, *parts]


def test_folder_that_takes_no_files_is_named_before_the_work(tmp_path, monkeypatch):
    path = tmp_path / "model.imgfeat"
    assert check_target(path) == path
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(_archive, "is_writable", lambda folder: folder != tmp_path)
    message = r"Cannot write .*model\.imgfeat, as nothing .* its folder; choose"
    with pytest.raises(PermissionError, match=message):
        check_target(path)
