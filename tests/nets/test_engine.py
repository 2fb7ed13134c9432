"""Tests for imgfeat/nets/_engine.py, _torch.py and _onnx.py."""

import os
import sys
import threading
from functools import partial

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from imgfeat import _devices
from imgfeat.nets import _engine, _onnx, find_backbone, open_engine, plan_inference
from imgfeat.nets._embedder import Embedder
from imgfeat.nets._onnx import OnnxEngine
from imgfeat.nets._readout import Readout
from tests.nets._tiny import TINY, TinyNet


@pytest.fixture(autouse=True)
def empty_stock(monkeypatch, tmp_path):
    monkeypatch.setattr(_engine, "_engines", type(_engine._engines)())
    monkeypatch.setenv("IMGFEAT_HOME", str(tmp_path / "home"))


@pytest.fixture
def batch():
    return np.random.default_rng(0).integers(0, 256, (6, 12, 12, 3), dtype=np.uint8)


def plan(engine="torch", **options):
    defaults = {"device": "cpu", "precision": "auto", "threads": 2, "batch_size": 32}
    return plan_inference(engine=engine, **defaults | options)


def run(engine, images, n_intra=1):
    with engine.running(n_intra) as call:
        return call(images)


def tiny_engine(name, pooling="avg"):
    return open_engine(find_backbone(TinyNet()), Readout(pooling), plan(name))


@pytest.mark.parametrize("pooling, pool", [("avg", np.mean), ("max", np.max)])
@pytest.mark.parametrize("name", ["torch", "onnx"])
def test_matches_the_definition(batch, name, pooling, pool):
    x = (batch / 255 - TINY.mean) / TINY.std
    net = TinyNet().eval().double()
    with torch.inference_mode():
        maps = net(torch.from_numpy(x.transpose(0, 3, 1, 2))).numpy()
    got = run(tiny_engine(name, pooling), batch)
    assert_allclose(got, pool(maps, axis=(2, 3)), rtol=1e-4, atol=1e-5)
    assert got.dtype == np.float32
    assert got.flags.c_contiguous


@pytest.mark.parametrize("name", ["torch", "onnx"])
def test_threads_do_not_change_the_outcome(batch, name):
    engine = tiny_engine(name)
    assert_allclose(run(engine, batch, 1), run(engine, batch, 2), rtol=1e-5)


def test_torch_gets_its_threads_back():
    engine, before = tiny_engine("torch"), torch.get_num_threads()
    with engine.running(1), engine.running(1):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before


def test_own_module_stays_as_it_is(batch):
    net = TinyNet().train()
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    run(open_engine(find_backbone(net), Readout("avg"), plan()), batch)
    assert net.training
    assert all(parameter.requires_grad for parameter in net.parameters())
    for name, tensor in net.state_dict().items():
        assert torch.equal(tensor, before[name])


@pytest.mark.parametrize("name", ["torch", "onnx"])
def test_own_module_that_was_trained_on_is_seen(batch, name):
    net = TinyNet()
    first = run(open_engine(find_backbone(net), Readout("avg"), plan(name)), batch)
    with torch.no_grad():
        net.norm.weight.mul_(2)
    second = run(open_engine(find_backbone(net), Readout("avg"), plan(name)), batch)
    assert_allclose(second, 2 * first, rtol=1e-4, atol=1e-5)


def test_equal_tensors_are_not_taken_for_equal_code(batch):
    class Negative(TinyNet):
        def forward(self, x):
            return -super().forward(x)

    nets = TinyNet(), Negative()
    nets[1].__class__.__name__ = "TinyNet"
    first, second = (
        run(open_engine(find_backbone(net), Readout("avg"), plan("onnx")), batch)
        for net in nets
    )
    assert_allclose(second, -first, rtol=1e-5)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_lower_precision_is_near_and_comes_as_float32(batch, precision):
    exact = run(tiny_engine("torch"), batch)
    engine = open_engine(
        find_backbone(TinyNet()), Readout("avg"), plan(precision=precision)
    )
    got = run(engine, batch)
    assert got.dtype == np.float32
    assert_allclose(got, exact, atol=0.05)
    assert (got != exact).any()


def test_overflow_in_float16_is_computed_again_in_float32(batch):
    net = TinyNet()
    with torch.no_grad():
        net.norm.weight.fill_(1e6)
    exact = run(open_engine(find_backbone(net), Readout("avg"), plan()), batch)
    half = open_engine(find_backbone(net), Readout("avg"), plan(precision="float16"))
    assert_allclose(run(half, batch), exact, rtol=1e-5)


@pytest.mark.parametrize("n_outputs", [1, 3, 5])
def test_module_must_return_maps_or_vectors(n_outputs):
    class Wrong(TinyNet):
        def forward(self, x):
            return x.mean((2, 3))[(...,) + (None,) * (n_outputs - 2)].sum(
                dim=tuple(range(n_outputs, 2))
            )

    engine = open_engine(find_backbone(Wrong()), Readout("avg"), plan())
    with pytest.raises(ValueError, match="A backbone must return feature maps"):
        run(engine, np.zeros((2, 12, 12, 3), dtype=np.uint8))


# The stock of engines


def test_engines_are_shared_and_few_are_kept(monkeypatch):
    monkeypatch.setattr(_engine, "_KEEP", 2)
    made = []
    monkeypatch.setattr(_engine, "_make", lambda *args: made.append(args) or object())
    backbones = [find_backbone("efficientnet_lite0", size=size) for size in (8, 9, 10)]
    first = open_engine(backbones[0], Readout("avg"), plan())
    assert open_engine(backbones[0], Readout("avg"), plan(threads=1)) is first
    assert len(made) == 1
    for backbone in backbones[1:]:
        open_engine(backbone, Readout("avg"), plan())
    assert len(_engine._engines) == 2
    assert open_engine(backbones[0], Readout("avg"), plan()) is not first


def test_one_net_is_made_once_for_many_threads(monkeypatch):
    made = []
    monkeypatch.setattr(_engine, "_make", lambda *args: made.append(args) or object())
    backbone, options = find_backbone("efficientnet_lite0"), plan()
    threads = [
        threading.Thread(target=open_engine, args=(backbone, "avg", options))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_fork_starts_with_an_empty_stock():
    _engine._engines["key"] = "engine"
    _engine._forget()
    assert not _engine._engines


# The plan


@pytest.mark.parametrize(
    "cuda, has_onnx, own_module, precision, expected",
    [
        (False, True, False, "auto", ("onnx", "cpu", "float32")),
        (False, False, False, "auto", ("torch", "cpu", "float32")),
        (False, True, True, "auto", ("torch", "cpu", "float32")),
        (False, True, False, "bfloat16", ("torch", "cpu", "bfloat16")),
        (True, True, False, "auto", ("torch", "cuda", "float16")),
        (True, True, False, "float32", ("torch", "cuda", "float32")),
    ],
)
def test_auto_chooses_by_what_is_there(
    monkeypatch, cuda, has_onnx, own_module, precision, expected
):
    monkeypatch.setattr(_devices, "_has_driver", lambda: cuda)
    monkeypatch.setattr("torch.cuda.is_available", lambda: cuda)
    monkeypatch.setattr(_engine, "has_module", lambda name: has_onnx)
    got = plan("auto", device="auto", own_module=own_module, precision=precision)
    assert (got.engine, got.device, got.precision) == expected


def test_asking_for_onnx_means_the_cpu(monkeypatch):
    monkeypatch.setattr(_devices, "_has_driver", lambda: True)
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    assert plan("onnx", device="auto").device == "cpu"


@pytest.mark.parametrize("missing", ["onnxruntime", "onnxscript"])
def test_missing_extra_is_named(monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'imgfeat\[onnx\]'"):
        plan("onnx")


def test_onnx_refuses_lower_precision():
    with pytest.raises(
        ValueError, match="engine='onnx' runs on device='cpu' with prec"
    ):
        plan("onnx", precision="float16")


@pytest.mark.parametrize("n_rows", [1, 3, 4, 9, 100])
def test_pieces_cover_all_rows_in_small_runs(n_rows):
    n_workers, n_intra, pieces = plan().split(n_rows)
    rows = [row for piece in pieces for row in range(piece.start, piece.stop)]
    assert rows == list(range(n_rows))
    assert max(piece.stop - piece.start for piece in pieces) <= 4
    assert n_workers * n_intra <= 2


def test_few_images_are_run_by_all_threads_together():
    assert plan().split(3)[:2] == (1, 2)
    assert plan().split(4)[:2] == (2, 1)


# The exported net


@pytest.fixture(scope="module")
def exported():
    return _onnx._export(Embedder(TinyNet(), TINY, Readout("avg")), (12, 12))


@pytest.fixture
def cached_engine(tmp_path, monkeypatch, exported):
    """Make an engine that keeps files in `tmp_path`; counts its exports."""
    monkeypatch.setenv("IMGFEAT_HOME", str(tmp_path))
    exports = []
    monkeypatch.setattr(_onnx, "_export", lambda *args: exports.append(1) or exported)

    def make():
        make_embedder = partial(Embedder, TinyNet(), TINY, Readout("avg"))
        return OnnxEngine(make_embedder, "tiny", (12, 12), cache_key="tiny")

    make.exports, make.folder = exports, tmp_path / "onnx"
    return make


def test_net_is_exported_once_and_read_from_disk_after(cached_engine, batch):
    first, second = (run(cached_engine(), batch) for _ in range(2))
    assert_array_equal(first, second)
    assert len(cached_engine.exports) == len(list(cached_engine.folder.iterdir())) == 1


@pytest.mark.parametrize("damage", ["flip", "cut", "empty"])
def test_damaged_file_is_exported_again(cached_engine, batch, damage):
    first = run(cached_engine(), batch)
    (path,) = cached_engine.folder.iterdir()
    content = path.read_bytes()
    middle = len(content) // 2
    flipped = bytes([content[middle] ^ 1])
    path.write_bytes(
        {
            "flip": content[:middle] + flipped + content[middle + 1 :],
            "cut": content[:-5],
            "empty": b"",
        }[damage]
    )
    assert_array_equal(run(cached_engine(), batch), first)
    assert len(cached_engine.exports) == 2
    assert path.read_bytes() == content


def test_folder_that_cannot_be_written_is_no_obstacle(
    cached_engine, tmp_path, monkeypatch, batch
):
    blocked = tmp_path / "a file, not a folder"
    blocked.write_text("")
    monkeypatch.setenv("IMGFEAT_HOME", str(blocked))
    expected = run(tiny_engine("torch"), batch)
    assert_allclose(run(cached_engine(), batch), expected, rtol=1e-4)


def test_full_disk_leaves_nothing_behind(cached_engine, monkeypatch, batch):
    def full(*args):
        raise OSError("no space left on device")

    monkeypatch.setattr(_onnx.os, "replace", full)
    run(cached_engine(), batch)
    assert list(cached_engine.folder.iterdir()) == []


def test_export_is_silent(capfd):
    tiny_engine("onnx")  # and warnings are errors here
    assert capfd.readouterr() == ("", "")


def test_other_versions_have_other_files(monkeypatch):
    before = _onnx._cache_path("net", "key", "1.0")
    assert before != _onnx._cache_path("net", "key", "1.1")
    assert before != _onnx._cache_path("net", "another key", "1.0")
    monkeypatch.setattr(_onnx, "__version__", "9")
    assert before != _onnx._cache_path("net", "key", "1.0")


def test_net_that_cannot_be_exported_names_the_way_out():
    class Stubborn(TinyNet):
        def forward(self, x):
            return super().forward(x) * (1 if x.sum() > 0 else 2)

    with pytest.raises(RuntimeError, match=r"torch can export. Got: .*engine='torch'"):
        open_engine(find_backbone(Stubborn()), Readout("avg"), plan("onnx"))


def test_export_with_other_outputs_is_refused(cached_engine, monkeypatch):
    monkeypatch.setattr(_onnx, "_TOLERANCE", -1.0)
    with pytest.raises(RuntimeError, match="must give torch's outputs within"):
        cached_engine()
