"""Tests for imgfeat/_cli_export.py, as a user would type it."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import imgfeat
from imgfeat.features import LBP
from imgfeat.sources import ImageReader
from tests._commands import run

onnxruntime = pytest.importorskip("onnxruntime")
pytestmark = pytest.mark.onnx

IMAGES = np.random.default_rng(0).integers(0, 256, (12, 40, 50, 3), dtype=np.uint8)
LABELS = ["cat", "dog"] * 6


def test_saved_model_comes_as_onnx(tmp_path):
    model = imgfeat.make_recipe("hog-lr", size=32).fit(list(IMAGES), LABELS)
    imgfeat.save(model, tmp_path / "model.imgfeat")
    path = tmp_path / "model.onnx"
    result = run("export", tmp_path / "model.imgfeat", path)
    assert result.stdout.startswith(f"{path}: 0.")
    assert "from images to probabilities and label; within " in result.stdout
    found = onnxruntime.InferenceSession(path).run(None, {"images": IMAGES})[0]
    assert_allclose(found, model.predict_proba(IMAGES), atol=1e-5)


def test_what_cannot_be_exported_is_said_in_a_line(tmp_path):
    model = make_pipeline(ImageReader(32, mode="gray"), LBP(), LogisticRegression())
    imgfeat.save(model.fit(list(IMAGES), LABELS), tmp_path / "model.imgfeat")
    result = run("export", tmp_path / "model.imgfeat", tmp_path / "model.onnx", code=2)
    assert "'lbp' (LBP): there are no operators for what it does" in " ".join(
        result.stderr.split()
    )
    assert [file.name for file in tmp_path.iterdir()] == ["model.imgfeat"]


def test_place_is_looked_at_before_the_model(tmp_path):
    result = run("export", tmp_path / "none", tmp_path / "no" / "x.onnx", code=2)
    assert "There is no folder" in result.stderr
