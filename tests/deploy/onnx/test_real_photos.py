"""Exported recipes on photos of ants and bees: the same labels and probabilities."""

import json
import tarfile

import numpy as np
import pytest

from imgfeat import load_image_folder, make_recipe
from imgfeat.deploy import export_onnx
from imgfeat.sources import decode_image

onnxruntime = pytest.importorskip("onnxruntime")
pytestmark = [pytest.mark.onnx, pytest.mark.real_data]

RECIPES = ["hog-lr", "hog-svm"]
RECIPES += [
    pytest.param(name, marks=pytest.mark.slow)
    for name in ("cnn-lr", "cnn-svm", "cnn-ridge")
]


@pytest.fixture(scope="module")
def photos(real_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    with tarfile.open(real_data / "hymenoptera.tar") as tar:
        tar.extractall(folder, filter="data")
    return load_image_folder(folder / "train"), load_image_folder(folder / "val")


@pytest.mark.parametrize("recipe", RECIPES)
def test_file_labels_photos_as_the_pipeline_does(recipe, photos, tmp_path):
    train, val = photos
    model = make_recipe(recipe, n_jobs=-1)
    if "cnn" in model.named_steps:
        model.set_params(cnn__precision="float32")  # which files have
    model.fit(train.images[::2], train.labels[::2])
    export_onnx(model, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    classes = json.loads(session.get_modelmeta().custom_metadata_map["classes"])
    paths = val.images[::3]
    answers = [
        session.run(None, {"images": decode_image(path, mode="rgb")[None]})
        for path in paths
    ]
    shares = np.concatenate([shares for shares, _ in answers])
    labels = [classes[label[0]] for _, label in answers]
    assert np.abs(shares - model.predict_proba(paths)).max() < 1e-4
    assert labels == model.predict(paths).tolist()
