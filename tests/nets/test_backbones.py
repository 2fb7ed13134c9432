"""Tests for imgfeat/nets/_registry.py and imgfeat/nets/_backbones.py."""

import pytest
import timm
import torch
import torchvision
from torch import nn

from imgfeat.nets import find_backbone, register_weights
from imgfeat.nets._embedder import Embedder
from imgfeat.nets._readout import Readout
from imgfeat.nets._registry import get_spec, list_names
from imgfeat.nets._weights import hash_file
from tests.nets._tiny import TINY, TinyNet


@pytest.fixture(autouse=True)
def no_weights_on_disk(tmp_path, monkeypatch):
    monkeypatch.setenv("IMGFEAT_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path / "hub"))
    monkeypatch.setattr("imgfeat.nets._weights._registered", {})


def embed(backbone, images):
    with torch.inference_mode():
        return Embedder(backbone.load(), backbone.preprocessing, Readout("avg"))(images)


def batch(side):
    generator = torch.Generator().manual_seed(0)
    shape = 2, side, side, 3
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)


def normalized(images, mean, std):
    x = images.permute(0, 3, 1, 2) / 255
    return (x - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)


def test_installed_weights_give_what_timm_gives():
    spec = get_spec("efficientnet_lite0")
    net = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    state = torch.load(spec.find(), weights_only=True)
    net.load_state_dict(dict(zip(net.state_dict(), state.values(), strict=True)))
    net.eval().reset_classifier(0)
    images = batch(64)
    with torch.inference_mode():
        expected = net(normalized(images, (0.5,) * 3, (0.5,) * 3))
    got = embed(find_backbone("efficientnet_lite0"), images)
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-5)


def test_preprocessing_of_the_installed_weights_is_timms():
    config = timm.get_pretrained_cfg("tf_efficientnet_lite0")
    stated = get_spec("efficientnet_lite0").preprocessing
    assert stated == type(stated).from_config(config.to_dict())


@pytest.mark.parametrize("name", ["resnet18", "convnext_tiny"])
def test_torchvision_nets_give_their_penultimate_layer(name):
    spec = get_spec(name)
    net = spec.make().eval()
    trunk = spec.cut(net)
    if name == "resnet18":
        net.fc = nn.Identity()
    else:
        net.classifier[2] = nn.Identity()
    images, stated = batch(64), spec.preprocessing
    with torch.inference_mode():
        expected = net(normalized(images, stated.mean, stated.std))
        got = Embedder(trunk, stated, Readout("avg"))(images)
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-5)


def test_weights_on_disk_are_used(tmp_path, monkeypatch):
    # Random weights cannot have the hash that the real file's name ends in.
    monkeypatch.setattr("imgfeat.nets._weights.check_hash_in_name", lambda path: None)
    net = torchvision.models.resnet18(weights=None)
    path = tmp_path / "hub" / "checkpoints" / "resnet18-f37072fd.pth"
    path.parent.mkdir(parents=True)
    torch.save(net.state_dict(), path)
    backbone = find_backbone("resnet18")
    assert (backbone.tag, backbone.sha256) == ("imagenet1k_v1", hash_file(path))
    assert torch.equal(backbone.load().maps.conv1.weight, net.conv1.weight)


def test_inception_needs_no_transform_of_its_input():
    # torchvision's net rescales x * std + mean from ImageNet's to halves, per channel.
    images = batch(8)
    x = normalized(images, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    with torch.device("meta"):
        net = torchvision.models.inception_v3(
            weights=None, init_weights=True, transform_input=True
        )
    stated = get_spec("inception_v3").preprocessing
    torch.testing.assert_close(
        net._transform_input(x), normalized(images, stated.mean, stated.std)
    )


@pytest.mark.parametrize("name", list_names())
def test_width_and_preprocessing_are_those_of_the_net(name):
    spec = get_spec(name)
    with torch.device("meta"):
        trunk = spec.cut(spec.make())
        maps, after = trunk.maps, trunk.after
        pooled = after(
            maps.eval()(torch.empty(1, 3, 96, 96)).mean((2, 3), keepdim=True)
        )
    assert pooled.shape == (1, spec.width, 1, 1)
    assert spec.preprocessing.size[0] in (224, 299)
    if name != "efficientnet_lite0":
        view = torchvision.models.get_model_weights(name).DEFAULT.transforms()
        resized, _ = spec.preprocessing.window(1000, 1000)
        assert resized == tuple(view.resize_size * 2)


def test_random_weights_are_always_the_same_and_touch_no_seed():
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    states = [find_backbone("resnet18", None).load().state_dict() for _ in range(2)]
    assert torch.rand(1) == expected
    for name, tensor in states[0].items():
        assert torch.equal(tensor, states[1][name])


def test_registered_weights_come_before_the_disk():
    backbone = find_backbone("resnet18", None)
    state = {name: tensor + 1 for name, tensor in backbone.state_dict().items()}
    register_weights("f" * 64, state)
    found = find_backbone("resnet18", "default", sha256="f" * 64)
    assert found.sha256 == "f" * 64
    assert torch.equal(
        found.load().maps.conv1.weight, backbone.load().maps.conv1.weight + 1
    )


def test_other_weights_than_at_fit_are_refused():
    with pytest.raises(
        ValueError, match=r"need the sha256 000.*with which .* was fitted"
    ):
        find_backbone("efficientnet_lite0", sha256="0" * 64)


@pytest.mark.parametrize(
    "name, hint",
    [("resnet-50", "resnet50"), ("EfficientNet_lite", "efficientnet_lite0")],
)
def test_misspelt_name_gets_a_suggestion(name, hint):
    with pytest.raises(
        ValueError, match=f"no backbone '{name}'. Did you mean '{hint}'"
    ):
        find_backbone(name)


def test_missing_weights_file_is_named():
    with pytest.raises(FileNotFoundError, match=r"resnet50-\w+\.pth, which is not on"):
        find_backbone("resnet50")


def test_module_states_its_preprocessing():
    net = TinyNet()
    assert find_backbone(net).preprocessing == TINY
    net.preprocessing = None
    net.pretrained_cfg = {"input_size": (3, 9, 9), "mean": (0,) * 3, "std": (1,) * 3}
    assert find_backbone(net).preprocessing.size == (9, 9)
    assert find_backbone(net, size=(5, 6)).preprocessing.size == (5, 6)


@pytest.mark.parametrize("stated, kind", [(None, "none"), ((224, 224), "tuple")])
def test_module_without_preprocessing_is_refused(stated, kind):
    message = (
        f"TinyNet needs to state its preprocessing, .* Got {kind}; set for example"
    )
    with pytest.raises(ValueError, match=message):
        find_backbone(TinyNet(preprocessing=stated))
