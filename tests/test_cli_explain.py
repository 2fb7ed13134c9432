"""Tests for imgfeat/_cli_explain.py, as a user would type it."""

import pytest
from PIL import Image

import imgfeat
from tests._commands import run
from tests._photos import write_photo_folder


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return write_photo_folder(tmp_path_factory.mktemp("cli") / "photos", n_per_class=6)


@pytest.fixture(scope="module")
def model(photos, tmp_path_factory):
    found = imgfeat.load_image_folder(photos)
    recipe = imgfeat.make_recipe("hog-lr", size=64).fit(found.images, found.labels)
    path = tmp_path_factory.mktemp("model") / "model.imgfeat"
    imgfeat.save(recipe, path)
    return path


def test_every_image_gets_a_picture_and_a_line(model, photos, tmp_path):
    result = run("explain", model, photos, "--out", tmp_path / "looks")
    files = sorted(photos.glob("*/*.jpg"))
    pictures = list((tmp_path / "looks").iterdir())
    assert len(pictures) == len(files)
    assert "Method: hog" in result.stderr
    lines = result.stdout.splitlines()
    assert {line.rpartition(": ")[0] for line in lines} == set(map(str, pictures))
    with Image.open(files[0]) as photo, Image.open(pictures[0]) as picture:
        assert picture.size == (2 * photo.width, photo.height)


def test_another_class_can_be_asked_for(model, photos, tmp_path):
    path = sorted(photos.glob("*/*.jpg"))[0]
    kinds = sorted(folder.name for folder in photos.iterdir())
    for kind in kinds[:2]:
        result = run("explain", model, path, "--out", tmp_path, "--target", kind)
        assert f": {kind} " in result.stdout
    refused = run("explain", model, path, "--out", tmp_path, "--target", "x", code=2)
    assert "Got 'x'" in refused.stderr


def test_unreadable_files_are_named_and_the_others_explained(model, photos, tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    path = sorted(photos.glob("*/*.jpg"))[0]
    result = run("explain", model, broken, path, "--out", tmp_path / "looks", code=1)
    assert str(broken) in result.stderr
    assert "1 of 2 files could not be read." in result.stderr
    assert [file.stem for file in (tmp_path / "looks").iterdir()] == [path.stem]


def test_folder_that_cannot_be_made_is_refused_before_the_work(model, tmp_path):
    to = tmp_path / "file"
    to.write_text("no folder")
    # Were images read first, it would be said that there are none.
    refused = run("explain", model, tmp_path, "--out", to, code=2)
    shown = " ".join(refused.stderr.split())
    assert "--out needs a folder that can be written, or made" in shown
