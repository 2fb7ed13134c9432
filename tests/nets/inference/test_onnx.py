"""Tests for imgfeat/nets/inference/_onnx.py, _export.py and _model_cache.py."""

from contextlib import suppress
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from imgfeat import _once
from imgfeat.nets._pooling import Readout
from imgfeat.nets.inference import _export, _model_cache, _onnx, _onnx_session
from imgfeat.nets.inference._embedder import Embedder
from imgfeat.nets.inference._onnx import OnnxEngine
from imgfeat.nets.inference._onnx_session import open_session
from imgfeat.nets.inference._torch import TorchEngine
from tests.nets._tiny import TINY, TinyNet

pytestmark = pytest.mark.onnx


@pytest.fixture
def batch():
    return np.random.default_rng(0).integers(0, 256, (6, 12, 12, 3), dtype=np.uint8)


def run(engine, images, n_intra=1):
    with engine.running(n_intra) as call:
        return call(images)


@pytest.fixture(scope="module")
def exported():
    return _export._export(Embedder(TinyNet(), TINY, Readout("avg")))


@pytest.fixture
def cached_engine(tmp_path, monkeypatch, exported):
    """Make an engine that keeps files in `tmp_path`; counts its exports."""
    monkeypatch.setenv("IMGFEAT_HOME", str(tmp_path))
    exports = []
    monkeypatch.setattr(_export, "_export", lambda *args: exports.append(1) or exported)

    def make(**options):
        make_embedder = partial(Embedder, TinyNet(), TINY, Readout("avg"))
        return OnnxEngine(make_embedder, "tiny", TINY, cache_key="tiny", **options)

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
    monkeypatch.setattr(_once, "_told", set())
    embedder = Embedder(TinyNet(), TINY, Readout("avg"))
    expected = run(TorchEngine(embedder), batch)
    with pytest.warns(RuntimeWarning, match="is not kept.*set IMGFEAT_HOME to another"):
        engine = cached_engine()
    assert_allclose(run(engine, batch), expected, rtol=1e-4)
    cached_engine()  # it is said once


def test_user_without_a_home_exports_each_time(cached_engine, monkeypatch, batch):
    first = run(cached_engine(), batch)
    monkeypatch.setenv("IMGFEAT_HOME", "~nobody-of-this-name/cache")
    monkeypatch.setattr(_once, "_told", set())
    with pytest.warns(RuntimeWarning, match="is not kept.*set IMGFEAT_HOME to a fold"):
        engine = cached_engine()
    assert_array_equal(run(engine, batch), first)


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_full_disk_or_ctrl_c_leaves_nothing_behind(cached_engine, monkeypatch, error):
    def fail(*args):
        raise error("now")

    monkeypatch.setattr("os.replace", fail)
    monkeypatch.setattr(_once, "_told", {_model_cache._note_not_kept})
    with suppress(KeyboardInterrupt):
        cached_engine()
    assert list(cached_engine.folder.iterdir()) == []


def test_export_is_silent(capfd):
    embedder = Embedder(TinyNet(), TINY, Readout("avg"))
    _export.export(embedder)  # and warnings are errors here
    assert capfd.readouterr() == ("", "")


def test_other_versions_have_other_files(monkeypatch):
    before = _model_cache.cache_path("net", "key", "1.0")
    assert before != _model_cache.cache_path("net", "key", "1.1")
    assert before != _model_cache.cache_path("net", "another key", "1.0")
    monkeypatch.setattr(_model_cache, "__version__", "9")
    assert before != _model_cache.cache_path("net", "key", "1.0")


def test_export_with_other_outputs_is_refused(cached_engine, monkeypatch):
    monkeypatch.setattr(_export, "_TOLERANCE", -1.0)
    with pytest.raises(RuntimeError, match="must give torch's outputs within"):
        cached_engine()


def test_net_beyond_the_limit_of_the_format_is_refused(monkeypatch):
    monkeypatch.setattr(_export, "_MOST_BYTES", 100)
    with pytest.raises(RuntimeError, match=r"take less than 2 GB\. Got 0\.0 GB"):
        _export.export(Embedder(TinyNet(), TINY, Readout("avg")))


# CUDA, as far as it can be told without


@pytest.fixture
def fake_runtime(monkeypatch):
    """An ONNX Runtime that says what it was asked for, and starts what it is told."""
    runtime = SimpleNamespace(starts=["CUDAExecutionProvider"], asked=[], batches=[])

    class Session:
        def __init__(self, model, options, providers):
            runtime.asked.append(providers)

        def get_providers(self):
            return runtime.starts

        def run(self, outputs, inputs):
            images = inputs["images"]
            runtime.batches.append(images.copy())
            return [images.reshape(len(images), -1)[:, :4].astype(np.float32)]

    runtime.InferenceSession, runtime.SessionOptions = Session, SimpleNamespace
    runtime.get_available_providers = lambda: runtime.starts
    monkeypatch.setattr(_onnx_session, "import_runtime", lambda: runtime)
    return runtime


def test_cuda_gets_its_number_and_keeps_float32(fake_runtime):
    open_session(b"", device="cuda:1")
    (name, options), other = fake_runtime.asked[0]
    assert (name, options) == (
        "CUDAExecutionProvider",
        {"device_id": 1, "use_tf32": 0},
    )
    assert other == "CPUExecutionProvider"
    assert _onnx_session.runs_on_cuda()


def test_cuda_that_does_not_start_is_no_cpu_in_disguise(fake_runtime):
    fake_runtime.starts = ["CPUExecutionProvider"]
    with pytest.raises(RuntimeError, match="Got one that starts on the CPU only; use"):
        open_session(b"", device="cuda")
    assert not _onnx_session.runs_on_cuda()


def test_batches_on_cuda_have_one_size(fake_runtime, monkeypatch, batch):
    monkeypatch.setattr(_onnx, "find_or_export", lambda *args: b"")
    engine = OnnxEngine(None, "tiny", TINY, device="cuda", batch_size=4)
    assert_array_equal(run(engine, batch), batch.reshape(6, -1)[:, :4])
    assert [len(images) for images in fake_runtime.batches] == [4, 4]
    assert not fake_runtime.batches[1][2:].any()
    assert engine.info == {"engine": "onnx", "device": "cuda", "precision": "float32"}
