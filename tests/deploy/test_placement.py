"""Tests for imgfeat/deploy/_placement.py: models that come from another machine."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline, make_union

from imgfeat.deploy import load, save
from imgfeat.deploy._example import picture
from imgfeat.estimators import AugmentedClassifier, CNNClassifier
from imgfeat.features import HOG, BagOfVisualWords, DenseSIFT, PatchDictionary
from tests.deploy._forge import swap_model

ELSEWHERE = "cuda:7"  # where no test runs


@pytest.fixture(scope="module")
def photos():
    return np.stack([picture((40, 50), seed) for seed in range(8)]), ["a", "b"] * 4


def small_net(**options):
    return CNNClassifier("simple_cnn", max_epochs=1, random_state=0, **options)


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize(
    "features, name",
    [
        (HOG(), "hog__device"),
        (
            make_pipeline(DenseSIFT(8), BagOfVisualWords(4, random_state=0)),
            "pipeline__densesift__device",
        ),
        (PatchDictionary(8, random_state=0), "patchdictionary__device"),
    ],
    ids=["HOG", "DenseSIFT", "PatchDictionary"],
)
def test_device_that_is_not_here_becomes_auto(
    photos, tmp_path, features, name, wrapped
):
    model = make_pipeline(features, LogisticRegression())
    if wrapped:
        model = AugmentedClassifier(model, n_augmented=2, random_state=0)
    save(model.fit(*photos), tmp_path / "model.imgfeat")

    def bind(loaded):
        (loaded.pipeline_ if wrapped else loaded).set_params(**{name: ELSEWHERE})

    swap_model(tmp_path / "model.imgfeat", bind)
    loaded = load(tmp_path / "model.imgfeat")
    inner = loaded.pipeline_ if wrapped else loaded
    assert inner.get_params()[name] == "auto"
    np.testing.assert_array_equal(loaded.predict(photos[0]), model.predict(photos[0]))


def test_net_trained_in_bfloat16_loads_where_float32_runs(photos, tmp_path):
    model = small_net(precision="bfloat16", device="cpu").fit(*photos)
    path = tmp_path / "model.imgfeat"
    save(model, path)
    swap_model(path, lambda net: net.set_params(device=ELSEWHERE))
    loaded = load(path)
    assert (loaded.device, loaded.precision) == ("auto", "auto")
    exact = loaded.predict_proba(photos[0])
    np.testing.assert_allclose(exact, model.predict_proba(photos[0]), atol=0.1)


def test_device_that_is_here_stays(photos, tmp_path):
    union = make_union(HOG(device="cpu"), HOG())
    model = make_pipeline(union, LogisticRegression()).fit(*photos)
    save(model, tmp_path / "model.imgfeat")
    loaded = load(tmp_path / "model.imgfeat")
    assert [step.device for _, step in loaded[0].transformer_list] == ["cpu", "auto"]
