"""Tests for imgfeat/nets/catalog/_registry.py and _registered.py: nets by name."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from torch import nn

from imgfeat.estimators import CNNClassifier
from imgfeat.features import CNNEmbedding
from imgfeat.nets import (
    find_backbone,
    list_backbones,
    list_layers,
    open_engine,
    plan_inference,
    register_backbone,
)
from imgfeat.nets._pooling import Readout
from imgfeat.nets.catalog import _registered, _torchvision
from imgfeat.nets.catalog._registered import list_registered, registered_by
from tests.nets._tiny import TINY, TinyNet
from tests.nets._versions import exports

OURS = ["simple_cnn", "resnet9", "resnet9_w32"]


@pytest.fixture(autouse=True)
def only_ours(monkeypatch, tmp_path):
    monkeypatch.setenv("IMGFEAT_HOME", str(tmp_path / "home"))
    ours = {net.name: net for net in list_registered() if net.name in OURS}
    monkeypatch.setattr(_registered, "_registered", ours)


@pytest.fixture
def photos():
    return np.random.default_rng(0).integers(0, 256, (8, 12, 12, 3), dtype=np.uint8)


def embedding(*args, **options):
    return CNNEmbedding(*args, **{"engine": "torch", "n_jobs": 1, **options})


def tiny():
    return TinyNet(preprocessing=None)


def sized(n_classes, *, image_size, dropout):
    head = [nn.Dropout(dropout), nn.Linear(4, n_classes)] if n_classes else []
    layers = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(1)
    return nn.Sequential(*layers, nn.Flatten(), *head)


# A net with stated preprocessing


def test_a_registered_net_is_listed_and_embeds_and_learns(photos, tmp_path):
    path = tmp_path / "tiny.pth"
    torch.save(TinyNet(seed=5).state_dict(), path)
    register_backbone("mine/tiny", tiny, preprocessing=TINY, weights=path, width=5)
    row = list_backbones("mine/*").iloc[0]
    assert row[["name", "source", "width", "weights"]].tolist() == [
        "mine/tiny", "tests", 5, "tiny.pth",
    ]  # fmt: skip
    assert row["weights_here"]
    assert row["input_size"] == (12, 12)
    got = embedding("mine/tiny").fit(photos).transform(photos)
    assert_array_equal(got, embedding(TinyNet(seed=5)).fit_transform(photos))
    y = [0, 1] * 4
    cnn = CNNClassifier("mine/tiny", trainable="head", max_epochs=1, random_state=0)
    expected = CNNClassifier(
        TinyNet(seed=5), trainable="head", max_epochs=1, random_state=0
    )
    assert_allclose(
        cnn.fit(photos, y).predict_proba(photos),
        expected.fit(photos, y).predict_proba(photos),
        atol=1e-6,
    )


def test_a_decorator_returns_the_factory_and_notes_the_module():
    @register_backbone("mine", preprocessing=TINY)
    def mine():
        return tiny()

    assert isinstance(mine(), TinyNet)
    assert registered_by("mine") == __name__
    assert registered_by("resnet9") == "imgfeat.nets.catalog._small"
    assert registered_by("resnet18") is None


def test_weights_may_be_a_function_that_brings_them(photos, tmp_path):
    path, calls = tmp_path / "tiny.pth", []

    def bring():
        calls.append(1)
        torch.save(TinyNet(seed=5).state_dict(), path)
        return path

    register_backbone("mine", tiny, preprocessing=TINY, weights=bring)
    assert not list_backbones("mine")["weights_here"].any()
    assert calls == []
    got = embedding("mine").fit(photos).transform(photos)
    assert_array_equal(got, embedding(TinyNet(seed=5)).fit_transform(photos))


def test_a_net_without_weights_is_trained_from_scratch(photos):
    register_backbone("mine", tiny, preprocessing=TINY)
    cnn = CNNClassifier("mine", max_epochs=1, random_state=0, n_jobs=1)
    proba = cnn.fit(photos, [0, 1] * 4).predict_proba(photos)
    new = CNNClassifier("mine", weights=None, max_epochs=1, random_state=0, n_jobs=1)
    assert_array_equal(new.fit(photos, [0, 1] * 4).predict_proba(photos), proba)
    with pytest.raises(FileNotFoundError, match="mine has no pretrained weights"):
        embedding("mine").fit(photos)


def test_registered_weights_that_are_missing_are_named(tmp_path):
    path = tmp_path / "gone.pth"
    register_backbone("mine", tiny, preprocessing=TINY, weights=path)
    with pytest.raises(FileNotFoundError, match=rf"gone\.pth, which {__name__} has"):
        find_backbone("mine")


@pytest.mark.onnx
def test_a_net_of_the_user_runs_in_torch_and_is_kept_nowhere(photos, tmp_path):
    """Its code may change behind its name."""
    register_backbone("mine", tiny, preprocessing=TINY)
    net = embedding("mine", weights=None, engine="auto", device="cpu").fit(photos)
    assert net.inference_info_["engine"] == "torch"
    by_onnx = embedding("mine", weights=None, engine="onnx").fit_transform(photos)
    assert_allclose(by_onnx, net.transform(photos), rtol=1e-4, atol=1e-5)
    assert not (tmp_path / "home" / "onnx").exists()


def test_a_factory_that_is_defined_anew_takes_its_place(photos):
    """As when a notebook's cell runs again."""
    results = []
    for sign in (1, -1):

        def factory(sign=sign):
            net = TinyNet(preprocessing=None)
            net.forward = lambda x: sign * TinyNet.forward(net, x)
            return net

        factory.__qualname__ = "factory"
        register_backbone("mine", factory, preprocessing=TINY)
        results.append(embedding("mine", weights=None).fit_transform(photos))
    assert_allclose(results[1], -results[0], rtol=1e-5)


# A net that is sized to its images


LITE = [f"efficientnet_lite{number}" for number in range(3)]


def test_ours_are_listed_without_weights():
    table = list_backbones(source="imgfeat").set_index("name")
    assert list(table.index) == [*LITE, *OURS]
    assert table.loc[OURS, "weights"].isna().all()
    assert not table.loc[OURS, "weights_here"].any()
    assert table.loc["resnet9", "width"] == 128
    assert table.loc["simple_cnn", "input_size"] is None


def test_a_size_may_be_a_list(photos):
    expected = find_backbone("simple_cnn", None, size=(12, 12))
    assert find_backbone("simple_cnn", None, size=[12, 12]).sha256 == expected.sha256


@pytest.mark.parametrize("name", OURS)
def test_without_weights_an_embedding_says_what_it_needs(photos, name):
    message = rf"{name} has no pretrained weights. Pass weights=None for .* or the path"
    with pytest.raises(FileNotFoundError, match=message):
        embedding(name).fit(photos)
    features = embedding(name, weights=None, size=12).fit_transform(photos)
    assert_array_equal(
        embedding(name, weights=None, size=12).fit_transform(photos), features
    )
    known = {"resnet9": 128, "resnet9_w32": 256, "simple_cnn": 32}
    assert features.shape == (8, known[name])


def test_a_net_from_scratch_is_given_no_weights(photos, tmp_path):
    cnn = CNNClassifier("resnet9", weights=tmp_path / "net.pth")
    with pytest.raises(ValueError, match="resnet9 is trained from scratch, without"):
        cnn.fit(photos, [0, 1] * 4)


@pytest.mark.parametrize("name", ["simple_cnn", "resnet9", "mine"])
def test_a_trained_net_embeds_with_the_statistics_that_it_has_learned(
    photos, tmp_path, name
):
    if name == "mine":
        register_backbone("mine", sized)
    cnn = CNNClassifier(name, max_epochs=2, random_state=0, n_jobs=1)
    cnn.fit(photos, [0, 1] * 4)
    path = tmp_path / "net.pth"
    torch.save(cnn.net_.module_.state_dict(), path)
    features = embedding(name, weights=path, size=12).fit_transform(photos)
    body = cnn.net_.module_.body
    with torch.inference_mode():
        last = body.head if name == "resnet9" else body[-1]
        logits = last(torch.from_numpy(features))
    logits = logits / 8 if name == "resnet9" else logits
    assert_allclose(logits.softmax(dim=1), cnn.predict_proba(photos), atol=1e-5)


def test_a_file_without_statistics_of_pixels_is_refused(photos, tmp_path):
    net = sized(2, image_size=(12, 12), dropout=0)
    torch.save(net.state_dict(), tmp_path / "net.pth")
    register_backbone("mine", sized)
    message = r"(?s)holds the weights of another net.*missing in the file"
    with pytest.raises(ValueError, match=message):
        embedding("mine", weights=tmp_path / "net.pth").fit(photos).transform(photos)


def test_sizes_make_different_nets(photos):
    large, small = (
        find_backbone("simple_cnn", None, size=size) for size in (64, (8, 8))
    )
    assert (large.width, small.width) == (256, 32)
    assert large.sha256 != small.sha256


def test_layers_of_a_registered_net_are_listed_and_taken(photos):
    register_backbone("mine", tiny, preprocessing=TINY)
    assert list_layers("mine")["name"].tolist() == ["conv", "norm", "drop"]
    net = embedding("mine", weights=None, layer="conv")
    assert net.fit_transform(photos).shape == (8, 5)


@pytest.mark.onnx
@exports
def test_one_of_ours_runs_in_both_engines(photos):
    backbone = find_backbone("resnet9", None, size=12)
    results = []
    for engine in ("torch", "onnx"):
        plan = plan_inference(
            engine=engine, device="cpu", precision="auto", threads=1, batch_size=4
        )
        with open_engine(backbone, Readout(), plan).running(1) as run:
            results.append(run(photos))
    assert_allclose(results[1], results[0], rtol=1e-3, atol=1e-4)


# What is refused


@pytest.mark.parametrize("name", ["timm/mine", "with.dot", "", "two words"])
def test_names_that_mean_something_else_are_refused(name):
    with pytest.raises(ValueError, match=r"name has letters.* for timm's. Got"):
        register_backbone(name, tiny, preprocessing=TINY)


@pytest.mark.parametrize("name", ["efficientnet_lite0", "resnet50", "resnet9"])
def test_names_that_are_taken_are_refused(name):
    with pytest.raises(ValueError, match=f"There is a backbone '{name}' already"):
        register_backbone(name, tiny, preprocessing=TINY)


def test_the_same_factory_may_come_again_and_another_may_not():
    register_backbone("mine", tiny, preprocessing=TINY)
    register_backbone("mine", tiny, preprocessing=TINY)
    with pytest.raises(ValueError, match=f"already, which {__name__} registered"):
        register_backbone("mine", sized)


def test_ours_are_none_of_torchvisions():
    """Nobody asks it when they are registered."""
    assert not set(OURS) & set(_torchvision.list_names())


def test_weights_need_their_preprocessing(tmp_path):
    with pytest.raises(ValueError, match="need the preprocessing that they were train"):
        register_backbone("mine", sized, weights=tmp_path / "net.pth")
    with pytest.raises(TypeError, match=r"must be a Preprocessing.* Got tuple"):
        register_backbone("mine", tiny, preprocessing=(12, 12))


def test_a_net_that_nobody_registered_here_is_hinted_at():
    with pytest.raises(ValueError, match="or import what registers the net"):
        find_backbone("qqqq")


def test_registering_waits_for_neither_timm_nor_torchvision():
    code = (
        "import sys; from imgfeat.nets import register_backbone;"
        "register_backbone('mine', print);"
        "print({'timm', 'torchvision'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
