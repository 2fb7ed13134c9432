"""Tests for imgfeat/nets/inference/_quantize.py, and the engine that runs its nets."""

import logging
from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from torch import nn

from imgfeat.nets import find_backbone, open_engine, plan_inference
from imgfeat.nets._pooling import Readout
from imgfeat.nets.inference import _export, _quantize
from imgfeat.nets.inference._embedder import Embedder
from imgfeat.nets.inference._onnx import OnnxEngine
from imgfeat.nets.inference._photographs import views_of
from tests.nets._tiny import TINY, TinyNet
from tests.nets._versions import exports

onnx = pytest.importorskip("onnx")


class TokenNet(nn.Module):
    """Patches as tokens, normalized and mixed: what a transformer is made of."""

    preprocessing = TINY

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 16, 4, 4)
        self.norm = nn.LayerNorm(16)
        self.mix = nn.Linear(16, 8)

    def forward(self, x):
        tokens = self.patches(x).flatten(2).transpose(1, 2)
        return self.mix(self.norm(tokens).softmax(-1))


@pytest.fixture(scope="module")
def exact():
    return _export.export(Embedder(TinyNet(), TINY, Readout("avg")))


@pytest.fixture(scope="module")
def small(exact):
    return _quantize.quantize(exact, TINY)


@pytest.fixture
def batch():
    return views_of(("cat",), TINY)


def engine(monkeypatch, model):
    monkeypatch.setattr(_export, "export", lambda embedder: model)
    return OnnxEngine(lambda: None, "tiny", TINY, precision="int8")


def run(engine, images, n_intra=1):
    with engine.running(n_intra) as call:
        return call(images)


def test_outputs_are_near_those_in_float32(exact, small, batch):
    rows, near = (
        _quantize.open_session(model).run(None, {"images": batch})[0]
        for model in (exact, small)
    )
    assert near.dtype == np.float32
    assert_allclose(near, rows, atol=0.05 * np.abs(rows).max())
    assert (near != rows).any()


def test_weights_are_8_bits_with_a_scale_for_each_channel(small):
    graph = onnx.load_from_string(small).graph
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    weights = [t for t in tensors.values() if list(t.dims) == [5, 3, 3, 3]]
    assert [t.data_type for t in weights] == [onnx.TensorProto.INT8]
    (scale,) = (t for n, t in tensors.items() if n == f"{weights[0].name[:-10]}_scale")
    assert list(scale.dims) == [5]


@exports
def test_normalization_and_what_attention_needs_stay_in_float():
    model = _export.export(Embedder(TokenNet(), TINY, Readout("avg")))
    graph = onnx.load_from_string(_quantize.quantize(model, TINY)).graph
    to_8_bits = {n.output[0] for n in graph.node if n.op_type == "DequantizeLinear"}
    for node in graph.node:
        if node.op_type in ("LayerNormalization", "Softmax", "Cast", "Transpose"):
            assert not to_8_bits & set(node.input), node.name
        if node.op_type in ("Conv", "MatMul", "Gemm"):
            assert to_8_bits & set(node.input), node.name


def test_row_is_the_same_alone_in_any_batch_and_for_any_threads(
    monkeypatch, exact, batch
):
    net = engine(monkeypatch, exact)
    together = run(net, batch)
    alone = np.concatenate([run(net, batch[i : i + 1]) for i in range(len(batch))])
    assert_allclose(alone, together, atol=1e-5 * np.abs(together).max())
    assert_array_equal(run(net, batch, 2), together)


def test_same_net_gives_the_same_integers(exact, small):
    assert _quantize.quantize(exact, TINY) == small


def test_agreement_is_recorded_and_kept_with_the_file(tmp_path, monkeypatch, exact):
    monkeypatch.setenv("IMGFEAT_HOME", str(tmp_path))
    exports = []
    monkeypatch.setattr(_export, "export", lambda embedder: exports.append(1) or exact)
    make = partial(OnnxEngine, lambda: None, "tiny", TINY, "key", precision="int8")
    first = make().info
    assert first.keys() == {"engine", "device", "precision", "agreement"}
    assert first["precision"] == "int8"
    assert 0.99 < first["agreement"] <= 1
    monkeypatch.setattr(_quantize, "quantize", None)
    assert make().info == first
    assert len(exports) == 1
    assert len(list((tmp_path / "onnx").iterdir())) == 2  # in float32 too


def test_net_that_loses_too_much_is_refused(monkeypatch, exact):
    monkeypatch.setattr(_quantize, "LEAST_AGREEMENT", 1.1)
    with pytest.raises(RuntimeError, match=r"at least 1\.1 .* Got \d\.\d\d\d"):
        _quantize.quantize(exact, TINY)


@exports
def test_quantizing_is_silent_and_leaves_logging_alone(exact, capfd, caplog):
    _quantize.quantize(exact, TINY)
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []
    logging.getLogger("another").warning("heard")
    assert len(caplog.records) == 1


def test_own_module_can_be_quantized_too(batch):
    plan = plan_inference(
        engine="auto", device="auto", precision="int8", threads=1, batch_size=4,
        own_module=True,
    )  # fmt: skip
    net = open_engine(find_backbone(TinyNet()), Readout("avg"), plan)
    assert run(net, batch).shape == (8, 5)
    assert net.info["agreement"] > 0.99
