"""Tests for imgfeat/_frames.py: tables of any text, whatever pandas keeps text in."""

import ast
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import imgfeat
from imgfeat._frames import make_frame, make_index, make_series
from imgfeat.evaluation import audit_images, find_similar, suggest
from imgfeat.sources import list_unreadable, load_image_folder
from tests._photos import write_photo_folder

ROOT = Path(imgfeat.__file__).parent
NOT_UTF8 = os.fsdecode(b"caf\xe9")
MAKERS = {"DataFrame", "Series", "Index"}


def test_text_that_is_not_utf8_is_kept():
    frame = make_frame({"path": [NOT_UTF8, "b"], "n": [1, 2]})
    assert frame["path"].tolist() == [NOT_UTF8, "b"]
    assert frame["n"].dtype == np.int64
    assert make_series([NOT_UTF8]).tolist() == make_index([NOT_UTF8]).tolist()
    assert pd.concat([frame, frame])["path"].tolist() == [NOT_UTF8, "b"] * 2


def test_options_of_pandas_stay_as_they_are():
    before = pd.get_option("mode.string_storage")
    make_frame({"path": ["a"]})
    assert pd.get_option("mode.string_storage") == before


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=str)
def test_every_table_of_ours_is_made_there(path):
    calls = [
        node.lineno
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in MAKERS
    ]
    # Which testing.py makes as its users do.
    exempt = path.name in ("_frames.py", "_image_kinds.py", "testing.py")
    assert not calls or exempt, f"lines {calls}: use make_frame"


@pytest.fixture
def folder(tmp_path):
    """Photos with names that are not UTF-8, and a file that is no image."""
    folder = write_photo_folder(tmp_path / "photos", n_per_class=6)
    for file in sorted(folder.glob("*/*.jpg")):
        file.rename(file.with_name(NOT_UTF8 + file.name))
    (folder / "brick" / f"{NOT_UTF8}.jpg").write_bytes(b"no image")
    return folder


def test_files_whose_names_are_not_utf8_pass_everywhere(folder, tmp_path):
    data = load_image_folder(folder)
    assert data.frame["path"].tolist() == data.images.tolist()
    (bad,) = list_unreadable(data.images)["path"]
    issues = audit_images(data.images, data.labels, embeddings=None)
    assert bad in issues.issues["path"].tolist()
    issues.save_html(tmp_path / "audit.html")
    is_good = data.images != bad
    images, labels = data.images[is_good], data.labels[is_good]
    model = imgfeat.make_recipe("hog-lr", size=32).fit(images, labels)
    evaluation = imgfeat.evaluate(model, images, labels)
    assert evaluation.predictions["image"].tolist() == images.tolist()
    evaluation.save_html(tmp_path / "evaluation.html")
    assert set(find_similar(model, images, images[:2])["path"]) <= set(images)
    assert set(suggest(model, images, 3)["path"]) <= set(images)


def test_class_whose_name_is_no_text_is_refused(folder):
    (folder / "brick").rename(folder / NOT_UTF8)
    with pytest.raises(ValueError, match=r"in UTF-8 for its classes. Got 'caf\\udce9'"):
        load_image_folder(folder)
