"""What an OpenSet says reaches the saved file and the rows of predictions."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from imgfeat import evaluate, load, load_sample, make_recipe, save
from imgfeat.deploy import (
    BundleError,
    OpenPrediction,
    Prediction,
    predict_files,
    read_manifest,
)
from imgfeat.deploy._arrays import read_array
from imgfeat.deploy._golden import check_golden, make_golden
from imgfeat.deploy._predict import prediction_columns
from imgfeat.deploy._vet import vet
from imgfeat.estimators import OpenSet
from imgfeat.sources import ImageReader


@pytest.fixture(scope="module")
def digits():
    sample = load_sample("digits")
    rows = np.random.default_rng(0).permutation(np.flatnonzero(sample.target < 3))[:200]
    return sample.images[rows], np.array(["nil", "one", "two"])[sample.target[rows]]


@pytest.fixture
def model(digits):
    return OpenSet(make_recipe("hog-lr", size=16), 0.9).fit(*digits)


@pytest.fixture
def paths(digits, tmp_path):
    """Two digits, a face, and a file that is no image."""
    images = [*digits[0][:2], load_sample("faces").images[0]]
    for number, image in enumerate(images):
        Image.fromarray(image).save(tmp_path / f"{number}.png")
    (tmp_path / "3.png").write_bytes(b"no image")
    return sorted(map(str, tmp_path.glob("*.png")))


@pytest.mark.fresh_process
def test_saved_model_says_the_same(digits, model, tmp_path):
    save(model, tmp_path / "model.imgfeat")
    again = load(tmp_path / "model.imgfeat")
    for mine, other in zip(
        model.predict_open(digits[0]), again.predict_open(digits[0]), strict=True
    ):
        assert_array_equal(mine, other)
    assert again.unknown_label_ == "unknown"


@pytest.mark.parametrize("false_alarms", [0, 0.1])
def test_saved_model_may_be_frozen_or_without_alarms(digits, tmp_path, false_alarms):
    X, y = digits
    inner = make_recipe("hog-lr", size=16).fit(X[:100], y[:100])
    model = OpenSet(FrozenEstimator(inner), 0.9, false_alarms=false_alarms)
    save(model.fit(X[100:], y[100:]), tmp_path / "model.imgfeat")
    again = load(tmp_path / "model.imgfeat")
    assert_array_equal(again.predict(X), model.predict(X))
    assert again.threshold_ == model.threshold_


def test_files_get_sets_and_scores_and_strangers_no_label(digits, model, paths):
    first, second, face, bad = predict_files(model, paths)
    assert list(prediction_columns(model)) == [
        *("path", "label", "probability", "error", "set", "score")
    ]
    assert [first.label, second.label] == digits[1][:2].tolist()
    answer = model.predict_open(list(digits[0][:2]))
    assert first.probability == answer.proba[0].max()
    assert first.score == answer.scores[0]
    assert first.set == model.classes_[answer.sets[0]].tolist()
    assert face.label is None and face.probability is None and face.error is None
    assert face.score > model.threshold_ > first.score
    assert bad == OpenPrediction(paths[3], error=bad.error) and bad.error


def test_a_search_of_an_open_set_is_one(digits, paths, tmp_path):
    search = GridSearchCV(OpenSet(make_recipe("hog-lr", size=16), 0.9), {}, cv=2)
    search.fit(*digits)
    save(search, tmp_path / "search.imgfeat")
    assert read_manifest(tmp_path / "search.imgfeat")["says_unknown"] is True
    _, _, face, _ = predict_files(load(tmp_path / "search.imgfeat"), paths)
    assert isinstance(face, OpenPrediction)
    assert face.label is None and face.score > search.best_estimator_.threshold_
    assert "unknown" in evaluate(search, *digits).confusion.columns


def test_set_has_the_most_probable_label_first(digits, model, paths):
    model.min_probability_ = 0.0
    first = next(predict_files(model, paths))
    proba = model.predict_proba(list(digits[0][:1]))[0]
    assert first.set == model.classes_[np.argsort(-proba)].tolist()


def test_open_set_at_the_end_of_a_pipeline_is_asked_as_well(digits, model, paths):
    pipeline = make_pipeline(ImageReader((16, 16)), model)
    found = list(predict_files(pipeline, paths[:3]))
    assert [p.label for p in found] == [*digits[1][:2], None]


def test_rows_of_other_models_stay_as_they_were(digits, paths):
    recipe = make_recipe("hog-lr", size=16).fit(*digits)
    found = list(predict_files(recipe, paths))
    assert {type(prediction) for prediction in found} == {Prediction}
    assert list(prediction_columns(recipe)) == [
        *("path", "label", "probability", "error")
    ]


def test_golden_images_hold_distances(model, tmp_path):
    parts, layout = make_golden(model)
    assert "golden/score_unknown.npy" in parts
    check_golden(model, parts, layout, tmp_path, "")
    model.neighbors_._fit_X = -model.neighbors_._fit_X
    with pytest.raises(BundleError, match="score_unknown is off by"):
        check_golden(model, parts, layout, tmp_path, "")


def test_label_at_the_threshold_may_turn(model, tmp_path):
    model.threshold_ = np.inf
    parts, layout = make_golden(model)
    model.threshold_ = 0.5
    with pytest.raises(BundleError, match="predict gives"):
        check_golden(model, parts, layout, tmp_path, "")
    worst = read_array(parts["golden/score_unknown.npy"]).max()
    model.threshold_ = float(worst * (1 - 1e-4))
    check_golden(model, parts, layout, tmp_path, "")


@pytest.mark.parametrize(
    "name, value",
    [
        ("neighbors_", None),
        ("threshold_", np.nan),
        ("threshold_", "far"),
        ("temperature_", 0.0),
        ("unknown_label_", [1]),
    ],
)
def test_forged_open_set_is_refused(model, name, value):
    vet(model)
    setattr(model, name, value)
    with pytest.raises(BundleError, match="OpenSet in the file contradicts itself"):
        vet(model)
