"""Tests that a model of several labels an image is saved, loaded and asked."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline

from imgfeat import Predictor, load, save
from imgfeat.deploy import model_card, predict_files
from imgfeat.deploy._answers import answer as answer_of
from imgfeat.deploy._errors import BundleError
from imgfeat.deploy._predict import as_row, prediction_columns
from imgfeat.deploy._vet_learned import vet_learned
from imgfeat.estimators import (
    CNNClassifier,
    LabelThresholds,
    LabelVote,
    LinearProbe,
    RidgeProbe,
)
from imgfeat.estimators._thresholded_labels import with_thresholds
from imgfeat.features import HOG
from imgfeat.sources import ImageReader
from tests._composites import TEXTURES, draw_composites, write_composites
from tests.deploy._saved import as_file, save_at

IMAGES, LABELS = draw_composites(60)
NAMED = pd.DataFrame(LABELS, columns=TEXTURES)
FRONT = ImageReader((32, 32), mode="gray"), HOG(cells_per_block=(1, 1))


@pytest.fixture(scope="module")
def model():
    return make_pipeline(*FRONT, RidgeProbe()).fit(IMAGES, NAMED)


@pytest.fixture(scope="module")
def file(model, tmp_path_factory):
    return save_at(model, tmp_path_factory.mktemp("model") / "m.imgfeat")


@pytest.mark.parametrize(
    "head",
    [
        LinearProbe("svm", [0.01, 0.1]),
        OneVsRestClassifier(LogisticRegression()),
        RandomForestClassifier(3, random_state=0),
    ],
)
def test_a_saved_model_says_the_same(head, tmp_path):
    model = make_pipeline(*FRONT, head).fit(IMAGES, LABELS)
    save(model, tmp_path / "m.imgfeat")
    loaded = load(tmp_path / "m.imgfeat")
    assert_array_equal(loaded.predict(IMAGES), model.predict(IMAGES))
    given = [said.labels for said in answer_of(loaded, list(IMAGES[:9]))]
    for labels, row in zip(given, model.predict(IMAGES[:9]), strict=True):
        assert sorted(labels) == np.flatnonzero(row).tolist()


def test_a_saved_net_says_the_same(tmp_path):
    net = CNNClassifier("simple_cnn", max_epochs=1, random_state=0, n_jobs=1)
    net.fit(IMAGES[:, ::4, ::4].copy(), NAMED)
    save(net, tmp_path / "m.imgfeat")
    loaded = load(tmp_path / "m.imgfeat")
    assert loaded.multilabel_ and loaded.classes_.tolist() == TEXTURES
    shares = net.predict_proba(IMAGES[:5, ::4, ::4])
    np.testing.assert_allclose(loaded.predict_proba(IMAGES[:5, ::4, ::4]), shares)


def test_thresholds_are_saved_and_decide_everywhere(tmp_path):
    inner = make_pipeline(*FRONT, RidgeProbe())
    model = with_thresholds(inner, {"brick": 0.1, "grass": 0.9, "gravel": 0.4})
    model.fit(IMAGES, NAMED)
    path = save_at(model, tmp_path / "m.imgfeat")
    predictor = Predictor(path)
    assert_array_equal(predictor.model.predict(IMAGES), model.predict(IMAGES))
    shares = model.predict_proba(IMAGES)
    bounds = np.array([0.1, 0.9, 0.4])
    assert ((shares > bounds) != (shares > 0.5)).any()
    for one, row in zip(predictor.predict(IMAGES), shares, strict=True):
        assert sorted(one.labels) == [
            TEXTURES[place] for place in np.flatnonzero(row > bounds)
        ]
    assert predictor.makes_features
    expected = [["brick", 0.1], ["grass", 0.9], ["gravel", 0.4]]
    assert predictor.card["thresholds"] == expected
    card = model_card(path)
    assert "| grass | 0.9000 |" in card and "each of its labels by itself" in card
    write_composites(tmp_path, 4)
    files = [tmp_path / f"photo {row}.png" for row in range(4)]
    said = [one.labels for one in predict_files(predictor.model, files)]
    assert said == [one.labels for one in predictor.predict(files)]


@pytest.mark.parametrize(
    "change",
    [
        {"thresholds_": np.zeros(2)},
        {"thresholds_": np.array([0.1, np.nan, 0.2])},
        {"multilabel_": False},
        {"classes_": np.array(["a", "b"]), "thresholds_": np.zeros(2)},
        {"estimator_": RidgeProbe().fit([[0.0], [1.0]], ["a", "b"])},
    ],
)
def test_thresholds_that_contradict_the_model_are_refused(change):
    X = IMAGES.reshape(60, -1)[:, :40].astype(float)
    item = LabelThresholds(RidgeProbe(), [0.5] * 3).fit(X, LABELS)
    vet_learned("labels", item)
    vars(item).update(change)
    with pytest.raises(BundleError, match="contradicts itself"):
        vet_learned("labels", item)


@pytest.mark.parametrize(
    "change",
    [
        {"weights_": np.ones(3)},
        {"weights_": np.array([2.0, -1.0])},
        {"estimators_": []},
        {"multilabel_": False},
        {"classes_": np.array(["a", "b"])},
    ],
)
def test_votes_that_contradict_themselves_are_refused(change):
    X = IMAGES.reshape(60, -1)[:, :40].astype(float)
    item = LabelVote([("a", RidgeProbe()), ("b", RidgeProbe())]).fit(X, LABELS)
    vet_learned("vote", item)
    vars(item).update(change)
    with pytest.raises(BundleError, match="contradicts itself"):
        vet_learned("vote", item)


def test_a_vote_is_saved_and_says_the_same(tmp_path):
    both = [("ridge", RidgeProbe()), ("lr", LinearProbe())]
    model = make_pipeline(*FRONT, LabelVote(both, weights=[1, 2]))
    model.fit(IMAGES, NAMED)
    predictor = Predictor(save_at(model, tmp_path / "m.imgfeat"))
    shares = model.predict_proba(IMAGES)
    np.testing.assert_allclose(predictor.model.predict_proba(IMAGES), shares)
    for one, row in zip(predictor.predict(IMAGES), shares > 0.5, strict=True):
        assert sorted(one.labels) == np.array(TEXTURES)[row].tolist()
    assert predictor.makes_features


def test_answers_name_the_labels_that_are_given(model, file):
    predictor = Predictor(file)
    assert predictor.labels == TEXTURES
    *said, bad = predictor.predict([*IMAGES[:8], b"no image"])
    shares = model.predict_proba(IMAGES[:8])
    for one, row in zip(said, shares, strict=True):
        expected = [TEXTURES[place] for place in np.argsort(-row) if row[place] > 0.5]
        assert one.labels == expected
        assert one.label is one.probability is None
        assert list(one.probabilities) == TEXTURES
        assert list(one.probabilities.values()) == pytest.approx(row.tolist())
    assert bad.error is not None and bad.labels is None


def test_files_get_rows_of_all_labels(model, tmp_path):
    write_composites(tmp_path, 6)
    paths = [str(tmp_path / f"photo {row}.png") for row in range(6)]
    columns = prediction_columns(model)
    assert list(columns) == [
        "path", "labels", *(f"probability_{name}" for name in TEXTURES), "error"
    ]  # fmt: skip
    found = list(predict_files(model, [*paths, str(tmp_path / "columns.csv")]))
    for one in found:
        assert set(as_row(one)) <= set(columns)
    assert found[-1].error is not None and found[-1].labels is None
    every = list(predict_files(model, paths, threshold=0.0))
    assert all(sorted(one.labels) == TEXTURES for one in every)
    none = list(predict_files(model, paths, threshold=1.0))
    assert all(one.labels == [] for one in none)
    with pytest.raises(ValueError, match=r"top_k needs one label an image\. Got sev"):
        next(iter(predict_files(model, paths, top_k=2)))


@pytest.mark.parametrize(
    "change",
    [
        {"multilabel_": "yes"},
        {"multilabel_": False, "classes_": np.array(["a", "b"])},
        {"temperature_": np.ones(2)},
        {"intercept_": np.zeros(1)},
    ],
)
def test_a_file_that_contradicts_itself_is_refused(change):
    probe = RidgeProbe().fit(IMAGES.reshape(60, -1)[:, :40].astype(float), LABELS)
    vars(probe).update(change)
    with pytest.raises(BundleError, match="contradicts itself"):
        vet_learned("probe", probe)


@pytest.mark.serve
def test_the_service_names_the_labels_that_are_given(file, model):
    from tests.deploy.serve.conftest import client_of

    png = as_file(IMAGES[0])
    with client_of({"parts": file}) as client:
        kind = {"Content-Type": "image/png"}
        answer = client.post("/predict", content=png, headers=kind)
        asked = client.post("/explain", content=png, headers=kind)
    (result,) = answer.json()["results"]
    (said,) = answer_of(model, [IMAGES[0]])
    assert result["labels"] == said.labels
    assert result["label"] is None and not result["unknown"]
    assert list(result["probabilities"]) == TEXTURES
    assert asked.status_code == 404 and "an explanation is of one" in asked.text
