"""Tests for imgfeat/studies/_kept_looks.py."""

import numpy as np
import pytest
from PIL import Image
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from imgfeat.features import HOG, cache_info
from imgfeat.sources import ImageReader
from imgfeat.studies._kept_looks import keep_pictures

LABELS = ["a", "b"] * 3


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("IMGFEAT_HOME", str(tmp_path / "home"))


@pytest.fixture
def paths(tmp_path):
    found = []
    for seed in range(6):
        pixels = np.random.default_rng(seed).integers(0, 256, (20, 20, 3), np.uint8)
        found.append(str(tmp_path / f"{seed}.png"))
        Image.fromarray(pixels).save(found[-1])
    return np.array(found, dtype=object)


@pytest.fixture
def model(paths):
    reader = ImageReader((16, 16), mode="gray")
    return make_pipeline(reader, HOG(), LogisticRegression()).fit(paths, LABELS)


def drawn(model, images, say=("one", None)):
    """What is kept, and whether it had to be drawn."""
    calls = []

    def draw():
        calls.append(1)
        return list(say)

    return keep_pictures(model, images, draw), bool(calls)


def test_pictures_are_drawn_once(model, paths):
    assert drawn(model, paths[:2]) == (["one", None], True)
    assert drawn(model, paths[:2], say="x") == (["one", None], False)
    assert len(cache_info()) == 1
    assert "HOG, LogisticRegression" in cache_info().loc[0, "transformer"]


def test_an_equal_model_of_another_process_has_the_same(model, paths):
    drawn(model, paths[:2])
    other = clone(model).fit(paths, LABELS)
    assert drawn(other, paths[:2], say="x") == (["one", None], False)


def test_another_model_or_other_images_are_drawn_anew(model, paths):
    drawn(model, paths[:2])
    other = clone(model).fit(paths, LABELS[::-1])
    assert drawn(other, paths[:2], say="x") == (["x"], True)
    assert drawn(model, paths[1:3], say="y") == (["y"], True)
    Image.new("RGB", (20, 20)).save(paths[0])
    assert drawn(model, paths[:2], say="z") == (["z"], True)


def test_a_model_that_cannot_be_told_from_others_is_not_kept(paths):
    own = FunctionTransformer(lambda rows: rows)
    model = make_pipeline(ImageReader((16, 16), mode="gray"), HOG(), own)
    model = make_pipeline(model, LogisticRegression()).fit(paths, LABELS)
    for _ in range(2):
        assert drawn(model, paths[:2]) == (["one", None], True)


def test_a_file_that_is_gone_is_not_kept(model, paths):
    for _ in range(2):
        missing = np.append(paths[:1], "gone.png")
        assert drawn(model, missing) == (["one", None], True)


def test_a_file_that_changes_meanwhile_is_not_kept(model, paths):
    def draw():
        Image.new("RGB", (30, 30)).save(paths[0])
        return ["of before or after"]

    keep_pictures(model, paths[:1], draw)
    assert drawn(model, paths[:1], say="x") == (["x"], True)
