"""Tests of the engines on a real CUDA device."""

import multiprocessing
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from imgfeat.features import CNNEmbedding
from imgfeat.nets import find_backbone, open_engine, plan_inference
from imgfeat.nets._pooling import Readout

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(
        not torch.cuda.is_available(), reason="there is no CUDA device here"
    ),
]


@pytest.fixture(scope="module")
def batch():
    # Smooth, as photos are: noise is no input that a trained net knows.
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (20, 7, 7, 3), dtype=np.uint8)
    return coarse.repeat(32, axis=1).repeat(32, axis=2)


def opened(**options):
    defaults = {
        "engine": "torch", "device": "cuda", "precision": "auto", "threads": 4,
        "batch_size": 8,
    }  # fmt: skip
    plan = plan_inference(**defaults | options)
    return open_engine(find_backbone("efficientnet_lite0"), Readout("auto"), plan)


def run(engine, images):
    with engine.running(1) as call:
        return call(images)


def assert_same_rows(got, expected, tolerance):
    scale = np.abs(expected).max(axis=1, keepdims=True)
    assert (np.abs(got - expected) <= tolerance * scale).all()


@pytest.fixture(scope="module")
def expected(batch):
    return run(opened(device="cpu"), batch)


@pytest.mark.parametrize(
    "precision, tolerance", [("float32", 1e-4), ("auto", 0.01), ("bfloat16", 0.1)]
)
def test_rows_are_those_of_the_cpu(batch, expected, precision, tolerance):
    engine = opened(precision=precision)
    assert_same_rows(run(engine, batch), expected, tolerance)
    wanted = {"auto": "float16"}.get(precision, precision)
    assert engine.info["precision"] == wanted


@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_row_is_the_same_alone_and_in_any_batch(batch, precision):
    engine = opened(precision=precision)
    run(engine, batch)  # the first batch decides on the precision
    together = run(engine, batch)
    alone = np.concatenate([run(engine, batch[i : i + 1]) for i in range(len(batch))])
    assert_same_rows(alone, together, 1e-5)


def test_threads_get_their_own_rows(batch):
    engine = opened(precision="float32")
    together = run(engine, batch)
    rows = np.random.default_rng(1).integers(0, 20, (100, 5))
    with engine.running(1) as call, ThreadPoolExecutor(6) as pool:
        got = list(pool.map(lambda row: call(batch[row]), rows))
    for row, features in zip(rows, got, strict=True):
        assert_same_rows(features, together[row], 1e-5)


def test_compiled_net_gives_the_same(batch, expected):
    engine = opened(precision="float32", compile=True)
    assert_same_rows(run(engine, batch), expected, 1e-4)
    assert engine.info["compile"]


def test_settings_come_back(batch):
    cudnn = torch.backends.cudnn
    before = cudnn.benchmark, cudnn.allow_tf32
    with opened().running(1) as call:
        assert (cudnn.benchmark, cudnn.allow_tf32) == (True, False)
        call(batch[:1])
    assert (cudnn.benchmark, cudnn.allow_tf32) == before


def test_end_of_memory_halves_the_batch(batch, expected):
    engine = opened(precision="float32", batch_size=16)
    forward = engine.embedder.forward

    def short_of_memory(images):
        if len(images) > 4:
            torch.empty(2**50, dtype=torch.uint8, device="cuda")
        return forward(images)

    engine.embedder.forward = short_of_memory
    with pytest.warns(RuntimeWarning, match="16 images needs more memory.*; 4 at a ti"):
        got = run(engine, batch)
    engine.embedder.forward = forward
    assert_same_rows(got, expected, 1e-4)
    assert engine.info["batch_size"] == 4


def test_estimator_decodes_in_many_threads(batch):
    net = CNNEmbedding(device="cuda", engine="torch", n_jobs=8, batch_size=8)
    before = set(threading.enumerate())
    features = net.fit_transform(list(batch))
    assert_allclose(features, net.transform(batch), rtol=0, atol=1e-2)
    # Only the one that starts the net stays.
    assert len(set(threading.enumerate()) - before) <= 1


def _message_in_child(queue):
    try:
        opened()
    except RuntimeError as error:
        queue.put(str(error))
    else:
        queue.put("no error")


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_forked_process_is_told_to_spawn(batch):
    run(opened(), batch)
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()
    child = context.Process(target=_message_in_child, args=(queue,))
    child.start()
    message = queue.get()
    child.join()
    assert "use joblib's 'loky' backend" in message


def test_onnx_runtime_runs_on_cuda(batch, expected):
    runtime = pytest.importorskip("onnxruntime")
    if "CUDAExecutionProvider" not in runtime.get_available_providers():
        pytest.skip("ONNX Runtime is not built for CUDA here")
    engine = opened(engine="onnx")
    assert engine.info["device"] == "cuda"
    together = run(engine, batch)
    assert_same_rows(together, expected, 1e-4)
    assert_array_equal(run(engine, batch[:3]), together[:3])
