"""Tests for imgfeat/deploy/onnx/_nearest_text.py."""

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline

from imgfeat.deploy import export_onnx
from imgfeat.estimators import ZeroShotClassifier
from imgfeat.features import HOG
from imgfeat.sources import ImageReader
from tests.deploy.onnx._graphs import assert_says_the_same

pytestmark = pytest.mark.onnx

RNG = np.random.default_rng(0)
X = RNG.standard_normal((30, 6))


def vectors(n_classes, n_features=6):
    rows = RNG.standard_normal((n_classes, n_features))
    return dict(zip("abcd", rows, strict=False))


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize(
    "how",
    [
        {},
        {"logit_scale": 3.0, "logit_bias": -1.5},
        {"activation": "sigmoid", "logit_scale": 117.3, "logit_bias": -12.9},
        {"activation": "sigmoid", "logit_scale": 2000.0, "logit_bias": -900.0},
    ],
    ids=str,
)
def test_nearest_text_is_the_same(n_classes, how):
    assert_says_the_same(ZeroShotClassifier(vectors(n_classes), **how).fit(X), X)


def test_whole_pipeline_comes_as_one_file(tmp_path):
    images = RNG.integers(0, 256, (4, 24, 24), dtype=np.uint8)
    reader = ImageReader((16, 16), mode="gray")
    front = make_pipeline(reader, HOG(cells_per_block=(1, 1)))
    texts = vectors(3, front.fit_transform(images).shape[1])
    model = make_pipeline(*front, ZeroShotClassifier(texts)).fit(images)
    assert export_onnx(model, tmp_path / "m.onnx").worst < 1e-4
