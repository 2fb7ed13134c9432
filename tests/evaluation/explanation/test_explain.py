"""Tests for imgfeat/evaluation/explanation/_explain.py."""

import numpy as np
import pytest
from PIL import Image
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    FixedThresholdClassifier,
    TunedThresholdClassifierCV,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from imgfeat import explain
from imgfeat.estimators import AugmentedClassifier, OpenSet
from imgfeat.features import HOG, CachedFeatures, CNNEmbedding, ColorHistogram
from imgfeat.preprocess import Grayscale
from imgfeat.sources import ImageDecodeError, ImageReader
from tests.evaluation.explanation._scenes import ColorNet, scenes

IMAGES, LABELS, _ = scenes(12)


def embedding(**options):
    return CNNEmbedding(ColorNet(), engine="torch", n_jobs=1, **options)


@pytest.fixture(scope="module")
def model():
    pipeline = make_pipeline(embedding(), StandardScaler(), LogisticRegression())
    return pipeline.fit(IMAGES, LABELS)


@pytest.mark.parametrize(
    ("steps", "method"),
    [
        ([embedding(), StandardScaler(), LogisticRegression()], "cam"),
        ([embedding(), StandardScaler(), SVC()], "grad-cam"),
        ([embedding(), RandomForestClassifier(5, random_state=0)], "occlusion"),
        ([Grayscale(), HOG(), LogisticRegression()], "hog"),
        ([Grayscale(), HOG(), SVC()], "occlusion"),
        ([ColorHistogram(2), LogisticRegression()], "occlusion"),
    ],
    ids=["cam", "grad-cam", "forest", "hog", "hog of a kernel", "colors"],
)
def test_auto_chooses_by_what_the_pipeline_is(steps, method):
    pipeline = make_pipeline(*steps).fit(IMAGES, LABELS)
    found = explain(pipeline, IMAGES[:2], n_jobs=1)
    assert found.method == method
    assert found.maps.shape == (2, 24, 24)
    assert found.maps.dtype == np.float32
    assert found.targets.tolist() == pipeline.predict(IMAGES[:2]).tolist()


def test_steps_are_found_behind_wrappers(tmp_path):
    cached = CachedFeatures(make_pipeline(Grayscale(), HOG()), location=tmp_path)
    inner = make_pipeline(make_pipeline(cached), "passthrough", LogisticRegression())
    wrapped = AugmentedClassifier(inner, "none", n_augmented=1, random_state=0)
    wrapped.fit(IMAGES, LABELS)
    assert explain(wrapped, IMAGES[:2]).method == "hog"


@pytest.mark.parametrize("threshold", [-1e6, 1e6])
def test_steps_are_found_behind_a_threshold_that_names_the_class(threshold):
    pipeline = make_pipeline(Grayscale(), HOG(), LogisticRegression())
    model = FixedThresholdClassifier(
        pipeline, threshold=threshold, response_method="decision_function"
    ).fit(IMAGES, LABELS)
    found = explain(model, IMAGES[:3])
    assert found.method == "hog"
    assert found.targets.tolist() == model.predict(IMAGES[:3]).tolist()
    assert len(set(found.targets.tolist())) == 1
    sign = 1 if found.targets[0] == model.classes_[1] else -1
    inside = model.estimator_.decision_function(IMAGES[:3])
    np.testing.assert_allclose(found.decisions, sign * inside, atol=1e-5)
    np.testing.assert_allclose(found.maps.sum(axis=(1, 2)), found.decisions, atol=1e-4)


def test_steps_are_found_behind_a_tuned_threshold_at_the_end():
    tuned = TunedThresholdClassifierCV(LogisticRegression(), cv=2)
    pipeline = make_pipeline(Grayscale(), HOG(), tuned).fit(IMAGES, LABELS)
    found = explain(pipeline, IMAGES[:2])
    assert found.method == "hog"
    assert found.targets.tolist() == pipeline.predict(IMAGES[:2]).tolist()


@pytest.mark.parametrize("classifier", [LogisticRegression(), SVC()])
def test_what_is_unknown_is_explained_by_its_likeliest_class(classifier):
    pipeline = make_pipeline(Grayscale(), HOG(), classifier)
    model = OpenSet(pipeline, 0.5, false_alarms=0, calibration=2).fit(IMAGES, LABELS)
    model.threshold_ = -np.inf  # nothing is known
    strangers = IMAGES[:3]
    assert set(model.predict(strangers).tolist()) == {"unknown"}
    found = explain(model, strangers, n_jobs=1)
    likeliest = model.classes_[model.predict_proba(strangers).argmax(axis=1)]
    assert found.targets.tolist() == likeliest.tolist()


def test_targets_are_the_predicted_classes_or_those_asked_for(model):
    found = explain(model, IMAGES[:4])
    values = model.decision_function(IMAGES[:4])
    assert found.targets.tolist() == model.predict(IMAGES[:4]).tolist()
    np.testing.assert_allclose(found.decisions, np.abs(values), atol=1e-4)

    red = explain(model, IMAGES[:4], target="red")
    np.testing.assert_allclose(red.decisions, values, atol=1e-4)
    mixed = explain(model, IMAGES[:2], target=["red", "blue"])
    np.testing.assert_allclose(mixed.decisions, values[:2] * [1, -1], atol=1e-4)
    np.testing.assert_allclose(mixed.maps[0], red.maps[0], atol=1e-6)
    np.testing.assert_allclose(mixed.maps[1], -red.maps[1], atol=1e-6)


def test_any_kind_of_batch_is_explained_alike(model, tmp_path):
    paths = []
    for i, image in enumerate(IMAGES[:3]):
        paths.append(tmp_path / f"{i}.png")
        Image.fromarray(image).save(paths[-1])
    expected = explain(model, IMAGES[:3]).maps
    np.testing.assert_allclose(explain(model, paths).maps, expected, atol=1e-6)
    floats = explain(model, IMAGES[:3] / 255).maps
    np.testing.assert_allclose(floats, expected, atol=1e-6)


@pytest.mark.parametrize("front", [[], [ImageReader((16, 24), image_shape=(24, 24))]])
def test_flattened_images_get_maps_of_their_shape(front):
    gray = IMAGES[..., 0]
    shape = None if front else (24, 24)
    reader = [ImageReader(mode="gray")] if front else []
    hog = HOG(pixels_per_cell=(4, 4), image_shape=shape)
    pipeline = make_pipeline(*front, *reader, hog, LogisticRegression())
    flat = gray.reshape(len(gray), -1)
    found = explain(pipeline.fit(flat, LABELS), flat[:3])
    assert (found.method, found.maps.shape) == ("hog", (3, 24, 24))
    values = pipeline.decision_function(flat[:3])
    np.testing.assert_allclose(found.decisions, np.abs(values), atol=1e-6)


def test_images_may_differ_in_size(model):
    images = [IMAGES[0], np.repeat(IMAGES[1], 2, axis=0)]
    found = explain(model, images)
    assert [one.shape for one in found.maps] == [(24, 24), (48, 24)]


def test_a_row_does_not_depend_on_the_others(model):
    together = explain(model, IMAGES).maps
    alone = explain(model, IMAGES[5:6]).maps[0]
    np.testing.assert_allclose(alone, together[5], atol=1e-5)


def test_what_a_net_or_a_reader_cuts_off_is_zero():
    wide = np.repeat(IMAGES, 2, axis=2)
    reader = ImageReader((24, 24), aspect="crop")
    for steps in ([embedding()], [reader, embedding()]):
        pipeline = make_pipeline(*steps, LogisticRegression()).fit(wide, LABELS)
        found = explain(pipeline, wide[:2]).maps
        assert found.shape == (2, 24, 48)
        assert not found[:, :, :12].any()
        assert not found[:, :, 36:].any()
        assert (found[:, :, 12:36] != 0).mean() > 0.9


def test_an_unreadable_file_is_named(model, tmp_path):
    path = tmp_path / "broken.jpg"
    path.write_bytes(b"\xff\xd8 no picture")
    with pytest.raises(ImageDecodeError, match=r"broken\.jpg"):
        explain(model, [path])


def test_unknown_targets_and_methods_are_refused(model):
    with pytest.raises(ValueError, match=r"classes \('blue', 'red'\). Got 'green'"):
        explain(model, IMAGES[:2], target="green")
    with pytest.raises(ValueError, match=r"one an image. Got targets of shape \(3,\)"):
        explain(model, IMAGES[:2], target=["red"] * 3)
    with pytest.raises(ValueError, match=r"'auto', 'cam', .*Got 'lime'"):
        explain(model, IMAGES[:2], method="lime")
    with pytest.raises(ValueError, match=r"'hog' needs HOG.*takes 'cam'"):
        explain(model, IMAGES[:2], method="hog")


def test_no_images_are_refused(model):
    with pytest.raises(ValueError, match=r"0 sample\(s\)"):
        explain(model, [])


def test_a_batch_of_one_photo_is_asked_for(model):
    with pytest.raises(ValueError, match=r"one RGB image; put it in a list: \[X\]"):
        explain(model, IMAGES[0])


def test_a_classifier_without_decisions_is_refused():
    class Silent(ClassifierMixin, BaseEstimator):
        def fit(self, X, y):
            self.classes_ = np.unique(y)
            return self

        def predict(self, X):
            return np.repeat(self.classes_[:1], len(X))

    with pytest.raises(ValueError, match="Got Silent with neither; put Calibrated"):
        explain(Silent().fit(IMAGES, LABELS), IMAGES[:2])


def test_decisions_of_pairs_are_no_decisions_of_classes():
    """Of three classes there are three pairs, which tell nothing of a class each."""
    labels = np.arange(12) % 3
    model = make_pipeline(Grayscale(), HOG(), SVC(decision_function_shape="ovo"))
    with pytest.raises(ValueError, match=r"Got 3 of SVC for 3 classes, one a pair"):
        explain(model.fit(IMAGES, labels), IMAGES[:2])
