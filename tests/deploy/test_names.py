"""Tests for imgfeat/deploy/_names.py, and for files of earlier versions."""

import importlib
import json
import re
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
import sklearn

from imgfeat import list_recipes, load, save
from imgfeat._nesting import type_name, walk
from imgfeat.deploy._archive import read_bundle
from imgfeat.deploy._names import PUBLIC, migrate, publish

FILES = sorted(Path(__file__).parent.joinpath("files").glob("*.imgfeat"))
# An older scikit-learn does not run what a newer one has fitted, and `load` says so.
of_newer = pytest.mark.skipif(
    tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 8),
    reason="the files were written with scikit-learn 1.9",
)

# Recipes that came after format 1.
OF_FORMAT_2 = {"prototype"}
# Classes that came after format 1; tests of their own save and load them.
SINCE = {
    "imgfeat.estimators.LabelThresholds",
    "imgfeat.estimators.LabelVote",
    "imgfeat.estimators.LinearProbe",
    "imgfeat.estimators.OpenSet",
    "imgfeat.estimators.PairVerifier",
    "imgfeat.estimators.PlannedFolds",
    "imgfeat.estimators.RowSpace",
    "imgfeat.estimators.SlidingWindowDetector",
    "imgfeat.estimators.ZeroShotClassifier",
}


def modules_in(path):
    """The modules of ours that the model in a file names."""
    with ZipFile(BytesIO(read_bundle(path)[1]["model.skops"])) as archive:
        schema = archive.read("schema.json").decode()
    return set(re.findall(r'"__module__": "(imgfeat[^"]*)"', schema))


def test_there_is_an_old_file_of_every_recipe():
    assert set(list_recipes()["recipe"]) <= {path.stem for path in FILES}


@of_newer
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_old_file_loads_and_is_saved_in_todays_format(path, tmp_path):
    written = 2 if path.stem in OF_FORMAT_2 else 1
    assert read_bundle(path)[0]["format_version"] == written
    old = load(path)  # golden images and all
    for _, item in walk(old):
        if hasattr(item, "get_params"):
            item.get_params()  # parameters that came since are there
    save(old, tmp_path / "again.imgfeat")
    assert read_bundle(tmp_path / "again.imgfeat")[0]["format_version"] == 2
    rooms = modules_in(tmp_path / "again.imgfeat")
    assert rooms
    assert all(re.fullmatch(r"imgfeat\.\w+", room) for room in rooms)
    new = load(tmp_path / "again.imgfeat")
    images = np.random.default_rng(0).integers(0, 256, (4, 64, 64), dtype=np.uint8)
    np.testing.assert_array_equal(new.predict(images), old.predict(images))


@of_newer
def test_old_files_hold_every_class_that_can_be_saved():
    found = set()
    for path in FILES:
        found |= {type_name(item) for _, item in walk(load(path))}
    assert found >= PUBLIC - SINCE


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_public_name_leads_to_its_class(name):
    module, _, attribute = name.rpartition(".")
    kind = getattr(importlib.import_module(module), attribute)
    assert type_name(kind) == name


def test_publish_leaves_foreign_names_alone():
    schema = {"__module__": "sklearn.svm._classes", "content": [{"__module__": 3}]}
    before = json.dumps(schema)
    publish(schema)
    migrate(schema)
    assert json.dumps(schema) == before


def test_migrate_does_not_know_modules_that_never_were():
    schema = {"__module__": "imgfeat.features._other", "__class__": "HOG"}
    migrate(schema)
    assert schema["__module__"] == "imgfeat.features._other"
