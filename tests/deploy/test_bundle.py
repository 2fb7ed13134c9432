"""Tests for imgfeat/deploy/_bundle.py."""

import io
import subprocess
import sys
from zipfile import ZipFile

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from imgfeat import list_recipes, make_recipe
from imgfeat.deploy import load, save
from imgfeat.deploy._archive import read_bundle
from imgfeat.deploy._example import picture
from imgfeat.estimators import CNNClassifier
from imgfeat.features import HOG, CNNEmbedding
from imgfeat.preprocess import Equalize
from imgfeat.sources import ImageReader
from tests.deploy._forge import rewrite


def run_python(code, *arguments):
    """Run `code` in a fresh interpreter; return what it prints."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_loaded_pipeline_predicts_the_same(saved, fitted, digits):
    loaded = load(saved)
    assert_array_equal(loaded.predict_proba(digits[0]), fitted.predict_proba(digits[0]))
    assert_array_equal(loaded.predict(digits[0]), fitted.predict(digits[0]))
    assert_array_equal(loaded.classes_, fitted.classes_)


@pytest.fixture(scope="module")
def photos():
    """Eight pictures of several sizes, gray and in colour, and text labels."""
    shapes = [(70, 90, 3), (64, 64), (90, 70, 3), (66, 80)] * 2
    images = [picture(shape, seed) for seed, shape in enumerate(shapes)]
    return images, np.array(["left", "right"] * 4)


@pytest.mark.parametrize("name", list_recipes()["recipe"])
def test_every_recipe_comes_back_with_equal_predictions(name, photos, tmp_path):
    images, labels = photos
    recipe = make_recipe(name, size=64)
    for key, value in recipe.get_params().items():
        if isinstance(value, CNNEmbedding):  # small, and not exported: a fast test
            recipe.set_params(**{f"{key}__engine": "torch", f"{key}__size": 64})
        if isinstance(value, CNNClassifier):
            recipe.set_params(**{f"{key}__max_epochs": 1, f"{key}__size": 32})
    recipe.fit(images, labels)
    save(recipe, tmp_path / "model.imgfeat")
    loaded = load(tmp_path / "model.imgfeat")
    assert_array_equal(loaded.predict(images), recipe.predict(images))
    assert_array_equal(loaded.predict_proba(images), recipe.predict_proba(images))


def test_search_over_a_recipe_comes_back(photos, tmp_path):
    images, labels = photos
    search = make_recipe("hog-lr", size=32, search=True, cv=2).fit(images, labels)
    save(search, tmp_path / "search.imgfeat")
    assert_array_equal(
        load(tmp_path / "search.imgfeat").predict(images), search.predict(images)
    )


def test_features_alone_can_be_saved(photos, tmp_path):
    images, _ = photos
    features = make_pipeline(ImageReader((32, 32), mode="gray"), HOG()).fit(images)
    save(features, tmp_path / "hog.imgfeat")
    loaded = load(tmp_path / "hog.imgfeat")
    assert_array_equal(loaded.transform(images), features.transform(images))


@pytest.mark.parametrize("flat", [False, True])
def test_hog_of_arrays_keeps_golden_images_of_their_size(digits, tmp_path, flat):
    rows, labels = digits
    X = rows if flat else rows.reshape(-1, 8, 8)
    pipeline = make_pipeline(
        Equalize(), HOG(pixels_per_cell=(2, 2)), LogisticRegression(C=0.01)
    )
    path = tmp_path / "model.imgfeat"
    save(pipeline.fit(X, labels), path)
    with ZipFile(path) as archive:
        golden = np.load(io.BytesIO(archive.read("golden/image0.npy")))
    assert golden.shape == (8, 8)
    assert_array_equal(load(path).predict(X), pipeline.predict(X))


def test_example_images_may_be_paths_of_several_sizes(photos, tmp_path):
    images, labels = photos
    paths = [tmp_path / f"{index}.png" for index in range(len(images))]
    for path, image in zip(paths, images, strict=True):
        Image.fromarray(image).save(path)
    recipe = make_recipe("hog-lr", size=64).fit(paths, labels)
    save(recipe, tmp_path / "model.imgfeat", example=paths[:3])
    for path in paths:
        path.unlink()
    assert_array_equal(
        load(tmp_path / "model.imgfeat").predict(images), recipe.predict(images)
    )


def test_manifest_tells_how_images_are_read(photos, tmp_path):
    save(make_recipe("hog-lr", size=64).fit(*photos), tmp_path / "model.imgfeat")
    reading = read_bundle(tmp_path / "model.imgfeat")[0]["reading"]
    assert reading["reader"]["size"] == [64, 64]
    assert reading["reader"]["mode"] == "gray"
    assert reading["reader"]["interpolation"] == "bilinear"
    assert reading["hog"]["orientations"] == 9


def test_saving_what_was_loaded_gives_the_same_file(saved, tmp_path):
    save(load(saved), tmp_path / "again.imgfeat")
    assert (tmp_path / "again.imgfeat").read_bytes() == saved.read_bytes()


def test_path_may_be_text(fitted, digits, tmp_path):
    save(fitted, str(tmp_path / "model.imgfeat"))
    loaded = load(str(tmp_path / "model.imgfeat"))
    assert_array_equal(loaded.predict(digits[0]), fitted.predict(digits[0]))


def test_whole_fitted_search_comes_back(digits, tmp_path):
    pipeline = make_pipeline(StandardScaler(), LogisticRegression(max_iter=200))
    grid = {"logisticregression__C": [0.01, 0.1]}
    search = GridSearchCV(pipeline, grid, cv=2, scoring=["accuracy", "f1_macro"])
    search.set_params(refit="accuracy").fit(*digits)
    save(search, tmp_path / "search.imgfeat")
    loaded = load(tmp_path / "search.imgfeat")
    assert loaded.best_params_ == search.best_params_
    assert_array_equal(loaded.predict(digits[0]), search.predict(digits[0]))
    assert loaded.score(*digits) == search.score(*digits)
    loaded.fit(*digits)


def test_manifest_tells_versions_and_classes(saved, fitted):
    manifest, _ = read_bundle(saved)
    assert manifest["format_version"] == 2
    assert manifest["classes"] == [f"digit {i}" for i in range(10)]
    assert manifest["versions"]["scikit-learn"]
    assert manifest["versions"]["imgfeat"]


def test_classes_that_are_numbers_stay_numbers(digits, tmp_path):
    X, y = digits
    path = tmp_path / "model.imgfeat"
    save(LogisticRegression(C=0.01).fit(X, np.unique(y, return_inverse=True)[1]), path)
    assert read_bundle(path)[0]["classes"] == list(range(10))


def test_unfitted_pipeline_is_not_saved(tmp_path):
    with pytest.raises(NotFittedError, match="not fitted yet"):
        save(make_pipeline(StandardScaler(), LogisticRegression()), tmp_path / "m")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("thing", [None, "model", {}, StandardScaler, np.zeros(3)])
def test_only_estimators_are_saved(tmp_path, thing):
    with pytest.raises(TypeError, match=r"save needs a fitted estimator\. Got "):
        save(thing, tmp_path / "model.imgfeat")


def test_file_without_a_model_is_an_error(saved):
    rewrite(saved, lambda manifest, parts: parts.pop("model.skops"))
    with pytest.raises(ValueError, match=r"has no model\.skops"):
        load(saved)


def test_fresh_process_loads_hog_without_torch_and_network(photos, tmp_path):
    images, labels = photos
    recipe = make_recipe("hog-lr", size=64).fit(images, labels)
    save(recipe, tmp_path / "model.imgfeat")
    Image.fromarray(images[0]).save(tmp_path / "0.png")
    code = (
        "import socket, sys, imgfeat\n"
        "socket.socket.connect = socket.getaddrinfo = None\n"
        "pipeline = imgfeat.load(sys.argv[1])\n"
        "print(pipeline.predict(sys.argv[2:])[0])\n"
        "assert 'torch' not in sys.modules"
    )
    printed = run_python(code, tmp_path / "model.imgfeat", tmp_path / "0.png")
    assert printed.strip() == recipe.predict(images[:1])[0]
