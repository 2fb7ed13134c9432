"""Tests for imgfeat/features/_finds_net.py: what a fitted net is run as, later too."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import imgfeat
from imgfeat import _once
from imgfeat._traits import traits_of
from imgfeat.deploy import read_manifest
from imgfeat.features import CNNEmbedding
from imgfeat.features.cache._keys import transformer_key
from imgfeat.nets.inference import _choice, _ways


@pytest.fixture
def photos():
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (6, 32, 32, 3), dtype=np.uint8)


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """Say whether the CPU computes in bfloat16, and what is the fastest there."""
    monkeypatch.setenv("IMGFEAT_HOME", str(tmp_path / "home"))

    def say(*, bfloat16=True, fastest=-1):
        monkeypatch.setattr(_choice, "_chosen", {})
        monkeypatch.setattr(_ways, "has_bfloat16", lambda: bfloat16)
        monkeypatch.setattr(_choice, "_find", lambda *args: args[4].choices[fastest])

    monkeypatch.setattr(_once, "_told", set())
    say()
    return say


def embedding(**options):
    defaults = {"weights": None, "engine": "torch", "device": "cpu", "n_jobs": 1}
    return CNNEmbedding("timm/test_resnet", size=32, **defaults | options)


def test_fitted_net_keeps_its_precision_wherever_it_is_loaded(machine, photos):
    net = embedding().fit(photos)
    rows = net.transform(photos)
    assert net.inference_info_["precision"] == "bfloat16"
    assert (rows != embedding(precision="float32").fit_transform(photos)).any()
    machine(fastest=0)  # float32 is the faster one on the next machine
    again = pickle.loads(pickle.dumps(net))
    assert_array_equal(again.transform(photos), rows)
    assert again.inference_info_["precision"] == "bfloat16"
    assert clone(net).fit(photos).inference_info_["precision"] == "float32"


def test_net_of_float32_stays_exact_where_bfloat16_is_faster(machine, photos):
    machine(fastest=0)
    net = embedding().fit(photos)
    rows = net.transform(photos)
    machine()
    again = pickle.loads(pickle.dumps(net))
    assert_array_equal(again.transform(photos), rows)
    assert again.inference_info_["precision"] == "float32"


def test_saved_model_says_its_precision_and_where_it_is_not_to_be_had(
    machine, photos, tmp_path
):
    pipeline = make_pipeline(embedding(), LogisticRegression())
    pipeline.fit(photos, [0, 1] * 3)
    expected = pipeline.predict_proba(photos)
    path = tmp_path / "model.imgfeat"
    imgfeat.save(pipeline, path)
    (facts,) = read_manifest(path)["inference"].values()
    assert facts["precision"] == pipeline[0].inference_info_["precision"] == "bfloat16"
    assert_array_equal(imgfeat.load(path).predict_proba(photos), expected)
    machine(bfloat16=False)
    with pytest.warns(RuntimeWarning, match="ran in bfloat16. This CPU does not comp"):
        elsewhere = imgfeat.load(path)
    assert np.abs(elsewhere.predict_proba(photos) - expected).max() < 0.1
    assert elsewhere[0].inference_info_["precision"] == "float32"


def test_golden_outputs_are_as_exact_as_the_net_was_run(machine, photos):
    assert traits_of(embedding()).tolerance == 3e-2
    assert traits_of(embedding().fit(photos)).tolerance == 1e-1
    machine(fastest=0)
    assert traits_of(embedding().fit(photos)).tolerance == 3e-2


def test_cached_rows_are_those_of_one_precision(machine, photos):
    half = transformer_key(embedding())
    assert half[1]["transformer"]["runs_as"] == ["torch", "cpu", "bfloat16"]
    machine(fastest=0)
    exact = transformer_key(embedding())
    assert exact[0] != half[0]
    assert exact[0] == transformer_key(embedding().fit(photos))[0]
