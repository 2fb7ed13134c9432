"""A detector is saved, loaded, and refused where a file of it is forged."""

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from imgfeat import Predictor, evaluate, load
from imgfeat.deploy import BundleError
from imgfeat.deploy._golden import check_golden, make_golden
from imgfeat.deploy._names import add_defaults
from imgfeat.deploy._vet import vet
from imgfeat.features import HOG
from tests.deploy._saved import save_at
from tests.estimators.detection._squares import detector, scene

IMAGE, BOXES = scene([(12, 20), (60, 40)])


@pytest.fixture
def model():
    return detector(n_negatives=20, n_rounds=0).fit([IMAGE], boxes=[BOXES])


def test_a_loaded_detector_finds_the_same(model, tmp_path):
    loaded = load(save_at(model, tmp_path / "squares.imgfeat"))
    expected, found = model.predict([IMAGE])[0], loaded.predict([IMAGE])[0]
    assert len(found.boxes) >= 2
    for one, other in zip(expected, found, strict=True):
        np.testing.assert_array_equal(one, other)


def test_golden_images_hold_the_scores_of_windows(model, tmp_path):
    parts, layout = make_golden(model)
    assert "golden/score_windows.npy" in parts
    check_golden(model, parts, layout, tmp_path, "")
    model.pipeline_[-1].intercept_ += 1
    with pytest.raises(BundleError, match="score_windows is off by"):
        check_golden(model, parts, layout, tmp_path, "")


def test_a_verifier_is_saved_and_its_scores_are_golden(tmp_path):
    kernel_svm = make_pipeline(HOG(pixels_per_cell=(6, 6)), SVC())
    model = detector(verifier=kernel_svm, n_negatives=20, n_rounds=0)
    model.fit([IMAGE], boxes=[BOXES])
    loaded = load(save_at(model, tmp_path / "squares.imgfeat"))
    expected, found = model.predict([IMAGE])[0], loaded.predict([IMAGE])[0]
    np.testing.assert_array_equal(expected.scores, found.scores)
    parts, layout = make_golden(model)
    model.verifier_[-1]._intercept_ += 1
    with pytest.raises(BundleError, match="score_windows_by_verifier is off by"):
        check_golden(model, parts, layout, tmp_path, "")
    model.verifier_[-1].classes_ = np.array([0, 2])
    with pytest.raises(BundleError, match="SlidingWindowDetector in the file contrad"):
        vet(model)


def test_a_file_of_before_there_were_verifiers_still_finds(model, tmp_path):
    expected = model.predict([IMAGE])[0].boxes.tolist()
    for name in ("verifier", "verifier_", "candidate_threshold"):
        delattr(model, name)
    add_defaults(model)
    assert model.predict([IMAGE])[0].boxes.tolist() == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("classes_", [0, 1]),
        ("classes_", np.array([0, 2])),
        ("classes_", np.array([1])),
        ("background_", 7),
        ("background_", [0]),
    ],
)
def test_a_forged_detector_is_refused(model, name, value):
    vet(model)
    setattr(model, name, value)
    with pytest.raises(BundleError, match="SlidingWindowDetector in the file contrad"):
        vet(model)


def test_windows_beyond_all_memory_are_refused(model):
    model.window = (1 << 15, 1 << 15)
    with pytest.raises(BundleError, match=r"has window=.*too large"):
        vet(model)


def test_a_detector_has_no_label_for_an_image(model, tmp_path):
    path = save_at(model, tmp_path / "squares.imgfeat")
    with pytest.raises(TypeError, match="finds boxes, and has no label for an image"):
        Predictor(path).predict([IMAGE])
    with pytest.raises(TypeError, match="finds boxes, and has no label for an image"):
        evaluate(model, [IMAGE], ["square"])
