"""Tests for imgfeat/nets/inference/_torch.py; the CPU stands in for a device."""

import warnings
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from imgfeat.nets import find_backbone, open_engine, plan_inference
from imgfeat.nets._pooling import Readout
from imgfeat.nets.inference._streams import HostLayer
from imgfeat.nets.inference._torch import TorchEngine
from tests.nets._engines import embedder, piped, run
from tests.nets._tiny import TinyNet

# Out of memory


class Large(TinyNet):
    """Fits a device with two images at a time."""

    def forward(self, x):
        self.kept = None
        if len(x) > 2:
            activations = torch.zeros(3)
            Large.last = weakref.ref(activations)
            raise torch.OutOfMemoryError("CUDA out of memory")
        return super().forward(x)


def test_smaller_batches_are_run_when_memory_ends(batch, expected):
    freed = []

    class Watched(HostLayer):
        def free(self):
            freed.append(Large.last())

    engine = piped(Large(), Watched(), batch_size=8)
    with pytest.warns(RuntimeWarning, match="8 images needs more .*; 2 at a time"):
        got = run(engine, batch)
    assert_allclose(got, expected, rtol=1e-5, atol=1e-6)
    assert engine.info["batch_size"] == 2
    assert freed == [None, None]  # no error held on to what the net had made
    assert_allclose(run(engine, batch), expected, rtol=1e-5, atol=1e-6)


# Precision


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
@pytest.mark.parametrize("layer", [None, HostLayer()])
def test_lower_precision_is_near_and_comes_as_float32(
    batch, expected, precision, layer
):
    engine = TorchEngine(embedder(), "cpu", precision, batch_size=4, layer=layer)
    assert "precision_error" not in engine.info
    got = run(engine, batch)
    assert got.dtype == np.float32
    assert_allclose(got, expected, atol=0.05)
    assert (got != expected).any()
    assert engine.info["precision"] == precision
    assert 0 < engine.info["precision_error"] < 0.05


def test_net_beyond_float16_runs_in_float32(batch):
    net = TinyNet()
    with torch.no_grad():
        net.norm.weight.fill_(1e6)
    exact = run(TorchEngine(embedder(net)), batch)
    engine = TorchEngine(embedder(net), "cpu", "float16")
    with pytest.warns(RuntimeWarning, match="Got inf in the first batch, so this net"):
        assert_allclose(run(engine, batch), exact, rtol=1e-5)
    assert engine.info["precision"] == "float32"
    assert engine.info["precision_error"] == np.inf


# Compiled


@pytest.fixture
def compiled(monkeypatch):
    """A compiler that only notes what it is given, and the shapes that it sees."""
    notes = {"nets": [], "shapes": set(), "threads": set()}

    def compile_(net, **options):
        notes["nets"].append(options)

        def call(images):
            notes["shapes"].add(tuple(images.shape))
            return net(images)

        return call

    monkeypatch.setattr(torch, "compile", compile_)
    return notes


@pytest.mark.parametrize("layer", [None, HostLayer()])
def test_compiled_net_sees_one_shape(batch, expected, compiled, layer):
    engine = TorchEngine(embedder(), batch_size=4, compile=True, layer=layer)
    for n_images in (6, 1, 3, 4):
        got = run(engine, batch[:n_images])
        assert_allclose(got, expected[:n_images], rtol=1e-5, atol=1e-6)
    assert compiled["nets"] == [{"dynamic": False}]
    assert compiled["shapes"] == {(4, 12, 12, 3)}
    assert engine.info["compile"]


def test_many_threads_compile_once(batch, compiled):
    engine = TorchEngine(embedder(), batch_size=4, compile=True)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: run(engine, batch), range(8)))
    assert len(compiled["nets"]) == 1


def test_compiled_net_that_must_be_float32_is_compiled_for_that(batch, compiled):
    net = TinyNet()
    with torch.no_grad():
        net.norm.weight.fill_(1e6)
    engine = TorchEngine(embedder(net), "cpu", "float16", batch_size=4, compile=True)
    with pytest.warns(RuntimeWarning, match="runs in float32"):
        first = run(engine, batch)
    assert_allclose(run(engine, batch), first, rtol=1e-5)
    assert len(compiled["nets"]) == 2


def test_net_that_cannot_be_compiled_runs_as_it_is(batch, expected, monkeypatch):
    def compile_(net, **options):
        def call(images):
            raise RuntimeError("no C++ compiler\nand a long story")

        return call

    monkeypatch.setattr(torch, "compile", compile_)
    engine = TorchEngine(embedder(), batch_size=4, compile=True)
    with pytest.warns(RuntimeWarning, match="Got: no C.. compiler The net runs as it"):
        got = run(engine, batch)
    assert_allclose(got, expected, rtol=1e-5, atol=1e-6)
    assert_allclose(run(engine, batch), expected, rtol=1e-5, atol=1e-6)
    assert not engine.info["compile"]


@pytest.mark.slow
def test_real_compiler_gives_the_same(batch, expected):
    plan = plan_inference(
        engine="auto", device="cpu", precision="auto", threads=2, batch_size=32,
        compile=True,
    )  # fmt: skip
    backbone, readout = find_backbone(TinyNet()), Readout("avg", ("conv", "norm"))
    engine = open_engine(backbone, readout, plan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        with engine.running(1):
            pass
    if not engine.info["compile"]:
        pytest.skip("this machine has no C++ compiler that torch can use")
    stats = torch._dynamo.utils.counters["stats"]
    before = stats["unique_graphs"]
    with engine.running(1) as call, ThreadPoolExecutor(2) as pool:
        for got in pool.map(lambda n: call(batch[:n]), (1, 2, 3, 4, 6)):
            assert_allclose(got[:, 5:], expected[: len(got)], rtol=1e-5, atol=1e-6)
    assert stats["unique_graphs"] == before  # of layers that are tapped, too
