"""Tests for imgfeat/deploy/onnx/_each_label.py, and all that gives several labels."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from imgfeat.deploy import NotPortableError, export_onnx
from imgfeat.deploy.onnx._trial import TOLERANCE, check_agreement
from imgfeat.estimators import (
    AugmentedClassifier,
    CNNClassifier,
    LabelThresholds,
    LabelVote,
    LinearProbe,
    RidgeProbe,
)
from imgfeat.estimators._class_scores import score_labels
from tests.deploy.onnx._graphs import run_classifier
from tests.nets._versions import exports

onnxruntime = pytest.importorskip("onnxruntime")
pytestmark = pytest.mark.onnx

RNG = np.random.default_rng(0)
X = RNG.standard_normal((80, 6))
Y = (X[:, :3] + RNG.standard_normal((80, 3)) > 0.3).astype(int)
NAMED = pd.DataFrame(Y, columns=["moss", "rust", "worn"])
IMAGES = RNG.integers(0, 256, (24, 20, 24, 3), dtype=np.uint8)
OF_IMAGES = NAMED[:24]


@pytest.mark.parametrize("n_labels", [2, 3])
@pytest.mark.parametrize(
    "head",
    [
        LinearProbe(),
        LinearProbe("svm", [0.1, 1.0]),
        RidgeProbe(),
        RidgeClassifier(),
        OneVsRestClassifier(LogisticRegression()),
        OneVsRestClassifier(LinearSVC()),
        OneVsRestClassifier(SVC()),
        OneVsRestClassifier(make_pipeline(StandardScaler(), RidgeProbe())),
        MultiOutputClassifier(LogisticRegression()),
        LabelThresholds(RidgeProbe(), cv=3),
        LabelThresholds(OneVsRestClassifier(LinearSVC()), cv=3),
        LabelVote([("a", RidgeProbe()), ("b", LinearProbe())], weights=[2, 1]),
        make_pipeline(StandardScaler(), LinearProbe()),
    ],
    ids=str,
)
def test_heads_of_several_labels_say_the_same(head, n_labels):
    head.fit(X, Y[:, :n_labels])
    rows = np.concatenate([X, 30 * X[:3], np.zeros((1, 6))])
    labels, decisions, shares = run_classifier(head, rows)
    assert_array_equal(labels, head.predict(rows))
    assert (shares is not None) == hasattr(head, "predict_proba")
    found = decisions if shares is None else shares
    expected = score_labels(head, rows, n_labels, "a test")
    assert_allclose(found, expected, rtol=1e-6, atol=1e-9)


def test_what_has_no_operators_is_named():
    forest = RandomForestClassifier(2, random_state=0)
    with pytest.raises(NotPortableError, match=r"no operators .* OneVsRestClassifier"):
        run_classifier(forest.fit(X, Y), X)
    one = OneVsRestClassifier(LogisticRegression()).fit(X, X[:, 0].round().clip(0, 2))
    with pytest.raises(NotPortableError, match="fitted on one of each; take Logistic"):
        run_classifier(one, X)
    with pytest.warns(UserWarning, match="not 2 is present"):
        never = OneVsRestClassifier(LinearSVC()).fit(X, Y * [1, 1, 0])
    with pytest.raises(NotPortableError, match=r"all or none .* have label 2; leave"):
        run_classifier(never, X)
    silent = MultiOutputClassifier(LinearSVC()).fit(X, Y)
    with pytest.raises(NotPortableError, match="neither probabilities nor decisions"):
        run_classifier(silent, X)
    with pytest.raises(NotPortableError, match=r"a RandomForestClassifier: there"):
        run_classifier(LabelThresholds(forest, cv=2).fit(X, Y), X)


class Known:
    """A classifier of several labels that gives what it was given."""

    multilabel_ = True
    classes_ = np.array(["a", "b"])

    def predict_proba(self, images):
        return np.array([[0.7, 0.49999], [0.2, 0.9]])

    def predict(self, images):
        return (self.predict_proba(images) > 0.5).astype(int)


@pytest.mark.parametrize(
    "cell, label, is_wrong", [(0, 0, True), (1, 1, False), (1, 0, False)]
)
def test_labels_may_differ_only_next_to_their_bound(cell, label, is_wrong):
    shares, labels = Known().predict_proba(None), Known().predict(None)
    labels[0, cell] = label
    images = [np.full((2, 2, 3), row, dtype=np.uint8) for row in range(2)]

    def answer(image):
        row = image[0, 0, 0, 0]
        return {"probabilities": shares[[row]], "label": labels[[row]]}

    if not is_wrong:
        assert check_agreement(Known(), answer, images) < TOLERANCE
        return
    with pytest.raises(NotPortableError, match=r"labels\. Got 1 others on 2 images"):
        check_agreement(Known(), answer, images)


def assert_exports(model, path):
    found = export_onnx(model, path)
    session = onnxruntime.InferenceSession(path)
    shares, labels = session.run(None, {"images": IMAGES})
    assert found.worst < TOLERANCE and found.output == "probabilities"
    assert_allclose(shares, model.predict_proba(IMAGES), atol=1e-5)
    assert_array_equal(labels, model.predict(IMAGES))
    about = session.get_modelmeta().custom_metadata_map
    assert about["classes"] == '["moss", "rust", "worn"]' and about["several"] == "true"
    assert [out.shape[1] for out in session.get_outputs()] == [3, 3]


def test_recipes_come_as_one_file(tmp_path):
    from imgfeat import make_recipe

    inner = make_recipe("hog-svm", size=16)
    model = LabelThresholds(inner, cv=2).fit(IMAGES, OF_IMAGES)
    assert_exports(model, tmp_path / "m.onnx")
    augmented = AugmentedClassifier(
        make_recipe("hog-lr", size=16), n_augmented=2, random_state=0
    ).fit(IMAGES, OF_IMAGES)
    assert_exports(augmented, tmp_path / "m.onnx")


@exports
@pytest.mark.slow
def test_trained_nets_come_as_one_file(tmp_path):
    cnn = CNNClassifier("simple_cnn", max_epochs=2, n_views=2, size=16, random_state=0)
    assert_exports(cnn.fit(IMAGES, OF_IMAGES), tmp_path / "m.onnx")
    tuned = LabelThresholds(cnn, [0.2, 0.5, 0.6]).fit(IMAGES, OF_IMAGES)
    assert_exports(tuned, tmp_path / "m.onnx")
