"""Tests for imgfeat/deploy/onnx/_vector_steps.py."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.decomposition import PCA, IncrementalPCA, TruncatedSVD
from sklearn.feature_selection import SelectKBest, VarianceThreshold
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    RobustScaler,
    StandardScaler,
)

from imgfeat.deploy.onnx._compose import apply
from imgfeat.deploy.onnx._folded_rows import Rows
from imgfeat.deploy.onnx._graph import Graph
from imgfeat.estimators import RowSpace
from tests.deploy.onnx._graphs import run_graph

pytestmark = pytest.mark.onnx

STEPS = [
    StandardScaler(),
    StandardScaler(with_mean=False),
    StandardScaler(with_std=False),
    RobustScaler(),
    RobustScaler(with_centering=False, with_scaling=False),
    MinMaxScaler((-1, 2)),
    MinMaxScaler(clip=True),
    MaxAbsScaler(),
    Normalizer(),
    Normalizer("l1"),
    Normalizer("max"),
    PCA(3),
    PCA(3, whiten=True),
    IncrementalPCA(3),
    TruncatedSVD(3, random_state=0),
    RowSpace(),
    VarianceThreshold(),
    make_pipeline(StandardScaler(), PCA(4), Normalizer(), "passthrough"),
    make_pipeline(PCA(5), SelectKBest(k=2), StandardScaler()),
    make_pipeline(VarianceThreshold(), StandardScaler(), SelectKBest(k=3)),
    FeatureUnion(
        [("a", PCA(2)), ("b", StandardScaler()), ("c", "drop")],
        transformer_weights={"b": 0.5},
    ),
]


@pytest.mark.parametrize("step", STEPS, ids=str)
def test_step_gives_the_same_rows(step):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((30, 8)) * 10 ** rng.uniform(-2, 2, 8) + 1
    X[:, 5] = 3.0  # never changes
    step.fit(X, rng.integers(0, 2, 30))
    new = np.concatenate([2 * X[:5] + 1, np.zeros((1, 8))])
    graph = Graph()
    rows = apply(graph, step, Rows("rows", 8), "step")
    name = graph.op("Identity", rows.value(graph))
    found = run_graph(graph, {name: np.float64}, new, "rows")[0]
    expected = step.transform(new)
    assert rows.width == expected.shape[1]
    assert_allclose(found, expected, rtol=1e-10, atol=1e-10)
