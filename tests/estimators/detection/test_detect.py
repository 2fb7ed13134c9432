"""Tests for imgfeat/estimators/detection/_detect.py."""

import numpy as np
import pytest
from PIL import Image
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC, LinearSVC

from imgfeat.estimators import SlidingWindowDetector
from imgfeat.estimators.detection._cut_windows import cut
from imgfeat.estimators.detection._detections import overlaps
from imgfeat.estimators.detection._levels import plan_levels
from imgfeat.features import HOG
from imgfeat.kernels.resize import resize
from imgfeat.preprocess import Grayscale
from imgfeat.sources import ImageDecodeError, ImageReader
from tests.estimators.detection._squares import detector, scene

SCENES = [scene([(12, 20), (60, 40)], seed=1), scene([(30, 30)], seed=2)]
IMAGES = [image for image, _ in SCENES]
BOXES = [boxes for _, boxes in SCENES]
EMPTY = scene([], seed=3)[0]
CROPS = np.stack([scene([(4, 4)], size=(24, 24), seed=seed)[0] for seed in range(9)])


@pytest.fixture(scope="module")
def fitted():
    return detector().fit(IMAGES, boxes=BOXES)


def assert_finds(found, boxes, least=0.6):
    assert len(found.boxes) == len(boxes)
    assert (overlaps(boxes, found.boxes).max(axis=1) > least).all()


def test_parameters_are_only_stored():
    one = detector(scale=1.1)
    assert clone(one).get_params()["scale"] == 1.1
    with pytest.raises(NotFittedError, match=r"is not fitted yet"):
        one.predict(IMAGES)


def test_finds_objects_it_has_not_seen(fitted):
    image, boxes = scene([(44, 12), (8, 52)], seed=7)
    found, none = fitted.predict([image, EMPTY])
    assert_finds(found, boxes)
    assert found.labels.tolist() == [1, 1]
    assert (np.diff(found.scores) <= 0).all()
    assert found.scores.min() > 0
    assert none.boxes.shape == (0, 4)


def test_finds_larger_objects_in_larger_windows(fitted):
    image, boxes = scene([(40, 24)], side=36, size=(96, 120), seed=8)
    assert_finds(fitted.predict([image])[0], boxes)


def test_small_objects_are_found_when_asked_for(fitted):
    image, boxes = scene([(20, 24)], side=8, size=(48, 60), seed=9)
    small = clone(fitted).set_params(min_size=12, max_size=20).fit(IMAGES, boxes=BOXES)
    assert_finds(small.predict([image])[0], boxes, least=0.5)


def test_learns_from_crops_and_images_without_objects():
    one = detector().fit(CROPS, negatives=[EMPTY])
    assert_finds(one.predict(IMAGES)[0], BOXES[0])


def test_crops_of_the_background_are_negatives():
    plain = np.stack([EMPTY[row : row + 24, 8:32] for row in range(9)])
    y = np.repeat(["square", "nothing"], 9)
    one = detector(background="nothing").fit(np.concatenate([CROPS, plain]), y)
    assert one.background_ == "nothing"
    assert one.n_mistakes_ == []
    found = one.predict(IMAGES[1:])[0]
    assert found.labels[0] == "square"
    assert overlaps(BOXES[1], found.boxes[:1]) > 0.5


def test_mistakes_are_learned_from(fitted):
    rng = np.random.default_rng(0)
    hard = [scene([], seed=4)[0]]
    hard[0][10:60:12, 10:80] += 120  # stripes: edges, but no square
    few = {"n_negatives": 5, "random_state": rng.integers(9)}
    without = detector(n_rounds=0, **few).fit(CROPS, negatives=hard)
    one = detector(n_rounds=3, **few).fit(CROPS, negatives=hard)
    assert without.n_mistakes_ == []
    assert len(without.predict(hard)[0].boxes) > len(one.predict(hard)[0].boxes)
    assert 0 < one.n_mistakes_[0] <= 5


def test_several_classes_have_their_labels():
    tall = CROPS.copy()
    tall[:, 4:20, 12:20] = tall[:, :16, 4:12] // 4
    y = np.repeat(["square", "bar"], 9)
    one = detector().fit(np.concatenate([CROPS, tall]), y, negatives=[EMPTY])
    assert one.classes_.tolist() == ["background", "bar", "square"]
    bars = EMPTY.copy()
    bars[28:44, 36:44] += 120
    found = [one.predict([image])[0] for image in (IMAGES[1], bars)]
    assert [some.labels[0] for some in found] == ["square", "bar"]


@pytest.mark.parametrize(
    "classifier",
    [SVC(C=10), LogisticRegression(C=10), KNeighborsClassifier(1)],
    ids=str,
)
def test_any_pipeline_will_do(classifier):
    pipeline = make_pipeline(
        ImageReader(16, mode="gray"), HOG(pixels_per_cell=(4, 4)), classifier
    )
    one = SlidingWindowDetector(pipeline, 24, 3, 1.5, n_negatives=60, batch_size=50)
    one.fit(CROPS, negatives=[EMPTY])
    found = one.predict([np.repeat(IMAGES[1][..., None], 3, axis=2)])[0]
    assert (overlaps(BOXES[1], found.boxes) > 0.5).any()


def test_scores_are_those_of_the_pipeline_for_each_window(fitted):
    for image, windows in zip(IMAGES, fitted.score_windows(IMAGES), strict=True):
        levels = plan_levels(image.shape, (24, 24), (4, 4), 1.2, None, None, who="")
        cut_out = np.concatenate(
            [
                cut(resize(image, level.size), (24, 24), (4, 4)).reshape(-1, 24, 24)
                for level in levels
            ]
        )
        alone = fitted.pipeline_.decision_function(cut_out)
        np.testing.assert_allclose(windows.scores, alone[:, None] * [-1, 1], atol=1e-5)
        assert len(windows.boxes) == len(alone)


def test_images_of_all_kinds_and_sizes_are_one_to_it(fitted, tmp_path):
    path = tmp_path / "one.png"
    Image.fromarray(IMAGES[0]).save(path)
    expected = fitted.predict(np.stack(IMAGES))
    small = IMAGES[1][:60, :70]
    found = fitted.predict([path, Image.fromarray(IMAGES[1]), small])
    for one, other in zip(expected, found, strict=False):
        assert one.boxes.tolist() == other.boxes.tolist()
        assert one.scores.tolist() == other.scores.tolist()
    assert len(found) == 3


def test_threads_find_the_same(fitted):
    expected = fitted.predict(IMAGES)
    threaded = clone(fitted).set_params(n_jobs=2).fit(IMAGES, boxes=BOXES)
    for one, other in zip(expected, threaded.predict(IMAGES), strict=True):
        assert one.boxes.tolist() == other.boxes.tolist()


def test_a_frozen_pipeline_is_used_as_it_is():
    pipeline = make_pipeline(Grayscale(), HOG(pixels_per_cell=(4, 4)), LinearSVC())
    plain = np.stack([EMPTY[row : row + 24, 8:32] for row in range(9)])
    X, y = np.concatenate([CROPS, plain]), np.repeat([1, 0], 9)
    frozen = FrozenEstimator(pipeline.fit(X, y))
    one = SlidingWindowDetector(frozen, 24, background=0).fit(X, y)
    assert one.pipeline_ is frozen
    assert overlaps(BOXES[1], one.predict(IMAGES)[1].boxes[:1]) > 0.4
    with pytest.raises(
        ValueError, match=r"no object, -1, and another. Got classes \[0, 1\]"
    ):
        SlidingWindowDetector(frozen, 24).fit(CROPS, np.ones(9))


# What is refused --------------------------------------------------------------------


def test_an_image_smaller_than_the_window_is_refused(fitted):
    with pytest.raises(
        ValueError, match=r"at least 24 x 24 pixels here. Got 20 x 90 in image 1"
    ):
        fitted.predict([IMAGES[0], np.zeros((20, 90), np.uint8)])
    with pytest.raises(ValueError, match=r"Got 10 x 10 in image 0"):
        detector().fit(CROPS, negatives=[np.zeros((10, 10), np.uint8)])


def test_a_video_is_no_image(fitted, tmp_path):
    path = tmp_path / "film.mp4"
    path.write_bytes(b"\x00\x00\x00\x18ftypmp42" + bytes(200))
    with pytest.raises(ImageDecodeError, match=r"it is not an image"):
        fitted.predict([path])
    with pytest.raises(ValueError, match=r"\(2, 5, 40, 40, 3\)"):
        fitted.predict(np.zeros((2, 5, 40, 40, 3), np.uint8))


def test_no_negatives_are_refused():
    with pytest.raises(ValueError, match=r"needs negatives, .* pass negatives="):
        detector().fit(CROPS)
    with pytest.raises(ValueError, match=r"needs negatives, .* no room beside them"):
        detector().fit(CROPS[:1], boxes=[[(0, 0, 24, 24)]])
    with pytest.raises(ValueError, match=r"negatives needs at least one image"):
        detector().fit(CROPS, negatives=[])


def test_no_objects_are_refused():
    with pytest.raises(ValueError, match=r"needs objects to learn from. Got 0 crops"):
        detector().fit([EMPTY], boxes=[[]])
    with pytest.raises(ValueError, match=r"none of them with another label .* 'no'"):
        detector(background="no").fit(CROPS, ["no"] * 9)


@pytest.mark.parametrize(
    ("boxes", "match"),
    [
        ([[(0, 0, 24, 24)]], r"boxes needs an item for each image|Got 1 for 2"),
        (
            [[(0, 0, 97, 24)], []],
            r"within the image. Got \[0.0, 0.0, 97.0, 24.0\] in image 0",
        ),
        ([[(20, 0, 10, 24)], []], r"left < right"),
        ([[(0, 0, 10)], []], r"rows of four numbers"),
        ([[(0, 0, np.nan, 9)], []], r"rows of four numbers"),
    ],
)
def test_boxes_that_are_none_are_refused(boxes, match):
    with pytest.raises(ValueError, match=match):
        detector().fit(IMAGES, boxes=boxes)


def test_labels_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"a label for each box. Got 1 labels and 2"):
        detector().fit(IMAGES, [["a"], ["a"]], boxes=BOXES)
    with pytest.raises(ValueError, match=r"y needs an item for each image"):
        detector().fit(IMAGES, [["a"]], boxes=BOXES)
    with pytest.raises(ValueError, match=r"a label for each image"):
        detector().fit(CROPS, ["a"], negatives=[EMPTY])
    with pytest.raises(
        ValueError, match=r"of the kind of the labels, which are text. Got 0"
    ):
        detector(background=0).fit(CROPS, ["a"] * 9, negatives=[EMPTY])


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"window": 0}, "window must be"),
        ({"window": (24, 24, 3)}, "window must be"),
        ({"step": 0}, "step must be"),
        ({"scale": 1.0}, "'scale' parameter"),
        ({"min_size": 0}, "'min_size' parameter"),
        ({"max_overlap": 2}, "'max_overlap' parameter"),
        ({"max_size": 20}, "max_size must be at least 24, the height of a window. Got"),
        ({"max_size": 30, "min_size": 40}, "at least 40, min_size. Got 30"),
    ],
)
def test_parameters_out_of_range_are_refused(options, match):
    with pytest.raises(ValueError, match=match):
        detector(**options).fit(IMAGES, boxes=BOXES)


def test_what_is_no_classifier_is_refused():
    with pytest.raises(TypeError, match=r"needs a classifier, .* Got LinearRegression"):
        SlidingWindowDetector(LinearRegression(), 24).fit(IMAGES, boxes=BOXES)
