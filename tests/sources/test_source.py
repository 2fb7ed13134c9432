"""Tests for imgfeat/sources/_source.py."""

import io
import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

from imgfeat.sources import ImageDecodeError
from imgfeat.sources._source import source_of
from tests.sources._files import encode


@pytest.fixture
def items(images, tmp_path):
    """One image in every form, by name."""
    path = tmp_path / "cat.png"
    path.write_bytes(encode(images[0]))
    return {
        "str": str(path),
        "numpy str": np.str_(path),
        "path": path,
        "bytes": encode(images[0]),
        "memoryview": memoryview(encode(images[0])),
        "file": io.BytesIO(encode(images[0])),
        "picture": Image.fromarray(images[0]),
        "array": images[0],
    }


def test_reads_and_names_every_form(items, images):
    for kind, item in items.items():
        source = source_of(item, 3)
        assert_array_equal(source.read(), images[0], err_msg=kind)
        assert_array_equal(source.decode(mode="rgb")[..., 1], images[0], err_msg=kind)
        has_path = kind in ("str", "numpy str", "path")
        assert source.name == (str(item) if has_path else "image 3")
        assert source.is_stored == has_path


def test_opens_what_is_encoded(items, images):
    pixels = "picture", "array"
    for kind, item in items.items():
        if kind in pixels:
            with pytest.raises(TypeError, match=r"behind image 3\. Got pixels, as"):
                source_of(item, 3).open()
        else:
            with source_of(item, 3).open() as file:
                assert file.read() == encode(images[0]), kind


def test_arrays_keep_their_dtype_unless_they_are_decoded(images):
    source = source_of(images[0] / 255)
    assert source.read().dtype == np.float64
    assert source.decode().dtype == np.uint8


def test_every_form_has_an_identity_that_stays(items):
    found = {kind: source_of(item).identity() for kind, item in items.items()}
    assert all(len(identity) == 16 for identity in found.values())
    assert found == {kind: source_of(item).identity() for kind, item in items.items()}
    # By where it is; by its content; by its pixels.
    assert found["str"] == found["path"] == found["numpy str"]
    assert found["bytes"] == found["memoryview"] == found["file"]
    assert len(set(found.values())) == 4


@pytest.mark.parametrize(
    "item, identity",
    [
        (b"ab", "4ca13bdc5d1f624bb5d0fc8dd433e2c9"),
        (
            np.array([[0, 1, 2], [3, 4, 5]], dtype="uint8"),
            "709ac33f97bb9c97655f79ac356f03d0",
        ),
        (Image.new("L", (2, 2), 7), "d86cbf20f56b1a18d55f3a0dd8436e3d"),
    ],
    ids=["bytes", "array", "picture"],
)
def test_identities_are_those_of_the_caches_that_are_there(item, identity):
    assert source_of(item).identity().hex() == identity


def test_a_relative_path_is_known_by_where_it_leads(items, monkeypatch):
    path = Path(items["path"])
    full = source_of(path).identity()
    monkeypatch.chdir(path.parent)
    assert source_of("cat.png").identity() == full
    assert source_of("cat.png").identity(lambda folder: "elsewhere") != full


def _same_times(path, state):
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))


def test_a_file_replaced_with_its_size_and_time_has_another_identity(tmp_path):
    path, other = tmp_path / "a", tmp_path / "b"
    path.write_bytes(b"ab")
    before, state = source_of(path).identity(), path.stat()
    other.write_bytes(b"ba")
    _same_times(other, state)
    other.replace(path)
    assert path.stat().st_mtime_ns == state.st_mtime_ns
    assert source_of(path).identity() != before


@pytest.mark.skipif(os.name == "nt", reason="Windows tells no time of such a change")
def test_a_file_written_over_with_its_size_and_time_has_another_identity(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"ab")
    # At once: within one tick of the clock both contents have the same times.
    before, state = source_of(path).identity(), path.stat()
    path.write_bytes(b"ba")
    _same_times(path, state)
    assert source_of(path).identity() != before


def test_a_path_through_a_link_is_known_by_where_it_leads(tmp_path):
    """``link/..`` is the folder that holds what the link leads to."""
    for folder in ("near", "far", "far/inner"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "b").write_bytes(folder.encode())
    link = tmp_path / "near" / "link"
    try:
        link.symlink_to(tmp_path / "far" / "inner", target_is_directory=True)
    except OSError:
        pytest.skip("links cannot be made here")
    found = source_of(f"{link}/../b").identity()
    assert found == source_of(tmp_path / "far" / "b").identity()
    through = source_of(link / "b").identity()
    assert through == source_of(tmp_path / "far" / "inner" / "b").identity()
    link.unlink()
    link.symlink_to(tmp_path / "far", target_is_directory=True)
    assert source_of(link / "b").identity() not in (None, through)


def test_what_cannot_be_told_has_no_identity(tmp_path):
    with tempfile.TemporaryFile("w+") as text:
        for item in ("missing", tmp_path, "nul\0", np.array(["a", None]), None, text):
            assert source_of(item).identity() is None


def test_what_is_no_image_says_so():
    for use in ("open", "read", "decode"):
        with pytest.raises(ImageDecodeError, match="image 1: 3 of type int is not an"):
            getattr(source_of(3, 1), use)()
