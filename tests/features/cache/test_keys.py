"""Tests for imgfeat/features/cache/_keys.py."""

import functools
import importlib
import json
import os
import pkgutil
import sys

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, Normalizer

import imgfeat
from imgfeat._public_names import public_name
from imgfeat.features import HOG, LBP, CachedFeatures, CNNEmbedding
from imgfeat.features.cache._keys import row_keys, transformer_key
from imgfeat.nets import Preprocessing
from imgfeat.sources import ImageReader
from imgfeat.sources._source import source_of

# Keys of transformers


class Scale(FunctionTransformer):
    def __init__(self, factor=1.0):
        self.factor = factor


def key(transformer):
    return transformer_key(transformer)[0]


def test_a_pipeline_is_its_steps_whatever_they_are_called():
    named = Pipeline([("read", ImageReader((8, 8))), ("describe", HOG())])
    assert key(named) == key(make_pipeline(ImageReader((8, 8)), HOG()))


def test_what_is_kept_of_a_step_is_the_step(tmp_path):
    kept = CachedFeatures(ImageReader((8, 8)), tmp_path, on_error="nan")
    assert key(make_pipeline(kept, HOG())) == key(
        make_pipeline(ImageReader((8, 8)), HOG())
    )


@pytest.mark.parametrize(
    "one, other",
    [
        (HOG(), HOG(orientations=8)),
        (HOG(), LBP()),
        (HOG(), make_pipeline(HOG())),
        (make_pipeline(HOG(), Normalizer()), make_pipeline(HOG(), Normalizer("l1"))),
        (FunctionTransformer(np.sqrt), FunctionTransformer(np.square)),
        (FunctionTransformer(lambda X: X), FunctionTransformer(lambda X: X + 1)),
        (
            FunctionTransformer(functools.partial(np.clip, a_min=0)),
            FunctionTransformer(functools.partial(np.clip, a_min=1)),
        ),
        (
            FunctionTransformer(np.clip, kw_args={"a_min": 0}),
            FunctionTransformer(np.clip, kw_args={"a_max": 0}),
        ),
        (Scale(np.ones(3)), Scale(np.zeros(3))),
        (Scale(float("nan")), Scale(None)),
        (Scale(np.float32), Scale(np.float64)),
        (Scale(torch.nn.Linear(2, 2)), Scale(torch.nn.Linear(2, 2))),
        (Scale(torch.nn.ReLU()), Scale(torch.nn.GELU())),
        (CNNEmbedding(), CNNEmbedding(weights=None, backbone="resnet18")),
        (CNNEmbedding(), CNNEmbedding(pooling="max")),
        pytest.param(
            *(CNNEmbedding(engine="torch"), CNNEmbedding(engine="onnx")),
            marks=pytest.mark.onnx,
        ),
    ],
    ids=range(16),
)
def test_transformers_that_differ_have_other_keys(one, other):
    assert key(one) != key(other)


@pytest.mark.parametrize(
    "one, other",
    [
        (HOG(), HOG(n_jobs=2)),
        (HOG(pixels_per_cell=(8, 8)), HOG(pixels_per_cell=[np.int64(8), 8])),
        (ImageReader(verbose=1), ImageReader(n_jobs=-1)),
        (make_pipeline(HOG()), make_pipeline(HOG(n_jobs=2), memory="x", verbose=True)),
        (CNNEmbedding(), CNNEmbedding(batch_size=3, verbose=1)),
    ],
    ids=range(5),
)
def test_what_changes_no_feature_changes_no_key(one, other):
    assert key(one) == key(other)


def test_a_function_is_known_by_what_it_does_not_by_where_it_is():
    def make(factor):
        return FunctionTransformer(lambda X: [x * factor for x in X])

    assert key(make(2)) == key(make(2)) != key(make(3))


def test_a_class_of_ones_own_is_known_by_its_code():
    def define(power):
        source = (
            "class Own(FunctionTransformer):\n"
            f"    def transform(self, X):\n        return X ** {power}\n"
        )
        names = {"FunctionTransformer": FunctionTransformer, "__name__": "notebook"}
        exec(source, names)
        return names["Own"]()

    assert key(define(2)) == key(define(2)) != key(define(3))


def test_a_net_is_known_by_its_weights():
    net = torch.nn.Conv2d(3, 4, 3)
    net.preprocessing = Preprocessing((8, 8), mean=(0.5,) * 3, std=(0.5,) * 3)
    before = key(CNNEmbedding(net))
    assert before == key(CNNEmbedding(net))
    with torch.no_grad():
        net.weight[0, 0, 0, 0] += 1
    assert before != key(CNNEmbedding(net))


@pytest.mark.parametrize("kind", [HOG, CNNEmbedding, ImageReader])
def test_a_class_of_ours_may_move_within_its_room(kind, monkeypatch):
    before, description = transformer_key(make_pipeline(kind()))
    assert f'"{public_name(kind)}"' in json.dumps(description)
    room = kind.__module__.split(".")[1]
    monkeypatch.setattr(kind, "__module__", f"imgfeat.{room}.inner._elsewhere")
    assert key(make_pipeline(kind())) == before


def test_other_classes_are_known_by_their_modules(monkeypatch):
    before = key(Scale())
    monkeypatch.setattr(Scale, "__module__", "elsewhere")
    assert key(Scale()) != before
    class_name = transformer_key(Normalizer())[1]["transformer"]["class"]
    assert class_name == "sklearn.preprocessing._data.Normalizer"


class Helper(Scale):
    __module__ = "imgfeat.features._helpers"
    __qualname__ = "_Helper"


def test_a_private_class_of_ours_is_known_by_its_room_too():
    description = transformer_key(Helper())[1]["transformer"]
    assert description["class"] == "imgfeat.features._Helper"
    assert key(Helper()) != key(Helper(2.0))


def test_no_two_estimators_of_a_room_share_a_name():
    for module in pkgutil.walk_packages(imgfeat.__path__, "imgfeat."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    ours = {
        kind
        for name, module in list(sys.modules.items())
        if name.startswith("imgfeat.")
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, BaseEstimator)
        if kind.__module__.startswith("imgfeat.")
    }
    names = sorted(map(public_name, ours))
    assert "imgfeat.features.HOG" in names
    assert names == sorted(set(names))


class Knows(Scale):
    """Its features depend on more than its parameters."""

    seen = 1

    def _cache_facts(self):
        return {"seen": self.seen}


def test_an_estimator_says_what_else_its_features_depend_on(monkeypatch):
    before, description = transformer_key(make_pipeline(Knows()))
    assert description["transformer"]["parameters"]["steps"][0]["seen"] == 1
    assert key(make_pipeline(Knows())) == before
    monkeypatch.setattr(Knows, "seen", 2)
    assert key(make_pipeline(Knows())) != before


def test_an_embedding_says_its_weights_and_what_runs_them():
    found = transformer_key(CNNEmbedding(engine="torch", device="cpu"))[1]
    facts = found["transformer"]
    assert facts["runs_as"] == ["torch", "cpu", "float32"]
    assert facts["weights"]["name"] == "efficientnet_lite0"
    assert len(facts["weights"]["sha256"]) == 64


def test_refuses_what_is_more_than_its_value():
    with pytest.raises(TypeError, match=r"steps\[1\].factor of type .*Generator"):
        key(make_pipeline(HOG(), Scale(np.random.default_rng(0))))


# Keys of rows


def keys_of(items):
    return row_keys([source_of(item) for item in items])


def test_rows_that_differ_have_other_keys(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"ab")
    zeros = np.zeros((2, 8), dtype=np.uint8)
    items = [
        zeros,
        zeros.reshape(4, 4),
        zeros.astype(bool),
        zeros + 1,
        path,
        b"ab",
        b"",
    ]
    keys, known = keys_of(items)
    assert known.all()
    assert len(np.unique(keys, axis=0)) == len(items)
    os.utime(path, ns=(0, 0))
    assert not np.array_equal(keys_of([path])[0], keys[4:5])


def test_equal_rows_have_equal_keys(tmp_path, monkeypatch):
    (tmp_path / "a").write_bytes(b"ab")
    monkeypatch.chdir(tmp_path)
    grid = np.arange(16).reshape(4, 4)
    pairs = [
        (tmp_path / "a", str(tmp_path / "a")),
        ("a", np.str_(tmp_path / ".." / tmp_path.name / "a")),
        (grid.T, grid.T.copy()),
        (b"ab", memoryview(b"ab")),
    ]
    for one, other in pairs:
        (first, second), known = keys_of([one, other])
        assert known.all()
        assert_array_equal(first, second)


def test_what_cannot_be_told_has_no_key(tmp_path):
    items = ["missing", tmp_path, "nul\0", np.array(["a", None]), None, 3]
    assert not keys_of(items)[1].any()
