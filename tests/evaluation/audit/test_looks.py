"""Tests for imgfeat/evaluation/audit/_looks.py and _one_look.py."""

import io
import os

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

from imgfeat.evaluation.audit._looks import look_at
from tests.evaluation.audit._photos import SIZE, photos
from tests.sources._files import encode, with_orientation


@pytest.fixture
def folder(tmp_path):
    """Files of three formats, two of them broken."""
    photo = photos()[0]
    (tmp_path / "a.png").write_bytes(encode(photo))
    (tmp_path / "b.JPG").write_bytes(with_orientation(photo, 6, "JPEG"))
    (tmp_path / "c.jpg").write_bytes(encode(photo, "JPEG")[:3000])
    (tmp_path / "d.jpg").write_bytes(b"")
    (tmp_path / "e.gif").write_bytes(encode(photo[..., 0], "GIF"))
    return tmp_path


def test_every_file_has_a_row_with_what_its_header_says(folder):
    table = look_at(sorted(map(str, folder.iterdir()))).table
    assert table["path"].map(os.path.basename).tolist() == sorted(os.listdir(folder))
    assert table["format"].tolist() == ["PNG", "JPEG", "JPEG", "", "GIF"]
    assert table["suffix"].tolist() == [".png", ".jpg", ".jpg", ".jpg", ".gif"]
    assert table["orientation"].tolist() == [1, 6, 1, 1, 1]
    height, width = SIZE
    assert table["width"].tolist() == [width, height, width, -1, width]
    assert table["height"].tolist() == [height, width, height, -1, height]


def test_a_broken_file_says_why_and_has_no_measurements(folder):
    looks = look_at(sorted(folder.iterdir()))
    assert looks.is_read.tolist() == [True, True, False, False, True]
    assert "truncated" in looks.table["error"][2]
    assert looks.table["error"][3] == "it is empty (0 bytes); replace or remove it"
    assert looks.table.loc[[2, 3], ["p50", "plain", "edge_width"]].isna().all(axis=None)
    assert looks.thumbnails[2:4].max() == 0
    assert looks.digests[2:4].tolist() == ["", ""]
    assert repr(looks) == "Looks(5 images, 2 of them unreadable)"


@pytest.mark.parametrize(
    "item",
    ["/no/such.jpg", "\0.jpg", "x" * 5000, b"text", 3, None, np.zeros((4, 4, 7))]
    + [np.full((4, 4), np.nan), np.full((4, 4), 300.0), io.BytesIO(b"x")],
    ids=lambda item: repr(item)[:20],
)
def test_whatever_cannot_be_read_is_a_row_with_a_reason(item):
    looks = look_at([photos()[0], item])
    assert looks.is_read.tolist() == [True, False]
    assert looks.table["error"][1]


def test_one_picture_in_any_kind_looks_the_same(tmp_path):
    photo = photos()[1]
    path = tmp_path / "photo.png"
    path.write_bytes(encode(photo))
    stream = io.BytesIO(encode(photo))
    kinds = [photo, photo / 255, path, str(path), encode(photo), stream]
    looks = look_at([*kinds, Image.fromarray(photo)])
    assert looks.is_read.all()
    assert len(set(looks.digests)) == 1
    assert len(set(looks.hashes)) == 1
    measured = looks.table.loc[:, "p1":"edge_width"]
    assert (measured == measured.iloc[0]).all(axis=None)


def test_a_stream_that_can_be_read_once_is_read_once():
    class Pipe(io.BytesIO):
        def seekable(self):
            return False

        def seek(self, *_):
            raise io.UnsupportedOperation("seek")

    looks = look_at([Pipe(encode(photos()[1])), photos()[1]])
    assert looks.digests[0] == looks.digests[1]


def test_thumbnails_are_gray_only_if_all_images_are():
    gray = np.random.default_rng(0).integers(0, 256, (3, 40, 50), dtype=np.uint8)
    assert look_at(gray).thumbnails.shape == (3, 32, 32)
    mixed = look_at([gray[0], photos()[0]])
    assert mixed.thumbnails.shape == (2, 32, 32, 3)
    assert_array_equal(mixed.thumbnails[0, ..., 0], mixed.thumbnails[0, ..., 2])
    assert mixed.table["mode"].tolist() == ["L", "RGB"]


def test_threads_change_nothing():
    batch = np.tile(photos(), (12, 1, 1, 1))
    one, two = look_at(batch), look_at(batch, n_jobs=2)
    pd.testing.assert_frame_equal(one.table, two.table)
    assert_array_equal(one.hashes, two.hashes)
    assert_array_equal(one.digests, two.digests)


def test_a_link_leads_to_the_place_of_its_file(folder):
    (folder / "link.png").symlink_to(folder / "a.png")
    paths = [
        folder / "a.png",
        folder / "link.png",
        folder / ".." / folder.name / "a.png",
    ]
    assert look_at(paths).table["place"].nunique() == 1


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ([], "minimum of 1 is required"),
        ("photo.jpg", "put it in a list"),
        (np.full((2, 8, 8), 200.0), "divide by 255"),
    ],
)
def test_what_is_no_batch_is_refused(images, message):
    with pytest.raises(ValueError, match=message):
        look_at(images)
