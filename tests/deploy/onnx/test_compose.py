"""Tests for imgfeat/deploy/onnx/_compose.py: what is refused, and where it stands."""

import re

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from imgfeat.deploy.onnx._compose import judge
from imgfeat.deploy.onnx._graph import Graph
from imgfeat.deploy.onnx._planes import as_planes
from imgfeat.deploy.onnx._unportable import NotPortableError
from imgfeat.estimators import AugmentedClassifier
from imgfeat.features import HOG, LBP
from imgfeat.preprocess import Grayscale
from imgfeat.sources import ImageReader

pytestmark = pytest.mark.onnx

IMAGES = np.random.default_rng(0).integers(0, 256, (100, 16, 16), dtype=np.uint8)
LABELS = np.arange(100) % 2

READER = ImageReader(16, mode="gray")
PLAIN = make_pipeline(READER, HOG(), LogisticRegression())
REFUSED = {
    "'lbp' (LBP): there are no operators for what it does; use one of CNNEmbedding, "
    "HOG, or serve": make_pipeline(READER, LBP(), LogisticRegression()),
    "'last' (KNeighborsClassifier): there are no operators": Pipeline(
        [("reader", READER), ("hog", HOG()), ("last", KNeighborsClassifier())]
    ),
    "'both__texture' (LBP)": Pipeline(
        [
            ("reader", READER),
            ("both", FeatureUnion([("shape", HOG()), ("texture", LBP())])),
            ("last", LogisticRegression()),
        ]
    ),
    "'functiontransformer' (FunctionTransformer)": make_pipeline(
        READER, HOG(), FunctionTransformer(), LogisticRegression()
    ),
    "'imagereader' (ImageReader): dtype='float32' has values": make_pipeline(
        ImageReader(16, mode="gray", dtype="float32"), HOG(), LogisticRegression()
    ),
    "a AugmentedClassifier: n_views=2 predicts from augmented images": (
        AugmentedClassifier(PLAIN, n_augmented=1, n_views=2)
    ),
    "a GridSearchCV: it was not refitted; set refit=True": GridSearchCV(
        PLAIN, {"logisticregression__C": [1.0]}, cv=2, refit=False
    ),
}


@pytest.mark.parametrize("message", REFUSED)
def test_refusals_name_the_step_and_what_to_do(message):
    model = REFUSED[message].fit(list(IMAGES), LABELS)
    graph = Graph()
    with pytest.raises(NotPortableError, match=re.escape(message)) as caught:
        judge(graph, model, as_planes(graph, "images"))
    assert str(caught.value).endswith("or serve the file that imgfeat.save writes.")


def test_steps_get_what_they_take_or_are_refused():
    scaler = StandardScaler().fit(IMAGES.reshape(100, -1))
    graph = Graph()
    model = make_pipeline(scaler, LogisticRegression())
    with pytest.raises(NotPortableError, match="it takes numbers, and gets images"):
        judge(graph, model, as_planes(graph, "images"))
    hog = HOG().fit(IMAGES)
    model = make_pipeline(hog, Grayscale(), LogisticRegression())
    with pytest.raises(NotPortableError, match="it takes images, and gets what"):
        judge(graph, model, as_planes(graph, "images", (16, 16)))
