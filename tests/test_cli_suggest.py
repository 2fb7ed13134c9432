"""Tests for imgfeat/_cli_suggest.py, as a user would type it."""

import csv
import os
import shutil
from pathlib import Path

import pytest

from imgfeat import load_image_folder, load_image_table, make_recipe
from tests._commands import rows_of as rows_of_result
from tests._commands import run
from tests._photos import write_photo_folder
from tests.deploy._saved import save_at


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return write_photo_folder(tmp_path_factory.mktemp("cli") / "photos", n_per_class=8)


@pytest.fixture(scope="module")
def model(photos, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.imgfeat"
    data = load_image_folder(photos)
    recipe = make_recipe("hog-lr", size=64, search=False)
    return save_at(recipe.fit(data.images, data.labels), path)


@pytest.fixture
def unlabelled(photos, tmp_path):
    folder = tmp_path / "inbox"
    folder.mkdir()
    for number, file in enumerate(sorted(photos.glob("*/*.jpg"))):
        shutil.copy(file, folder / f"{number:02}.jpg")
    return folder


def rows_of(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def fill_in(path, label="brick"):
    rows = rows_of(path)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows([row | {"label": label} for row in rows])


def test_the_csv_waits_for_labels_and_is_read_back(model, unlabelled, tmp_path):
    to = tmp_path / "lists" / "next.csv"
    to.parent.mkdir()
    shown = run("suggest", model, unlabelled, "-n", 5, "--out", to).output
    assert "5 images to label" in shown
    rows = rows_of(to)
    assert list(rows[0]) == ["path", "label", "predicted", "probability"]
    assert {row["label"] for row in rows} == {""}
    assert {row["predicted"] for row in rows} <= {"brick", "grass", "gravel"}
    assert all(1 / 3 < float(row["probability"]) <= 1 for row in rows)
    assert all(row["path"].startswith(os.path.join("..", "inbox")) for row in rows)
    fill_in(to)
    images = load_image_table(to).images
    assert {Path(path).resolve().parent for path in images} == {unlabelled.resolve()}
    assert len(set(images)) == 5


def test_without_a_file_the_rows_are_printed(model, unlabelled, tmp_path, monkeypatch):
    monkeypatch.chdir(unlabelled)
    run("suggest", model, ".", "-n", 4, "--out", "next.csv")
    printed = rows_of_result(run("suggest", model, ".", "-n", 4))
    assert printed == rows_of(Path("next.csv"))


def test_paths_are_right_from_any_folder_and_through_links(
    model, unlabelled, tmp_path, monkeypatch
):
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    (tmp_path / "link").symlink_to(deep)
    monkeypatch.chdir(unlabelled)
    run("suggest", model, "00.jpg", "01.jpg", "--out", Path("..", "link", "x.csv"))
    fill_in(deep / "x.csv")
    for table in (deep / "x.csv", tmp_path / "link" / "x.csv"):
        images = load_image_table(table).images
        assert sorted(Path(path).name for path in images) == ["00.jpg", "01.jpg"]


def test_names_that_look_like_formulas_are_found_again(model, unlabelled):
    for name in ("=1+1.jpg", "-x.jpg", " blank.jpg", "@a,b.jpg"):
        shutil.copy(unlabelled / "00.jpg", unlabelled / name)
    to = unlabelled / "next.csv"
    run("suggest", model, unlabelled, "-n", 28, "--out", to)
    assert not any(row["path"][0] in "=-@ '" for row in rows_of(to))
    fill_in(to)
    names = {Path(path).name for path in load_image_table(to).images}
    assert {"=1+1.jpg", "-x.jpg", " blank.jpg", "@a,b.jpg"} <= names


def test_bad_files_are_named_and_the_others_suggested(model, unlabelled, tmp_path):
    (unlabelled / "03.jpg").write_bytes(b"\xff\xd8\xff no more")
    to = tmp_path / "next.csv"
    result = run("suggest", model, unlabelled, "-n", 4, "--out", to, code=1)
    assert "left out" in result.stderr
    assert "03.jpg" in result.stderr
    assert "1 files could not be judged" in result.stderr
    assert "attrs" not in result.stderr
    assert len(rows_of(to)) == 4


def test_more_than_there_are_is_said(model, unlabelled, tmp_path):
    to = tmp_path / "next.csv"
    result = run("suggest", model, unlabelled, "--out", to)
    assert "all 24 images are suggested" in " ".join(result.stderr.split())
    assert len(rows_of(to)) == 24


def test_nothing_to_read_leaves_no_file_and_keeps_what_was_there(model, tmp_path):
    to = tmp_path / "next.csv"
    to.write_text("mine")
    result = run("suggest", model, tmp_path / "gone.jpg", "--out", to, code=2)
    assert "at least one image that can be read" in " ".join(result.stderr.split())
    assert to.read_text() == "mine"


def test_a_place_that_cannot_be_written_is_refused_first(model, unlabelled, tmp_path):
    to = tmp_path / "no" / "next.csv"
    result = run("suggest", model, unlabelled, "--out", to, code=2)
    assert "--out needs the name of a file" in " ".join(result.stderr.split())
