"""Tests that what needs one label an image says so, in the same words everywhere."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier, SGDClassifier
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline

from imgfeat import explain
from imgfeat.estimators import (
    AugmentedClassifier,
    LinearProbe,
    OpenSet,
    PairVerifier,
    RidgeProbe,
    SlidingWindowDetector,
    fit_streaming,
)
from imgfeat.evaluation import suggest
from imgfeat.features import HOG
from imgfeat.sources import ImageReader

IMAGES = np.random.default_rng(0).integers(256, size=(24, 24, 24), dtype=np.uint8)
LABELS = np.random.default_rng(1).integers(2, size=(24, 3))
NAMES = [[n for n, has in zip("abc", row, strict=True) if has] for row in LABELS]
FRONT = ImageReader((24, 24), mode="gray"), HOG(cells_per_block=(1, 1))


def pipeline(head):
    return make_pipeline(*FRONT, head)


@pytest.fixture(scope="module")
def model():
    return pipeline(RidgeProbe()).fit(IMAGES, NAMES)


@pytest.mark.parametrize("y", [LABELS, NAMES], ids=["matrix", "names"])
@pytest.mark.parametrize(
    "fit",
    [
        lambda y: OpenSet(pipeline(RidgeProbe())).fit(IMAGES, y),
        lambda y: PairVerifier(pipeline(RidgeProbe())[:-1]).fit(IMAGES, y),
        lambda y: SlidingWindowDetector(pipeline(RidgeProbe()), (24, 24)).fit(
            IMAGES, y
        ),
        lambda y: fit_streaming(pipeline(SGDClassifier()), IMAGES, y),
    ],
    ids=["OpenSet", "PairVerifier", "SlidingWindowDetector", "fit_streaming"],
)
def test_a_fit_that_needs_one_label_an_image_says_so(fit, y):
    with pytest.raises(ValueError, match=r"needs one label an image\. Got several: y"):
        fit(y)


@pytest.mark.parametrize(
    "ask",
    [
        lambda model: explain(model, IMAGES[:1]),
        lambda model: suggest(model, IMAGES, n=3),
    ],
    ids=["explain", "suggest"],
)
def test_what_needs_a_model_of_one_label_says_so(ask, model):
    with pytest.raises(
        ValueError, match=r"needs one label an image\. Got several: Ridge"
    ):
        ask(model)


@pytest.mark.parametrize(
    "head",
    [
        LinearProbe(C=0.1),
        OneVsRestClassifier(LogisticRegression()),
        RidgeClassifier(),
        RandomForestClassifier(3, random_state=0),
    ],
)
def test_views_of_several_labels_are_averaged(head):
    model = AugmentedClassifier(
        pipeline(head), augment="light", n_augmented=2, n_views=2, random_state=0
    )
    found = model.fit(IMAGES, LABELS)
    assert set(np.unique(found.predict(IMAGES))) <= {0, 1}
    assert found.predict(IMAGES).shape == (24, 3)
    if hasattr(found, "predict_proba"):
        shares = found.predict_proba(IMAGES)
        assert_array_equal(found.predict(IMAGES), shares > 0.5)


def test_names_go_through_augmentation():
    model = AugmentedClassifier(pipeline(RidgeProbe()), n_augmented=2, random_state=0)
    found = model.fit(IMAGES, pd.DataFrame(LABELS, columns=["x", "y", "z"]))
    assert found.classes_.tolist() == ["x", "y", "z"]
    with pytest.raises(ValueError, match="24 images and 23 rows"):
        model.fit(IMAGES, LABELS[:23])
