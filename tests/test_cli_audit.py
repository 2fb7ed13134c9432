"""Tests for imgfeat/_cli_audit.py, as a user would type it."""

import csv
import os
import shutil

import pytest
from PIL import Image

import imgfeat
from tests._commands import run
from tests._photos import write_photo_folder


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    return write_photo_folder(tmp_path_factory.mktemp("audit") / "photos", 12)


@pytest.fixture
def photos(sound, tmp_path):
    """A copy with a damaged file, a copy of a photo, and an empty picture."""
    folder = shutil.copytree(sound, tmp_path / "photos")
    first, second, *_ = sorted((folder / "brick").glob("*.jpg"))
    shutil.copy(first, folder / "brick" / "z, copy.jpg")
    second.write_bytes(b"no image")
    Image.new("L", (64, 64)).save(folder / "grass" / "empty.jpg")
    return folder


def rows_of(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_audit_counts_writes_and_says_what_next(photos, tmp_path):
    page, table, fixed = (tmp_path / name for name in ("a.html", "i.csv", "f.csv"))
    result = run(
        *("audit", photos, "--no-embeddings", "--jobs", 2),
        *("--out", page, "--csv", table, "--fixed", fixed),
    )
    for kind in ("unreadable", "one color", "exact duplicate"):
        assert kind in result.stdout
    assert "4 of 38 images have findings, of 3 kinds." in result.stdout
    said = " ".join(result.stderr.split())
    assert "Without embeddings" in said
    assert f"Corrected: {fixed}, 36 of 38 images" in said
    assert f"imgfeat train {fixed}" in said
    kinds = [row["kind"] for row in rows_of(table)]
    assert kinds == ["unreadable", "one color", *["exact duplicate"] * 2]
    assert "imgfeat" in page.read_text()
    assert all(os.path.isabs(row["path"]) for row in rows_of(fixed))


def test_the_corrected_table_can_be_trained_on(photos, tmp_path):
    fixed, model = tmp_path / "fixed.csv", tmp_path / "model.imgfeat"
    run("audit", photos, "--no-embeddings", "--fixed", fixed)
    result = run("train", fixed, "--recipe", "hog-svm", "--size", 64, "--out", model)
    assert "36 images of 3 classes" in result.stdout
    assert set(imgfeat.load(model).classes_) == {"brick", "grass", "gravel"}


def test_splits_of_the_corrected_table_are_those_of_the_folder(photos, tmp_path):
    whole, fixed = tmp_path / "whole", tmp_path / "fixed.csv"
    whole.mkdir()
    photos.rename(whole / "train")
    (whole / "val" / "brick").mkdir(parents=True)
    first = min((whole / "train" / "brick").glob("*.jpg"))
    shutil.copy(first, whole / "val" / "brick")
    result = run("audit", whole, "--no-embeddings", "--fixed", fixed)
    assert "duplicate across splits" in result.stdout
    # Both copies in train go, that in val stays.
    splits = [row["split"] for row in rows_of(fixed)]
    assert (splits.count("train"), splits.count("val")) == (35, 1)
    model = tmp_path / "model.imgfeat"
    result = run("train", fixed, "--recipe", "hog-svm", "--size", 64, "--out", model)
    assert "35 images of 3 classes" in result.stdout


def test_files_that_a_table_names_and_are_gone_are_findings(photos, tmp_path):
    data = tmp_path / "data.csv"
    good = sorted((photos / "gravel").glob("*.jpg"))[:2]
    data.write_text(f"path,label\n{good[0]},a\ngone.jpg,a\n{good[1]},b\n")
    fixed = tmp_path / "fixed.csv"
    result = run("audit", data, "--no-embeddings", "--fixed", fixed)
    assert "unreadable" in result.stdout and "gone.jpg" in result.stdout
    assert [row["path"] for row in rows_of(fixed)] == list(map(str, good))


def test_a_folder_of_images_needs_no_labels(photos, tmp_path):
    fixed = tmp_path / "fixed.csv"
    result = run("audit", photos / "brick", "--no-embeddings", "--fixed", fixed)
    assert "without labels" in result.stderr
    assert list(rows_of(fixed)[0]) == ["path"]
    assert "imgfeat train" not in result.stderr


def test_nothing_found_is_said(sound):
    result = run("audit", sound, "--no-embeddings")
    assert result.stdout.strip() == "Nothing was found in 36 images."


@pytest.mark.parametrize("option", ["--out", "--csv", "--fixed"])
def test_a_target_that_cannot_be_written_is_told_before_the_work(option, tmp_path):
    target = tmp_path / "missing" / "x"
    result = run("audit", tmp_path / "nowhere", option, target, code=2)
    assert f"{option} needs the name of a file in a folder" in result.stderr


def test_what_is_not_there_is_an_error_of_one_line(tmp_path):
    result = run("audit", tmp_path / "nowhere", code=2)
    assert "There is no CSV file" in result.stderr
    assert "Traceback" not in result.output
