"""Tests for what imgfeat/features/_embedding.py holds from one call to the next."""

import copy
import gc
import pickle
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from PIL import Image
from sklearn.base import clone

import imgfeat
from imgfeat.features import CNNEmbedding
from imgfeat.nets import find_backbone, register_weights
from imgfeat.nets.catalog import _tensors
from imgfeat.nets.inference import _stock
from tests.nets._tiny import TinyNet

ROOT = str(Path(imgfeat.__file__).parent)


@pytest.fixture
def paths(tmp_path):
    rng = np.random.default_rng(0)
    paths = [tmp_path / f"{i}.jpg" for i in range(5)]
    for path in paths:
        pixels = rng.integers(0, 256, (50, 40, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path)
    return paths


@pytest.fixture
def own_stock(monkeypatch):
    """An empty stock of engines."""
    monkeypatch.setattr(_stock, "_engines", type(_stock._engines)())


def embedding(*backbone, **options):
    options = {"size": 32, "engine": "torch", "n_jobs": 1, **options}
    return CNNEmbedding(*backbone, **options)


def files_entered(function):
    """Those of our files whose code `function` runs, in any thread."""
    entered = set()

    def note(frame, event, argument):
        if event == "call" and frame.f_code.co_filename.startswith(ROOT):
            entered.add(frame.f_code.co_filename.removeprefix(ROOT))

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return sorted(entered)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_few_of_our_files_are_entered_once_the_net_is_ready(paths, n_jobs):
    """A reader who follows a warm call meets the decoder and the engine, no catalog."""
    net = embedding(engine="auto", device="cpu", n_jobs=n_jobs).fit(paths)
    net.transform(paths)
    entered = files_entered(lambda: net.transform(paths))
    assert len(entered) <= 21, entered
    ours = [name for name in entered if "/nets/" in name or "_embedding" in name]
    assert len(ours) <= 8, ours


def random_weights(path, seed):
    """Write weights of a resnet18 that no other seed gives."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = find_backbone("resnet18", None, whole=True).load().net
        torch.nn.init.normal_(net.conv1.weight)
    torch.save(net.state_dict(), path)


def test_the_net_is_looked_up_once(paths, monkeypatch):
    net = embedding().fit(paths)
    expected = net.transform(paths)
    monkeypatch.setattr(CNNEmbedding, "_find_backbone", None)  # no longer called
    assert_array_equal(net.transform(paths), expected)


@pytest.mark.parametrize(
    "changes",
    [{"pooling": "max"}, {"layer": ["blocks.1"]}, {"size": 48}, {"crop": 0.5}],
    ids=str,
)
def test_parameters_that_are_set_after_fit_take_effect(paths, changes):
    net = embedding().fit(paths)
    net.transform(paths)
    got = net.set_params(**changes).transform(paths)
    assert_array_equal(got, embedding(**changes).fit_transform(paths))


def test_a_list_of_layers_that_is_changed_in_place_is_seen(paths):
    net = embedding(layer=["blocks.1"]).fit(paths)
    n_before = net.transform(paths).shape[1]
    net.layer.append("blocks.3")
    assert net.transform(paths).shape[1] == n_before + 80


def test_threads_that_the_process_may_use_are_asked_for_at_every_call(
    paths, monkeypatch
):
    net = embedding(n_jobs=None).fit(paths)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    net.transform(paths)
    assert net._ready[1].plan.threads == 1


def test_weights_that_changed_on_disk_are_noticed_at_the_next_fit(
    paths, tmp_path, own_stock
):
    path = tmp_path / "net.pth"
    random_weights(path, 0)
    net = embedding("resnet18", weights=path).fit(paths)
    first, before = net.transform(paths), net.weights_info_["sha256"]
    random_weights(path, 1)
    assert_array_equal(net.transform(paths), first)  # as fitted
    stored = pickle.dumps(net)
    assert net.fit(paths).weights_info_["sha256"] != before
    assert not np.array_equal(net.transform(paths), first)
    with pytest.raises(ValueError, match=f"resnet18 need the sha256 {before[:12]}"):
        pickle.loads(stored).transform(paths)


def test_weights_that_changed_before_they_were_loaded_are_refused(
    paths, tmp_path, own_stock
):
    path = tmp_path / "net.pth"
    random_weights(path, 0)
    net = embedding("resnet18", weights=path).fit(paths)  # looks, and does not load
    random_weights(path, 1)
    with pytest.raises(ValueError, match=r"need the sha256 .* fit again"):
        net.transform(paths)


def test_pickles_and_clones_hold_no_net_and_find_it_again(paths):
    net = embedding().fit(paths)
    expected = net.transform(paths)
    assert "_ready" in vars(net)
    assert "_ready" not in vars(clone(net))
    for again in (pickle.loads(pickle.dumps(net)), copy.deepcopy(net)):
        assert "_ready" not in vars(again)
        assert_array_equal(again.transform(paths), expected)
        assert "_ready" in vars(again)


def test_a_module_is_looked_at_every_time(paths):
    module = TinyNet()
    net = CNNEmbedding(module).fit(paths)
    first = net.transform(paths)
    with torch.no_grad():
        module.norm.weight.mul_(2)
    assert not np.array_equal(net.transform(paths), first)


def test_what_came_with_a_file_lives_as_long_as_a_copy_that_runs_with_it(
    paths, monkeypatch, own_stock
):
    monkeypatch.setattr(_tensors, "_registered", type(_tensors._registered)())
    net = embedding("resnet18", weights=None).fit(paths)
    state = find_backbone("resnet18", None).state_dict()
    net._held_weights = register_weights("a" * 64, state)
    net.weights_info_ = {**net.weights_info_, "sha256": "a" * 64}
    again = copy.deepcopy(net)
    del net
    gc.collect()
    assert again.transform(paths).shape == (5, 512)
    del again
    gc.collect()
    assert len(_tensors._registered) == 0
