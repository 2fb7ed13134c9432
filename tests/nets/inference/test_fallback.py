"""Tests for imgfeat/nets/inference/_fallback.py."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from imgfeat.features import CNNEmbedding
from imgfeat.nets.inference import _onnx, _stock
from imgfeat.sources import ImageDecodeError

pytestmark = pytest.mark.onnx

MESSAGE = r"runs in torch, as .* Got: no more Use engine='torch', .* four times"


class Session:
    """Runs as often as it is told, then fails."""

    def __init__(self, n_runs):
        self._n_left = n_runs

    def run(self, outputs, feed):
        self._n_left -= 1
        if self._n_left < 0:
            raise ValueError("no more")
        return [EXPECTED[: len(feed["images"])]]


EXPECTED = np.arange(4 * 1280, dtype=np.float32).reshape(4, 1280)


@pytest.fixture
def images(monkeypatch):
    """Six images; a net that is in the cache, so that it needs no export."""
    monkeypatch.setattr(_stock, "_engines", type(_stock._engines)())
    monkeypatch.setattr(_stock, "_not_exported", type(_stock._not_exported)())
    monkeypatch.setattr(_onnx, "find_or_export", lambda *args: b"a net")
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (6, 32, 32, 3), dtype=np.uint8)


def embedding(engine):
    return CNNEmbedding(size=32, engine=engine, device="cpu", n_jobs=1)


def test_net_of_the_cache_that_does_not_open_runs_in_torch(images, monkeypatch):
    def fail(*args, **options):
        raise ValueError("no more")

    monkeypatch.setattr(_onnx, "open_session", fail)
    expected = embedding("torch").transform(images)
    net = embedding("auto").fit(images)
    with pytest.warns(RuntimeWarning, match=MESSAGE):
        assert_allclose(net.transform(images), expected, rtol=1e-5, atol=1e-6)
    assert net.inference_info_["engine"] == "torch"
    net.transform(images)  # and says so once


def test_batch_that_fails_is_run_again_in_torch(images, monkeypatch):
    monkeypatch.setattr(_onnx, "open_session", lambda *args, **options: Session(1))
    expected = embedding("torch").transform(images)
    net = embedding("auto").fit(images)
    with pytest.warns(RuntimeWarning, match=MESSAGE):
        got = net.transform(images)
    assert_allclose(got[:4], EXPECTED)
    assert_allclose(got[4:], expected[4:], rtol=1e-5, atol=1e-6)
    assert net.inference_info_["engine"] == "torch"


def test_error_of_an_image_is_no_error_of_the_engine(images, monkeypatch):
    monkeypatch.setattr(_onnx, "open_session", lambda *args, **options: Session(9))
    with pytest.raises(ImageDecodeError, match=r"none\.png"):
        embedding("auto").transform(["none.png"])


def test_asked_for_by_name_it_does_not_give_way(images, monkeypatch):
    monkeypatch.setattr(_onnx, "open_session", lambda *args, **options: Session(0))
    with pytest.raises(ValueError, match="no more"):
        embedding("onnx").transform(images)
