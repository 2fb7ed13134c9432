"""Tests for imgfeat/nets/inference/_pipe.py and _streams.py, the CPU as a device."""

import gc
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from imgfeat.nets._torch_settings import fast_exact_cudnn
from imgfeat.nets.inference._pipe import Pipe
from imgfeat.nets.inference._streams import CudaLayer, HostLayer
from imgfeat.nets.inference._torch import TorchEngine
from tests._hangs import HANGS_S
from tests.nets._engines import embedder, piped, run
from tests.nets._tiny import TinyNet


def test_layers_have_the_same_methods():
    names = [name for name in vars(HostLayer) if not name.startswith("_")]
    made = set(vars(CudaLayer)) | {"device"}
    assert made >= set(names)


def test_piped_rows_are_those_of_the_net(batch, expected):
    assert_allclose(run(piped(), batch), expected, rtol=1e-5, atol=1e-6)


def test_all_batches_are_filled_up_with_black(batch):
    seen = []
    net = embedder()
    forward = net.forward
    net.forward = lambda images: seen.append(images.clone()) or forward(images)
    run(TorchEngine(net, batch_size=4, layer=HostLayer()), batch)
    assert [tuple(images.shape) for images in seen] == [(4, 12, 12, 3)] * 2
    assert_array_equal(seen[1][:2], batch[4:])
    assert not seen[1][2:].any()


def test_filling_up_does_not_change_a_row(batch):
    engine = piped()
    together = run(engine, batch)
    alone = np.concatenate([run(engine, batch[i : i + 1]) for i in range(6)])
    assert_allclose(alone, together, rtol=1e-5, atol=1e-6)


def test_rows_are_free_of_the_memory_that_is_used_again(batch, expected):
    engine = piped()
    with engine.running(1) as call:
        images = batch[:4].copy()
        first = call(images)
        images[:] = 0
        call(batch[2:])
    assert_allclose(first, expected[:4], rtol=1e-5, atol=1e-6)


def test_threads_share_the_pipe_and_get_their_own_rows(batch, expected):
    engine = piped()
    rows = np.random.default_rng(1).integers(0, 6, (60, 3))
    with engine.running(1) as call, ThreadPoolExecutor(5) as pool:
        got = list(pool.map(lambda row: call(batch[row]), rows))
    for row, features in zip(rows, got, strict=True):
        assert_allclose(features, expected[row], rtol=1e-5, atol=1e-6)


def test_next_batch_is_copied_while_the_net_is_busy(batch):
    starters, callers, sent = set(), set(), threading.Semaphore(0)

    class Watched(HostLayer):
        def copying(self):
            sent.release()
            return super().copying()

    def forward(images):
        if not starters:
            assert sent.acquire(timeout=HANGS_S)
            assert sent.acquire(timeout=HANGS_S)  # the other batch is on its way
        starters.add(threading.get_ident())
        return images.flatten(1)[:, :2].float()

    pipe = Pipe(Watched(), (4, 12, 12, 3))

    def work(_):
        callers.add(threading.get_ident())
        return pipe.run(batch[:4], 4, forward)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(12)))
    assert len(starters) == 1  # cuDNN remembers by thread
    assert not starters & callers


def test_copy_waits_for_what_it_follows(batch):
    """The net sees a batch after its copy, and rows are read after the net."""
    events = []

    class Watched(HostLayer):
        def mark(self):
            events.append(f"mark {len(events)}")
            return events[-1]

        def follow(self, event):
            events.append(f"follow {event}")

        def wait(self, event):
            events.append(f"wait {event}")

    pipe = Pipe(Watched(), (4, 12, 12, 3))
    pipe.run(batch[:4], 4, lambda images: images.flatten(1)[:, :2].float())
    assert events == ["mark 0", "follow mark 0", "mark 2", "wait mark 2"]


def test_error_of_the_net_reaches_the_caller_and_frees_the_slot(batch, expected):
    class Moody(TinyNet):
        is_well = False

        def forward(self, x):
            if not Moody.is_well:
                raise ValueError("not today")
            return super().forward(x)

    engine = piped(Moody())
    for _ in range(5):
        with pytest.raises(ValueError, match="not today"):
            run(engine, batch)
    Moody.is_well = True
    assert_allclose(run(engine, batch), expected, rtol=1e-5, atol=1e-6)


def test_engine_that_is_dropped_leaves_no_thread(batch):
    before = set(threading.enumerate())
    engine = piped()
    run(engine, batch)
    (starter,) = set(threading.enumerate()) - before
    engine = None
    gc.collect()
    starter.join(timeout=HANGS_S)
    assert not starter.is_alive()


def test_cudnn_searches_and_keeps_float32_while_nets_run():
    cudnn = torch.backends.cudnn
    before = cudnn.benchmark, cudnn.allow_tf32
    with fast_exact_cudnn, fast_exact_cudnn:
        assert (cudnn.benchmark, cudnn.allow_tf32) == (True, False)
    assert (cudnn.benchmark, cudnn.allow_tf32) == before


def test_tf32_that_a_user_set_in_another_way_is_left_alone(monkeypatch):
    cudnn = torch.backends.cudnn

    def mixed():
        raise RuntimeError("a mix of the legacy and new APIs")

    monkeypatch.setattr(torch._C, "_get_cudnn_allow_tf32", mixed)
    before = cudnn.benchmark
    with fast_exact_cudnn:
        assert cudnn.benchmark
    assert cudnn.benchmark == before


@pytest.fixture
def fake_cuda(monkeypatch):
    """Streams and events of CUDA that note what is done with them."""
    notes = []

    class Stream:
        def __init__(self, device=None):
            self.name = "copies" if device is not None else "net"

        def wait_event(self, event):
            notes.append(f"{self.name} waits for {event.stream}")

    class Event:
        def __init__(self, blocking):
            assert blocking

        def record(self, stream):
            self.stream = stream.name
            notes.append(f"mark {stream.name}")

        def synchronize(self):
            notes.append(f"thread waits for {self.stream}")

    current = [Stream()]

    @contextmanager
    def stream(other):
        current.append(other)
        yield
        current.pop()

    empty = torch.empty

    def pinned(shape, *, pin_memory=False, **options):
        if pin_memory:
            notes.append(f"pin {tuple(shape)}")
        return empty(shape, **options)

    monkeypatch.setattr(torch.cuda, "Stream", Stream)
    monkeypatch.setattr(torch.cuda, "Event", Event)
    monkeypatch.setattr(torch.cuda, "stream", stream)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: current[-1])
    monkeypatch.setattr(torch, "empty", pinned)
    return notes


def test_cuda_copies_on_a_stream_of_its_own_from_pinned_memory(
    fake_cuda, batch, expected
):
    engine = piped(layer=CudaLayer("cpu"), batch_size=6)
    for _ in range(3):
        assert_allclose(run(engine, batch), expected, rtol=1e-5, atol=1e-6)
    once = [
        "mark copies", "net waits for copies", "mark net", "thread waits for net",
    ]  # fmt: skip
    pins = "pin (6, 12, 12, 3)", "pin (6, 5)"
    first = [pins[0], *once[:2], pins[1], *once[2:]]
    # Two slots take turns; the third batch finds all memory of the first.
    assert fake_cuda == [*first, *first, once[3], *once]
