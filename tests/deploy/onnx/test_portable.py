"""Tests for imgfeat/deploy/onnx/_portable.py."""

import json

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import Normalizer, StandardScaler
from sklearn.svm import SVC, LinearSVC

import imgfeat
from imgfeat import load_sample, make_recipe
from imgfeat.deploy import NotPortableError, export_onnx
from imgfeat.deploy.onnx import _portable
from imgfeat.deploy.onnx._labelling import read_golden, seal
from imgfeat.estimators import LinearProbe, OpenSet
from imgfeat.features import HOG, CachedFeatures, CNNEmbedding
from imgfeat.preprocess import CenterCrop, Grayscale, Resize
from imgfeat.sources import ImageReader
from tests.nets._tiny import TinyNet
from tests.nets._versions import exports

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
refusals = pytest.importorskip("onnxruntime.capi.onnxruntime_pybind11_state")
REFUSALS = refusals.RuntimeException, refusals.InvalidArgument
pytestmark = pytest.mark.onnx

TEXTURES = load_sample("textures")
GRAY, LABELS = TEXTURES.images[::4], TEXTURES.target_names[TEXTURES.target[::4]]
TINTED = (GRAY[..., None] * np.array([1.0, 0.8, 0.6])).astype(np.uint8)


class Exported:
    """A file, and what it says of images."""

    def __init__(self, path):
        self.session = onnxruntime.InferenceSession(path)
        self.about = self.session.get_modelmeta().custom_metadata_map
        self.classes = np.array(json.loads(self.about["classes"]))

    def __call__(self, images):
        scores, label = self.session.run(None, {"images": images})
        return scores, self.classes[label]


def hog_model():
    return make_recipe("hog-lr", size=32)


def assert_exports(model, path, images=TINTED):
    """Whether a fitted model's file says what the model says."""
    found = export_onnx(model, path)
    scores, labels = Exported(path)(images)
    probabilities = found.output == "probabilities"
    method = model.predict_proba if probabilities else model.decision_function
    assert_allclose(scores, method(images), rtol=1e-5, atol=1e-5)
    assert_array_equal(labels, model.predict(images))
    return found


def test_recipe_comes_as_one_file(tmp_path):
    path = tmp_path / "model.onnx"
    model = hog_model().fit(list(TINTED), LABELS)
    found = assert_exports(model, path)
    assert (found.path, found.output) == (path, "probabilities")
    assert found.n_bytes == path.stat().st_size
    assert found.worst < 1e-5
    assert [file.name for file in tmp_path.iterdir()] == ["model.onnx"]


def test_images_may_have_any_size_and_come_in_batches(tmp_path):
    model = hog_model().fit(list(TINTED), LABELS)
    export_onnx(model, tmp_path / "model.onnx")
    run = Exported(tmp_path / "model.onnx")
    for shape in ((3, 90, 50), (1, 7, 200), (2, 1, 1)):
        images = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
        scores, _ = run(images)
        assert_allclose(scores, model.predict_proba(images), atol=1e-5)


def test_file_says_what_it_is(tmp_path):
    path = tmp_path / "model.onnx"
    export_onnx(hog_model().fit(list(TINTED), LABELS), path)
    run = Exported(path)
    assert run.classes.tolist() == ["brick", "grass", "gravel"]
    assert run.about["imgfeat_version"] == imgfeat.__version__
    assert "upright as EXIF says" in run.about["reading"]
    assert json.loads(run.about["steps"])["reader"]["size"] == [32, 32]
    assert json.loads(run.about["agreement"])["largest_difference"] < 1e-5
    assert run.about["sha256"] == seal(onnx.load(path))
    images, golden = read_golden(run.about["golden"])
    scores, labels = run(images)
    assert_allclose(scores, golden["probabilities"], atol=1e-6)
    assert_array_equal(labels, run.classes[golden["label"]])
    (given,) = run.session.get_inputs()
    assert (given.name, given.type) == ("images", "tensor(uint8)")
    assert given.shape == ["n", "height", "width", 3]
    opset = {item.domain: item.version for item in onnx.load(path).opset_import}
    assert opset == {"": 18}


def test_equal_pipelines_give_equal_files(tmp_path):
    model = hog_model().fit(list(TINTED), LABELS)
    paths = tmp_path / "a.onnx", tmp_path / "b.onnx"
    for path in paths:
        export_onnx(model, path)
    assert paths[0].read_bytes() == paths[1].read_bytes()


@exports
def test_nets_are_a_part_of_it(tmp_path):
    net = CNNEmbedding(TinyNet(), n_views=2, engine="torch")
    model = make_pipeline(net, StandardScaler(), LogisticRegression())
    found = assert_exports(model.fit(TINTED, LABELS), tmp_path / "model.onnx")
    assert found.worst < 1e-5


def test_folds_of_a_calibration_share_what_is_the_same(tmp_path):
    inner = make_pipeline(ImageReader(32, mode="gray"), HOG(), LinearSVC())
    model = CalibratedClassifierCV(inner, cv=2).fit(TINTED, LABELS)
    assert_exports(model, tmp_path / "model.onnx")
    kinds = [node.op_type for node in onnx.load(tmp_path / "model.onnx").graph.node]
    assert kinds.count("AveragePool") == 1


@pytest.mark.parametrize("last", [LinearProbe(), LinearSVC()])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_what_is_unknown_is_called_so(tmp_path, last, n_classes):
    rows = np.isin(LABELS, np.unique(LABELS)[:n_classes])
    pipeline = make_pipeline(
        ImageReader(32, mode="gray"), HOG(), StandardScaler(), Normalizer(), last
    )
    model = OpenSet(pipeline, coverage=0.8, false_alarms=0.2, calibration=2)
    model.fit(list(TINTED[rows]), LABELS[rows])
    export_onnx(model, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    noise = np.random.default_rng(0).integers(0, 256, (9, 64, 64, 3), dtype=np.uint8)
    images = np.concatenate([TINTED, noise, 0 * noise[:1]])
    shares, label, known, score, sets = session.run(None, {"images": images})
    expected = model.predict_open(images)
    assert_allclose(shares, expected.proba, atol=1e-5)
    assert_allclose(score, expected.scores, atol=1e-5)
    assert_array_equal(known, expected.known)
    assert_array_equal(sets, expected.sets)
    about = session.get_modelmeta().custom_metadata_map
    assert json.loads(about["labels"]) == [*model.classes_, "unknown"]
    assert_array_equal(
        np.array(json.loads(about["labels"]))[label], model.predict(images)
    )
    assert 0 < np.count_nonzero(known) < len(images)


def test_an_open_set_at_the_end_names_the_unknown_too(tmp_path):
    last = OpenSet(
        LogisticRegression(), 0.8, false_alarms=0.2, unknown_label=np.int64(-1)
    )
    model = make_pipeline(ImageReader(32, mode="gray"), HOG(), last)
    labels = np.unique(LABELS, return_inverse=True)[1]
    model.fit(list(TINTED), labels)
    search = GridSearchCV(model, {}, cv=2).fit(list(TINTED), labels)
    for each in (model, search):
        export_onnx(each, tmp_path / "model.onnx")
        about = Exported(tmp_path / "model.onnx").about
        assert json.loads(about["labels"]) == [0, 1, 2, -1]


def test_images_that_are_too_small_are_no_images(tmp_path):
    crop = CenterCrop(33)
    model = make_pipeline(ImageReader(40), crop, HOG(), LogisticRegression())
    model.fit(TINTED, LABELS)
    model.steps[0] = ("reader", ImageReader())
    written = _portable._compose(model, None)
    session = onnxruntime.InferenceSession(written.SerializeToString(), quiet())
    assert session.run(None, {"images": TINTED[:1]})[0].shape == (1, 3)
    for side in (32, 20, 1):
        with pytest.raises(REFUSALS, match="Expand"):
            session.run(None, {"images": TINTED[:1, :side]})


def quiet():
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    return options


def test_branches_stand_side_by_side(tmp_path):
    reader = ImageReader(48, aspect="pad", interpolation="lanczos")
    small = make_pipeline(
        Resize((30, 20), aspect="crop"), HOG(4, pixels_per_cell=(5, 5))
    )
    large = make_pipeline(CenterCrop(33), Grayscale(), CachedFeatures(HOG()))
    union = FeatureUnion([("a", small), ("b", large)], transformer_weights={"a": 0.5})
    model = make_pipeline(reader, union, LogisticRegression())
    assert_exports(model.fit(TINTED, LABELS), tmp_path / "model.onnx")


@pytest.mark.parametrize("n_classes", [2, 3])
def test_decisions_stand_in_for_probabilities(tmp_path, n_classes):
    rows = np.isin(LABELS, np.unique(LABELS)[:n_classes])
    for last in (LinearSVC(), SVC(decision_function_shape="ovo")):
        model = make_pipeline(ImageReader(32, mode="gray"), HOG(), last)
        model.fit(TINTED[rows], LABELS[rows])
        found = assert_exports(model, tmp_path / "model.onnx", TINTED[rows])
        assert found.output == "decisions"


def test_pipelines_of_one_size_say_so(tmp_path):
    path = tmp_path / "model.onnx"
    for images in (GRAY, TINTED):
        model = make_pipeline(HOG(), LogisticRegression()).fit(images, LABELS)
        export_onnx(model, path)
        run = Exported(path)
        assert run.session.get_inputs()[0].shape == ["n", 64, 64, 3]
        given = images if images.ndim == 4 else np.repeat(images[..., None], 3, 3)
        assert_allclose(run(given)[0], model.predict_proba(images), atol=1e-5)


def test_a_file_that_answers_otherwise_is_not_written(tmp_path, monkeypatch):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"what was there")
    model = hog_model().fit(list(TINTED), LABELS)
    monkeypatch.setattr(
        _portable, "trial_images", lambda shape: [np.zeros((9, 9, 3), np.uint8)]
    )
    judge = _portable.judge

    def judge_badly(graph, *rest):
        verdict = judge(graph, *rest)
        scores = graph.op("Add", verdict.probabilities, np.float64(0.01))
        return type(verdict)(verdict.label, None, scores)

    monkeypatch.setattr(_portable, "judge", judge_badly)
    with pytest.raises(NotPortableError, match=r"difference of 0\.01 on 1 images"):
        export_onnx(model, path)

    def judge_backwards(graph, *rest):
        verdict = judge(graph, *rest)
        label = graph.op("ArgMin", verdict.probabilities, axis=1, keepdims=0)
        return type(verdict)(label, None, verdict.probabilities)

    monkeypatch.setattr(_portable, "judge", judge_backwards)
    with pytest.raises(NotPortableError, match="Got 1 others on 1 images"):
        export_onnx(model, path)
    assert path.read_bytes() == b"what was there"
    assert len(list(tmp_path.iterdir())) == 1


def test_the_target_is_looked_at_first(tmp_path):
    model = hog_model().fit(list(TINTED), LABELS)
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        export_onnx(model, tmp_path / "missing" / "model.onnx")


def test_what_is_no_fitted_classifier_is_refused(tmp_path):
    path = tmp_path / "model.onnx"
    with pytest.raises(TypeError, match="needs a fitted classifier of images"):
        export_onnx(HOG(), path)
    with pytest.raises(ValueError, match="not fitted"):
        export_onnx(hog_model(), path)
