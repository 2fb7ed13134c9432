"""Tests for imgfeat/evaluation/audit/_quality.py."""

import tarfile

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from imgfeat.evaluation.audit._findings import COLUMNS, KINDS
from imgfeat.evaluation.audit._looks import look_at
from imgfeat.evaluation.audit._quality import quality_issues
from imgfeat.sources import load_sample
from tests.evaluation.audit._photos import photos
from tests.sources._files import encode, with_orientation


def find(images):
    """Row and kind of all findings."""
    issues = quality_issues(look_at(images))
    return list(zip(issues["row"], issues["kind"], strict=True))


def scaled(photo, towards, factor):
    return np.uint8(np.rint(towards + (photo.astype(float) - towards) * factor))


def blurred(photo):
    return np.array(Image.fromarray(photo).filter(ImageFilter.GaussianBlur(4)))


def placeholder(photo):
    picture = Image.new("RGB", photo.shape[1::-1], (245, 245, 245))
    ImageDraw.Draw(picture).text((20, 40), "no image", fill=(90, 90, 90))
    return np.array(picture)


FAULTS = {
    "one color": lambda photo: np.full_like(photo, 77),
    "one color, a placeholder": placeholder,
    "dark": lambda photo: scaled(photo, 0, 0.15),
    "bright": lambda photo: scaled(photo, 255, 0.2),
    "low contrast": lambda photo: scaled(photo, 128, 0.1),
    "blurred": blurred,
    "tiny": lambda photo: np.ascontiguousarray(photo[::10, ::10]),
    "odd aspect": lambda photo: np.ascontiguousarray(photo[:40, :120]),
    "odd size": lambda photo: photo.repeat(5, axis=0).repeat(5, axis=1),
    "odd mode": lambda photo: np.ascontiguousarray(photo[..., 1]),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_among_photos_is_found_and_nothing_else(fault):
    batch = list(photos())
    batch[5] = FAULTS[fault](batch[5])
    assert find(batch) == [(5, fault.partition(",")[0])]


@pytest.mark.parametrize("images", [photos(), load_sample("digits").images])
def test_photos_and_digits_have_no_findings(images):
    assert find(images) == []


@pytest.mark.parametrize("fault", ["dark", "bright", "low contrast", "blurred"])
def test_what_all_images_are_is_no_fault_but_no_edge_at_all_is(fault):
    assert find([FAULTS[fault](photo) for photo in photos()]) == []


def test_one_image_is_judged_alone():
    assert find(photos()[:1]) == []
    assert find([np.zeros((50, 50), np.uint8)]) == [(0, "one color")]


def files(tmp_path):
    photo = photos()[0]
    return {
        "ok.jpeg": (encode(photo, "JPEG"), None),
        "photo.2": (encode(photo, "JPEG"), None),
        "none": (encode(photo), None),
        "png.jpg": (encode(photo), "wrong suffix"),
        "jpg.txt": (encode(photo, "JPEG"), "wrong suffix"),
        "cut.jpg": (encode(photo, "JPEG")[:4000], "truncated"),
        "cut.png": (encode(photo)[:20000], "truncated"),
        "empty.jpg": (b"", "unreadable"),
        "page.jpg": (b"<html></html>", "unreadable"),
        "turned.jpg": (with_orientation(photo, 8, "JPEG"), "rotated by EXIF"),
    }


@pytest.mark.parametrize("name", files(None))
def test_files_are_judged_by_content_and_name(tmp_path, name):
    content, kind = files(tmp_path)[name]
    path = tmp_path / name
    path.write_bytes(content)
    expected = [] if kind is None else [(0, kind)]
    assert find([path]) == expected
    issues = quality_issues(look_at([path]))
    assert issues["path"].tolist() == [str(path)] * len(expected)


def test_a_file_that_is_cut_and_has_a_wrong_name_has_two_findings(tmp_path):
    path = tmp_path / "cut.png"
    path.write_bytes(encode(photos()[0], "JPEG")[:4000])
    assert find([path]) == [(0, "truncated"), (0, "wrong suffix")]


def test_findings_are_sentences_with_scores_in_a_fixed_form():
    batch = [FAULTS[fault](photos()[0]) for fault in FAULTS] + [b"", *photos()]
    issues = quality_issues(look_at(batch))
    assert tuple(issues.columns) == COLUMNS
    assert issues["kind"].isin(KINDS).all()
    assert issues["score"].between(0.5, 1).all()
    assert issues["what"].str.fullmatch(r"[A-Z0-9].*\.").all()
    assert issues["row"].dtype.kind == "i"
    assert (issues["group"] == -1).all()
    order = [KINDS.index(kind) for kind in issues["kind"]]
    assert order == sorted(order)


def test_nothing_found_is_an_empty_table_of_the_same_form():
    issues = quality_issues(look_at(photos()))
    assert tuple(issues.columns) == COLUMNS
    assert len(issues) == 0


def test_the_worse_fault_has_the_higher_score():
    batch = list(photos())
    for row, factor in ((2, 0.15), (7, 0.08)):
        batch[row] = scaled(batch[row], 0, factor)
    issues = quality_issues(look_at(batch))
    assert issues["row"].tolist() == [7, 2]


@pytest.mark.real_data
def test_among_ants_and_bees_the_placeholder_is_named(real_data, tmp_path):
    with tarfile.open(real_data / "hymenoptera.tar") as tar:
        members = [m for m in tar if "train/ants/" in m.name and m.isfile()]
        tar.extractall(tmp_path, members=members[:60], filter="data")
        rest = [m for m in members if m.name.endswith(".gif")]
        tar.extractall(tmp_path, members=rest, filter="data")
    issues = quality_issues(look_at(sorted(tmp_path.rglob("*.*"))))
    named = issues[issues["path"].str.endswith("imageNotFound.gif")]
    assert sorted(named["kind"]) == ["odd mode", "one color"]
