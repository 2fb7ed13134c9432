"""Tests for imgfeat/features/_identity.py."""

import functools
import os

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, Normalizer

from imgfeat.features import HOG, LBP, CNNEmbedding
from imgfeat.features._identity import row_keys, transformer_key
from imgfeat.nets import Preprocessing
from imgfeat.sources import ImageReader
from imgfeat.sources._source import source_of

# Keys of transformers


class Scale(FunctionTransformer):
    def __init__(self, factor=1.0):
        self.factor = factor


def key(transformer):
    return transformer_key(transformer)[0]


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
        (CNNEmbedding(engine="torch"), CNNEmbedding(engine="onnx")),
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


def test_refuses_what_is_more_than_its_value():
    with pytest.raises(TypeError, match=r"steps\[1\]\[1\].factor of type .*Generator"):
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
