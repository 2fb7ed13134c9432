"""Tests for imgfeat/nets/catalog/_torchvision.py and imgfeat/nets/catalog/_build.py."""

import pytest
import torch
import torchvision
from torch import nn

from imgfeat.nets.catalog import _build
from imgfeat.nets.catalog._build import embedding_width, empty_net
from imgfeat.nets.catalog._registry import get_spec
from imgfeat.nets.catalog._torchvision import list_names, list_tags
from tests.nets._filled import filled_net

# These have no vector of their own: what is averaged is the last maps.
MAPS_ONLY = ("alexnet", "squeezenet", "vgg")

# One small net of each kind of cut, and the side of an image that it is quick with.
SMALL = {
    "convnext_tiny": 64,
    "densenet121": 64,
    "efficientnet_b0": 64,
    "googlenet": 64,
    "inception_v3": 96,
    "maxvit_t": 224,
    "mnasnet0_5": 64,
    "mobilenet_v2": 64,
    "mobilenet_v3_small": 64,
    "regnet_y_400mf": 64,
    "resnet18": 64,
    "shufflenet_v2_x0_5": 64,
    "swin_t": 64,
    "swin_v2_t": 64,
    "vit_b_32": 224,
}


def last_linear(net):
    return [module for module in net.modules() if isinstance(module, nn.Linear)][-1]


@pytest.fixture(autouse=True)
def one_thread():
    """Nets this small only wait for a second one."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def noise(side):
    generator = torch.Generator().manual_seed(0)
    return torch.randn((1, 3, side, side), generator=generator)


@pytest.mark.parametrize("name", list_names())
def test_width_is_what_the_classifier_takes(name):
    spec = get_spec(name)
    net = empty_net(spec)
    expected = 256 if name == "alexnet" else 512
    if not name.startswith(MAPS_ONLY):
        expected = last_linear(net).in_features
    trunk = spec.cut(net).to("meta")
    size = spec.preprocessing.size
    with torch.inference_mode():
        got = trunk(torch.empty((1, 3, *size), device="meta"), "auto", size)
    assert got.shape == (1, expected)
    assert spec.width in (None, expected)
    resized, _ = spec.preprocessing.window(1000, 1000)
    view = torchvision.models.get_model_weights(name).DEFAULT
    assert resized == tuple(view.transforms().resize_size * 2)


@pytest.mark.parametrize("name", SMALL)
def test_embedding_is_the_input_of_the_last_classifier_layer(name):
    spec, x = get_spec(name), noise(SMALL[name])
    net, seen = filled_net(spec), []
    last_linear(net).register_forward_pre_hook(lambda module, args: seen.append(*args))
    with torch.inference_mode():
        net(x)
        got = spec.cut(net)(x, "auto", x.shape[2:])
    assert got.std() > 0
    assert got.ndim == 2
    torch.testing.assert_close(got, seen[0].reshape(got.shape), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", ["alexnet", "squeezenet1_1", "vgg11"])
def test_nets_without_a_pooled_vector_give_the_average_of_their_maps(name):
    spec, x = get_spec(name), noise(64)
    net = filled_net(spec)
    with torch.inference_mode():
        expected = net.features(x).mean((2, 3))
        got = spec.cut(net)(x, "auto", (64, 64))
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-6)


def test_vit_has_a_class_token_in_front_of_its_patches():
    spec = get_spec("vit_b_32")
    trunk = spec.cut(empty_net(spec)).to("meta")
    x = torch.empty((2, 3, 224, 224), device="meta")
    assert trunk.maps(x).shape == (2, 1 + 7 * 7, 768)
    assert (trunk.pooling, trunk.n_prefix, spec.n_prefix) == ("cls", 1, 1)


def test_vit_can_be_exported_for_any_number_of_images():
    net = torchvision.models.VisionTransformer(
        image_size=32, patch_size=16, num_layers=1, num_heads=2, hidden_dim=8, mlp_dim=8
    )
    maps = get_spec("vit_b_32").cut(net.eval()).maps
    shapes = ({0: torch.export.Dim("n_images")},)
    x = torch.zeros((2, 3, 32, 32))
    exported = torch.export.export(maps, (x,), dynamic_shapes=shapes).module()
    assert exported(torch.zeros((3, 3, 32, 32))).shape == (3, 5, 8)


@pytest.mark.parametrize("name", ["swin_t", "convnext_tiny"])
def test_maps_have_their_channels_first(name):
    spec = get_spec(name)
    trunk = spec.cut(empty_net(spec)).to("meta")
    maps = trunk.maps(torch.empty((1, 3, 64, 96), device="meta"))
    assert maps.shape == (1, 768, 2, 3)


def test_tags_have_their_own_preprocessing_and_net():
    assert list_tags("resnet50") == ["IMAGENET1K_V2", "IMAGENET1K_V1"]
    old, new = get_spec("resnet50", "imagenet1k_v1"), get_spec("resnet50")
    assert (old.tag, new.tag) == ("imagenet1k_v1", "imagenet1k_v2")
    assert old.preprocessing.crop == 224 / 256
    assert new.preprocessing.crop == 224 / 232
    large = get_spec("vit_b_16", "IMAGENET1K_SWAG_E2E_V1")
    assert large.preprocessing.size == (384, 384)
    positions = empty_net(large).encoder.pos_embedding
    assert positions.shape == (1, 1 + 24 * 24, 768)


def test_empty_nets_have_no_numbers_and_touch_no_seed():
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    net = empty_net(get_spec("swin_t"))
    assert torch.rand(1) == expected
    assert {parameter.device.type for parameter in net.parameters()} == {"meta"}
    # No file holds these two kinds whole, so they must be real.
    assert {buffer.device.type for buffer in net.buffers()} == {"cpu"}
    assert nn.Linear(2, 2).weight.device.type == "cpu"


def test_nets_that_cannot_run_without_numbers_are_run_with_some(monkeypatch):
    measure, devices = _build._measure, []

    def refuse_meta(trunk, device, size):
        devices.append(device)
        if device == "meta":
            raise NotImplementedError("looks at numbers")
        return measure(trunk, device, size)

    monkeypatch.setattr(_build, "_measure", refuse_meta)
    _build._widths.cache_clear()
    assert embedding_width("squeezenet1_1") == 512
    assert devices == ["meta", "cpu"]
