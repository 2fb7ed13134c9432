"""Tests for imgfeat/nets/inference/_stock.py, and what its engines have in common."""

import gc
import os
import sys
import threading
from dataclasses import replace
from types import SimpleNamespace

import joblib
import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from imgfeat import _devices, _forks
from imgfeat._progress import announcements
from imgfeat.features import CNNEmbedding
from imgfeat.nets import (
    _torch_settings,
    find_backbone,
    open_engine,
    plan_inference,
)
from imgfeat.nets._pooling import Readout
from imgfeat.nets._torch_settings import torch_threads
from imgfeat.nets.inference import _engines, _export, _onnx_session, _plan, _stock
from imgfeat.nets.inference._plan import Plan
from tests.nets._tiny import ENGINES, TINY, TinyNet


@pytest.fixture(autouse=True)
def empty_stock(monkeypatch, tmp_path):
    monkeypatch.setattr(_stock, "_engines", type(_stock._engines)())
    monkeypatch.setattr(_stock, "_not_exported", type(_stock._not_exported)())
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
@pytest.mark.parametrize("name", ENGINES)
def test_matches_the_definition(batch, name, pooling, pool):
    x = (batch / 255 - TINY.mean) / TINY.std
    net = TinyNet().eval().double()
    with torch.inference_mode():
        maps = net(torch.from_numpy(x.transpose(0, 3, 1, 2))).numpy()
    got = run(tiny_engine(name, pooling), batch)
    assert_allclose(got, pool(maps, axis=(2, 3)), rtol=1e-4, atol=1e-5)
    assert got.dtype == np.float32
    assert got.flags.c_contiguous


@pytest.mark.parametrize("name", ENGINES)
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


@pytest.mark.parametrize("name", ENGINES)
def test_own_module_that_was_trained_on_is_seen(batch, name):
    net = TinyNet()
    first = run(open_engine(find_backbone(net), Readout("avg"), plan(name)), batch)
    with torch.no_grad():
        net.norm.weight.mul_(2)
    second = run(open_engine(find_backbone(net), Readout("avg"), plan(name)), batch)
    assert_allclose(second, 2 * first, rtol=1e-4, atol=1e-5)


@pytest.mark.onnx
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
    monkeypatch.setattr(_stock, "_KEEP", 2)
    made = []
    monkeypatch.setattr(
        _stock, "make_engine", lambda *args: made.append(args) or object()
    )
    backbones = [find_backbone("efficientnet_lite0", size=size) for size in (8, 9, 10)]
    first = open_engine(backbones[0], Readout("avg"), plan())
    assert open_engine(backbones[0], Readout("avg"), plan(threads=1)) is first
    assert len(made) == 1
    for backbone in backbones[1:]:
        open_engine(backbone, Readout("avg"), plan())
    assert len(_stock._engines) == 2
    assert open_engine(backbones[0], Readout("avg"), plan()) is not first


def test_one_net_is_made_once_for_many_threads(monkeypatch):
    made = []
    monkeypatch.setattr(
        _stock, "make_engine", lambda *args: made.append(args) or object()
    )
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


@pytest.mark.parametrize("name", ENGINES)
def test_engines_of_a_module_go_with_it(batch, name):
    net = TinyNet()
    options = plan(name, precision="bfloat16" if name == "torch" else "auto")
    run(open_engine(find_backbone(net), Readout("avg"), options), batch)
    assert net in _stock._of_modules
    n_before = len(_stock._of_modules)
    del net
    gc.collect()
    assert len(_stock._of_modules) == n_before - 1


def test_notes_of_nets_that_cannot_be_exported_do_not_pile_up():
    for key in range(1000):
        _stock._keep(_stock._not_exported, key, True, _stock._KEEP_NOTES)
    assert list(_stock._not_exported) == list(range(744, 1000))


@pytest.mark.fork
def test_fork_starts_with_an_empty_stock_and_destroys_nothing(monkeypatch):
    kept = []
    monkeypatch.setattr(_forks, "keep_for_ever", kept.append)
    _stock._engines["key"] = engine = object()
    _stock._forget()
    assert not _stock._engines
    assert engine in kept


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
    monkeypatch.setattr(_engines, "has_module", lambda name: has_onnx)
    got = plan("auto", device="auto", own_module=own_module, precision=precision)
    assert (got.engine, got.device, got.precision) == expected


def test_a_command_says_once_what_would_make_nets_faster(monkeypatch, capsys):
    monkeypatch.setattr(_engines, "has_module", lambda name: False)
    monkeypatch.setattr("imgfeat._progress._announced", set())
    plan("auto")
    assert capsys.readouterr().err == ""
    with announcements():
        plan("auto")
        plan("auto")
    assert capsys.readouterr().err.count("pip install 'imgfeat[onnx]'") == 1


@pytest.mark.onnx
def test_asking_for_onnx_means_the_cpu(monkeypatch):
    monkeypatch.setattr(_devices, "_has_driver", lambda: True)
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    assert plan("onnx", device="auto").device == "cpu"


@pytest.mark.onnx
@pytest.mark.parametrize("missing", ["onnxruntime", "onnxscript", "onnx"])
def test_missing_extra_is_named(monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'imgfeat\[onnx\]'"):
        plan("onnx")


@pytest.mark.onnx
@pytest.mark.parametrize(
    "options, message",
    [
        (
            {"precision": "float16"},
            "engine='onnx' runs on device='cpu' with precision='float32' or 'int8', a",
        ),
        ({"compile": True}, "compile=True is for torch. Got engine='onnx'"),
    ],
)
def test_onnx_refuses_what_torch_alone_does(options, message):
    with pytest.raises(ValueError, match=message):
        plan("onnx", **options)


@pytest.fixture
def with_cuda(monkeypatch):
    """A machine that seems to have CUDA, and an ONNX Runtime that may be built for it.

    Returns the function that says so.
    """
    monkeypatch.setattr(_plan, "find_device", lambda name: name.replace("auto", "cuda"))

    def build(for_cuda):
        providers = ["CUDAExecutionProvider"] if for_cuda else []
        runtime = SimpleNamespace(get_available_providers=lambda: providers)
        monkeypatch.setattr(_onnx_session, "import_runtime", lambda: runtime)

    return build


@pytest.mark.onnx
def test_onnx_takes_cuda_where_it_was_built_for_it(with_cuda):
    with_cuda(True)
    got = plan("onnx", device="auto")
    assert (got.device, got.precision, got.batch_size) == ("cuda", "float32", 32)
    with_cuda(False)
    assert plan("onnx", device="auto").device == "cpu"
    with pytest.raises(ValueError, match="needs ONNX Runtime for CUDA"):
        plan("onnx", device="cuda:1")


@pytest.mark.onnx
def test_int8_is_onnx_on_the_cpu(with_cuda):
    with_cuda(True)
    for own_module in (False, True):
        got = plan("auto", device="auto", precision="int8", own_module=own_module)
        assert (got.engine, got.device, got.fallback) == ("onnx", "cpu", None)


@pytest.mark.parametrize(
    "options", [{"engine": "torch"}, {"device": "cuda"}, {"compile": True}]
)
def test_int8_names_what_it_needs(options):
    with pytest.raises(ValueError, match="use engine='onnx' and device='cpu', or anot"):
        plan(**{"engine": "auto", "precision": "int8"} | options)


def test_int8_names_the_missing_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ModuleNotFoundError, match="precision='int8' needs the package"):
        plan("auto", precision="int8")


def test_compile_means_torch():
    got = plan("auto", compile=True)
    assert (got.engine, got.compile, got.has_fixed_batches) == ("torch", True, True)
    assert not plan("torch").has_fixed_batches


@pytest.mark.parametrize(
    "error",
    [RuntimeError("Cannot re-initialize CUDA in forked subprocess. To use"), None],
)
def test_cuda_after_a_fork_names_the_way_out(monkeypatch, error):
    def find_device(name):
        raise ValueError(f"There is no device {name!r} here.") from error

    monkeypatch.setattr(_plan, "find_device", find_device)
    expected = (
        (ValueError, "There is no device 'cuda'")
        if error is None
        else (RuntimeError, "forked after CUDA had been used; use joblib's 'loky'")
    )
    with pytest.raises(expected[0], match=expected[1]):
        plan(device="cuda")


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


def test_compiled_net_runs_with_one_number_of_threads():
    compiled = plan(compile=True)
    assert {compiled.split(n_rows)[1] for n_rows in (1, 3, 4, 100)} == {1}


def test_batches_that_are_filled_up_are_cut_large():
    on_cuda = Plan("torch", "cuda", "float16", threads=16, batch_size=32)
    for n_rows, step in ((5, 8), (100, 8), (300, 19), (9999, 32)):
        n_workers, n_intra, pieces = on_cuda.split(n_rows)
        assert pieces[0] == slice(0, min(step, n_rows))
        assert n_intra == 16
        assert n_workers == min(16, len(pieces))


# A net that cannot be exported


class Stubborn(TinyNet):
    """Its way depends on its pixels."""

    def forward(self, x):
        return super().forward(x) * (1 if x.sum() > 0 else 2)


def as_named(module):
    """Return a module as `find_backbone` returns what has a name."""
    return replace(find_backbone(module), module=None)


@pytest.mark.onnx
def test_net_that_cannot_be_exported_runs_in_torch_and_says_so_once(batch, monkeypatch):
    exports, export = [], _export._export
    monkeypatch.setattr(
        _export, "_export", lambda *args: exports.append(1) or export(*args)
    )
    backbone, automatic = as_named(Stubborn()), plan("auto", threads=1)
    assert (automatic.engine, automatic.fallback) == ("onnx", "torch")
    with pytest.warns(RuntimeWarning, match="Stubborn runs in torch, as it cannot be"):
        engine = open_engine(backbone, Readout("avg"), automatic)
    assert engine.info["engine"] == "torch"
    assert run(engine, batch).shape == (6, 5)
    assert open_engine(backbone, Readout("avg"), automatic) is engine
    assert open_engine(backbone, Readout("avg"), plan("torch")) is engine
    assert len(exports) == 1


@pytest.mark.onnx
def test_asked_for_by_name_onnx_does_not_give_way():
    for backbone in (as_named(Stubborn()), find_backbone(Stubborn())):
        with pytest.raises(RuntimeError, match=r"Got: .*engine='torch'"):
            open_engine(backbone, Readout("avg"), plan("onnx"))


# Other processes


def _embed_in_worker(images):
    net = CNNEmbedding(TinyNet(), engine="torch", device="cpu")
    return net.transform(images)


def test_workers_of_a_search_run_nets_of_their_own(batch):
    expected = _embed_in_worker(batch)
    with joblib.parallel_config("loky", inner_max_num_threads=1):
        rows = joblib.Parallel(2)(
            joblib.delayed(CNNEmbedding(TinyNet(), engine="torch").transform)(batch)
            for _ in "ab"
        )
    for row in rows:
        assert_allclose(row, expected, rtol=1e-5)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.fork
def test_setting_held_by_a_thread_does_not_stop_a_fork():
    """A child has the setting's lock, but not the thread that would give it back."""
    with torch_threads(1):
        _torch_settings._threads._lock.acquire()
        try:
            child = os.fork()
            if child == 0:
                os._exit(_torch_settings._threads._lock.locked())
        finally:
            _torch_settings._threads._lock.release()
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.onnx
@pytest.mark.parametrize("error", [RuntimeError("a\nb"), KeyError(), TypeError()])
def test_whatever_an_exporter_raises_auto_goes_on_in_torch(monkeypatch, batch, error):
    def fail(*args, **options):
        raise error

    monkeypatch.setattr("torch.onnx.export", fail)
    net = CNNEmbedding(size=32, n_jobs=1).fit(batch)
    message = r"runs in torch, .* net that torch can export\. Got: .+ Use engine='torc"
    with pytest.warns(RuntimeWarning, match=message):
        net.transform(batch)
    assert net.transform(batch).shape == (6, 1280)  # and says so once
