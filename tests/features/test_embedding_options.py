"""Tests for imgfeat/features/_embedding.py: layers, pooling, views, decoding."""

import io
import pickle
from dataclasses import replace

import numpy as np
import pytest
import timm
import torch
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from sklearn.base import clone

from imgfeat.features import CNNEmbedding
from imgfeat.nets import Preprocessing
from imgfeat.nets.catalog import _backbones
from imgfeat.nets.catalog._registry import get_spec
from imgfeat.nets.inference import _run
from tests.nets._tiny import TINY, TinyNet

SIZE = 32


def embedding(**options):
    return CNNEmbedding(**{"size": SIZE, "engine": "torch", "n_jobs": 1, **options})


@pytest.fixture
def photos():
    """Five RGB images of smooth noise, 60 x 44 pixels."""
    rng = np.random.default_rng(3)
    small = rng.integers(0, 256, (5, 12, 9, 3), dtype=np.uint8)
    return np.stack(
        [np.asarray(Image.fromarray(image).resize((44, 60))) for image in small]
    )


def relative_error(got, expected):
    return np.abs(got - expected).max() / np.abs(expected).max()


# Layers


def test_layer_gives_the_pooled_output_of_a_module(photos):
    net = TinyNet()
    got = CNNEmbedding(net, layer="conv").fit_transform(photos)
    whole = CNNEmbedding(net).fit_transform(photos)
    # Nothing was trained, so the norm in between only divides.
    assert_allclose(got / np.sqrt(1 + net.norm.eps), whole, rtol=1e-5)


def test_layers_come_side_by_side_and_are_named(photos):
    names = ["blocks.1", "blocks.3", "conv_head"]
    both = embedding(layer=names).fit(photos)
    got = both.transform(photos)
    parts = [embedding(layer=name).fit_transform(photos) for name in names]
    assert_allclose(got, np.hstack(parts), rtol=1e-4, atol=1e-5)
    columns = both.get_feature_names_out()
    assert len(columns) == got.shape[1]
    assert columns[0] == "efficientnet_lite0_blocks.1_0000"
    assert columns[-1] == "efficientnet_lite0_conv_head_1279"


@pytest.mark.onnx
def test_engines_agree_on_a_layer(photos):
    options = {"layer": ["conv", "norm"], "pooling": "gem"}
    torch_, onnx = (
        CNNEmbedding(TinyNet(), engine=engine, **options).fit_transform(photos)
        for engine in ("torch", "onnx")
    )
    assert relative_error(onnx, torch_) < 1e-4


def test_first_run_and_later_ones_give_the_same(photos):
    net = embedding(layer="blocks.2").fit(photos)
    assert_array_equal(net.transform(photos), net.transform(photos))


def test_layer_survives_clone(photos):
    net = embedding(layer=["blocks.2", "blocks.3"], pooling="max", n_views=2)
    assert clone(net).get_params() == net.get_params()


def test_unknown_layer_offers_close_names(photos):
    with pytest.raises(ValueError, match=r"no layer 'blocks\.11' .* 'blocks\.1'"):
        embedding(layer="blocks.11").fit(photos)


@pytest.mark.parametrize("layer", [[], [3]])
def test_layer_must_name_modules(photos, layer):
    with pytest.raises(ValueError, match="layer must be the name of a module"):
        embedding(layer=layer).fit(photos)


# Pooling


@pytest.mark.parametrize(
    "pooling, definition",
    [
        ("avg", lambda x: x.mean((2, 3))),
        ("max", lambda x: x.amax((2, 3))),
        ("avgmax", lambda x: (x.mean((2, 3)) + x.amax((2, 3))) / 2),
        ("gem", lambda x: x.clamp(min=1e-6).pow(3).mean((2, 3)).pow(1 / 3)),
        (None, lambda x: x.flatten(1)),
    ],
)
def test_pooling_matches_its_definition(pooling, definition):
    images = np.random.default_rng(0).integers(0, 256, (3, 12, 12, 3), dtype=np.uint8)
    net = TinyNet()
    got = CNNEmbedding(net, pooling=pooling).fit_transform(images)
    mean, std = (torch.tensor(x).reshape(3, 1, 1) for x in (TINY.mean, TINY.std))
    x = (torch.from_numpy(images).permute(0, 3, 1, 2) / 255 - mean) / std
    with torch.inference_mode():
        expected = definition(net.eval()(x))
    assert_allclose(got, expected, rtol=1e-4, atol=1e-5)


def test_auto_is_the_average_for_the_default_net(photos):
    auto, avg = (
        embedding(pooling=pooling).fit_transform(photos) for pooling in ("auto", "avg")
    )
    assert_array_equal(auto, avg)


def test_class_token_needs_a_transformer(photos):
    with pytest.raises(ValueError, match="pooling='cls' needs tokens"):
        embedding(pooling="cls").fit_transform(photos)


def test_much_memory_without_pooling_is_said(photos, monkeypatch):
    monkeypatch.setattr(_run, "_LARGE_BYTES", 1000)
    with pytest.warns(UserWarning, match=r"1,280 numbers an image, .* 5 images"):
        embedding(pooling=None).fit_transform(photos)


# Preprocessing


@pytest.mark.parametrize(
    "changes", [{"size": 48}, {"crop": 1.0}, {"interpolation": "nearest"}]
)
def test_preprocessing_may_be_overridden_and_is_recorded(photos, changes):
    usual = embedding().fit_transform(photos)
    changed = embedding(**changes).fit(photos)
    assert relative_error(changed.transform(photos), usual) > 1e-2
    (name, value), stated = *changes.items(), changed.weights_info_["preprocessing"]
    assert stated[name] == ((value, value) if name == "size" else value)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"crop": 0.0}, "'crop' parameter"),
        ({"crop": 1.5}, "'crop' parameter"),
        ({"interpolation": "magic"}, "'interpolation' parameter"),
        ({"n_views": 3}, "'n_views' parameter"),
        ({"pooling": "median"}, "'pooling' parameter"),
    ],
)
def test_values_that_cannot_be_are_refused(photos, options, message):
    with pytest.raises(ValueError, match=message):
        embedding(**options).fit(photos)


# Views


def test_two_views_are_an_image_and_its_mirror_image(photos):
    two = embedding(n_views=2).fit_transform(photos)
    left, right = (
        embedding().fit_transform(X) for X in (photos, photos[:, :, ::-1].copy())
    )
    assert relative_error(two, (left + right) / 2) < 1e-3  # resizing rounds


def test_mirror_image_has_the_same_views(photos):
    for n_views in (2, 10):
        net = embedding(n_views=n_views).fit(photos)
        expected = net.transform(photos)
        got = net.transform(photos[:, :, ::-1].copy())
        # A middle that lies between two pixels is mirrored to its neighbour.
        assert relative_error(got, expected) < 1e-2


def test_five_views_are_the_middle_and_the_corners():
    stated = Preprocessing(
        (12, 12), mean=(0.5,) * 3, std=(0.5,) * 3, crop=0.5, interpolation="box"
    )
    net = TinyNet(preprocessing=stated)
    images = np.random.default_rng(0).integers(0, 256, (2, 24, 24, 3), dtype=np.uint8)
    got = CNNEmbedding(net, n_views=5).fit_transform(images)
    corners = [(6, 6), (0, 0), (0, 12), (12, 0), (12, 12)]
    plain = TinyNet(preprocessing=stated.with_changes(crop=1.0))
    expected = np.mean(
        [
            CNNEmbedding(plain).fit_transform(images[:, y : y + 12, x : x + 12].copy())
            for y, x in corners
        ],
        axis=0,
    )
    assert_allclose(got, expected, rtol=1e-5, atol=1e-6)


def test_views_are_recorded(photos):
    assert embedding(n_views=5).fit(photos).inference_info_["n_views"] == 5


# Decoding


@pytest.fixture
def large_jpegs():
    """Three JPEG files in memory, 300 x 200 pixels, smooth as photos are."""
    rng = np.random.default_rng(0)
    files = []
    for _ in range(3):
        small = rng.integers(0, 256, (12, 8, 3), dtype=np.uint8)
        file = io.BytesIO()
        Image.fromarray(small).resize((200, 300)).save(file, "jpeg", quality=95)
        files.append(file.getvalue())
    return files


def test_fast_decoding_gives_nearly_the_same(large_jpegs):
    exact = embedding().fit_transform(large_jpegs)
    fast = embedding(fast_decode=True).fit(large_jpegs)
    got = fast.transform(large_jpegs)
    cosine = (got * exact).sum(1) / np.linalg.norm(got, axis=1)
    cosine /= np.linalg.norm(exact, axis=1)
    assert not np.array_equal(got, exact)
    assert cosine.min() > 0.98
    assert fast.inference_info_["fast_decode"] is True


def test_fast_decoding_changes_no_small_image(large_jpegs):
    # 300 x 200 is less than twice 224 / 0.875.
    sizes = {"size": 224, "layer": "blocks.0"}
    exact = embedding(**sizes).fit_transform(large_jpegs[:1])
    fast = embedding(**sizes, fast_decode=True).fit_transform(large_jpegs[:1])
    assert_array_equal(fast, exact)


# Nets of timm's own, with their own way to the embedding


def test_module_of_timm_states_its_preprocessing(photos):
    net = timm.create_model("resnet10t", pretrained=False, num_classes=0)
    got = CNNEmbedding(net, size=64).fit_transform(photos)
    assert got.shape == (5, 512)


# Modes of the crop


def test_fitted_before_there_were_modes_goes_on_in_the_first(photos, monkeypatch):
    spec = get_spec("timm/test_resnet")
    squashed = spec.preprocessing.with_changes(crop_mode="squash")
    embedding = CNNEmbedding("timm/test_resnet", weights=None, engine="torch", n_jobs=1)
    wide = photos[:, :10]
    before = embedding.fit(wide)
    centered = before.transform(wide)
    assert before.weights_info_["preprocessing"].pop("crop_mode") == "center"

    now = replace(spec, preprocessing=squashed)
    monkeypatch.setattr(_backbones, "get_spec", lambda *args, **options: now)
    old = pickle.loads(pickle.dumps(before))
    assert_array_equal(old.transform(wide), centered)
    fresh = clone(before).fit(wide)
    assert fresh.weights_info_["preprocessing"]["crop_mode"] == "squash"
    assert relative_error(fresh.transform(wide), centered) > 1e-2
