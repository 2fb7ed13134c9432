"""Tests for imgfeat/sources/_source.py."""

import io
import tempfile
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

from imgfeat.sources import ImageDecodeError
from imgfeat.sources._source import _file_digest, source_of, working_folder
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


def test_identity_of_a_file_is_that_of_the_caches_that_are_there():
    identity = _file_digest("cat.png", "/photos", 5, 6)
    assert identity.hex() == "1234f864f8e29b9f1f715b32b3d5e596"


def test_a_relative_path_is_known_by_where_it_leads(items, monkeypatch):
    path = Path(items["path"])
    full = source_of(path).identity()
    monkeypatch.chdir(path.parent)
    assert source_of("cat.png").identity() == full
    assert source_of("cat.png").identity(working_folder()) == full
    assert source_of("cat.png").identity("elsewhere") != full


def test_what_cannot_be_told_has_no_identity(tmp_path):
    with tempfile.TemporaryFile("w+") as text:
        for item in ("missing", tmp_path, "nul\0", np.array(["a", None]), None, text):
            assert source_of(item).identity() is None


def test_what_is_no_image_says_so():
    for use in ("open", "read", "decode"):
        with pytest.raises(ImageDecodeError, match="image 1: 3 of type int is not an"):
            getattr(source_of(3, 1), use)()
