"""Tests for imgfeat/nets/inference/_openvino.py and _openvino_net.py."""

import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from torch import nn

from imgfeat.features import CNNEmbedding
from imgfeat.nets import open_engine
from imgfeat.nets._pooling import Readout
from imgfeat.nets.inference import _export, _openvino, _openvino_net
from imgfeat.nets.inference._embedder import Embedder
from imgfeat.nets.inference._onnx import OnnxEngine
from imgfeat.nets.inference._openvino import OpenVinoEngine
from imgfeat.nets.inference._openvino_core import import_openvino, open_core
from imgfeat.nets.inference._openvino_net import OpenVinoNet
from tests.nets._tiny import TINY

pytestmark = pytest.mark.openvino


class Depthwise(nn.Module):
    """Begins with a convolution and a depthwise one, as EfficientNet does."""

    preprocessing = TINY

    def __init__(self, skips=False):
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.stem = nn.Conv2d(3, 8, 3)
            self.depthwise = nn.Conv2d(8, 8, 3, groups=8, padding=1)
            self.last = nn.Conv2d(8, 6, 1)
            self.around = nn.Conv2d(8, 6, 1)
        self.skips = skips

    def forward(self, x):
        x = self.stem(x).relu()
        y = self.last(self.depthwise(x).relu())
        return y + self.around(x) if self.skips else y


def embedder(net):
    return Embedder(net, TINY, Readout("avg"))


NETS = {"straight": Depthwise(), "skips": Depthwise(True)}


@pytest.fixture(scope="module")
def exported():
    """Exported nets by name."""
    return {name: _export._export(embedder(net)) for name, net in NETS.items()}


@pytest.fixture
def batch():
    return np.random.default_rng(0).integers(0, 256, (6, 12, 12, 3), dtype=np.uint8)


@pytest.fixture
def make(monkeypatch, exported):
    """Make an engine of a net that is exported already."""

    def make(name="straight", **options):
        monkeypatch.setattr(_openvino, "find_or_export", lambda *args: exported[name])
        return OpenVinoEngine(None, name, **options)

    return make


def by_torch(net, images):
    with torch.inference_mode():
        return embedder(net)(torch.from_numpy(images)).numpy()


def cosines(a, b):
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return (a * b).sum(axis=1) / lengths


@pytest.mark.parametrize("threads", [(1, 1), (2, 1), (1, 2)])
def test_gives_what_torch_gives(make, batch, threads):
    engine = make()
    with engine.running(*threads) as run:
        got = run(batch)
        again = run(batch[:1])
    assert_allclose(got, by_torch(NETS["straight"], batch), rtol=1e-4, atol=1e-5)
    assert_allclose(again, got[:1], rtol=1e-5, atol=1e-6)
    assert got.dtype == np.float32
    assert got.flags.c_contiguous
    assert engine.info == {
        "engine": "openvino", "device": "cpu", "precision": "float32",
    }  # fmt: skip


def test_runs_of_many_threads_do_not_mix(make):
    rng = np.random.default_rng(1)
    batches = [rng.integers(0, 256, (3, 12, 12, 3), dtype=np.uint8) for _ in range(40)]
    with make().running(1, 2) as run:
        expected = [run(images) for images in batches]
        with ThreadPoolExecutor(4) as pool:
            got = list(pool.map(run, batches))
    for rows, others in zip(got, expected, strict=True):
        assert_array_equal(rows, others)


def test_few_compiled_nets_are_kept(make, batch):
    engine = make()
    for n_workers in (1, 2, 3):
        with engine.running(1, n_workers) as run:
            run(batch)
    assert len(engine._nets) == 2


def test_bfloat16_without_instructions_for_it_is_float32_and_says_so(
    make, batch, monkeypatch
):
    monkeypatch.setattr(_openvino, "computes_in_bfloat16", lambda: False)
    with pytest.warns(RuntimeWarning, match="needs a CPU that has instructions for it"):
        engine = make(precision="bfloat16")
    with engine.running(1) as run:
        got = run(batch)
    assert_allclose(got, by_torch(NETS["straight"], batch), rtol=1e-4, atol=1e-5)
    assert engine.info["precision"] == "float32"


def test_half_precision_is_near(make, batch, monkeypatch):
    """Where the CPU has no instructions for it, OpenVINO computes in float32."""
    monkeypatch.setattr(_openvino, "computes_in_bfloat16", lambda: True)
    engine = make(precision="bfloat16")
    with engine.running(1) as run:
        got = run(batch)
    assert cosines(got, by_torch(NETS["straight"], batch)).min() > 0.999
    assert engine.info["precision_error"] < 0.08


@pytest.mark.parametrize("name, n_parts", [("straight", 2), ("skips", 1)])
def test_start_is_exact_where_one_tensor_goes_on_from_it(
    exported, batch, name, n_parts
):
    net = OpenVinoNet(exported[name], "bfloat16")
    assert len(net._parts) == n_parts
    assert len(OpenVinoNet(exported[name], "float32")._parts) == 1
    assert cosines(net(batch), by_torch(NETS[name], batch)).min() > 0.999


@pytest.mark.slow
def test_default_net_has_an_exact_start_and_gives_what_torch_gives():
    rng = np.random.default_rng(0)
    photos = rng.integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)
    options = {"size": 32, "device": "cpu", "precision": "float32", "n_jobs": 1}
    net = CNNEmbedding(engine="openvino", **options).fit(photos)
    got = net.transform(photos)
    expected = CNNEmbedding(engine="torch", **options).transform(photos)
    assert cosines(got, expected).min() >= 0.9999
    assert net.inference_info_["engine"] == "openvino"
    _, ready = net._ready
    model = open_engine(ready.backbone, ready.readout, ready.plan)._model
    openvino = import_openvino()
    start, rest = _openvino_net._exact_start(openvino, open_core(), model)
    assert len(start.get_ordered_ops()) < len(rest.get_ordered_ops()) / 5


def test_missing_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'imgfeat\[openvino\]'"):
        CNNEmbedding(engine="openvino").fit(np.zeros((1, 8, 8, 3), np.uint8))


def test_net_is_exported_once_for_both_runtimes(monkeypatch, tmp_path, exported):
    monkeypatch.setenv("IMGFEAT_HOME", str(tmp_path))
    exports = []

    def export(*args):
        exports.append(1)
        return exported["straight"]

    monkeypatch.setattr(_export, "_export", export)
    make = partial(embedder, NETS["straight"])
    OnnxEngine(make, "tiny", TINY, cache_key="tiny")
    OpenVinoEngine(make, "tiny", cache_key="tiny")
    assert len(exports) == 1
