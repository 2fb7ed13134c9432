"""Tests for imgfeat/nets/catalog/_timm.py."""

import pytest
import timm
import torch

from imgfeat.nets import find_backbone
from imgfeat.nets._pooling import Readout
from imgfeat.nets.catalog._build import (
    embedding_width,
    empty_net,
    random_net,
    shared_width,
)
from imgfeat.nets.catalog._registry import get_spec
from imgfeat.nets.inference._embedder import Embedder
from tests.nets._filled import filled_net
from tests.nets._versions import in_timm

# Which tokens they have, and how timm makes a vector of them.
SMALL = {
    "timm/test_resnet": "average",
    "timm/test_convnext": "average, then a norm",
    "timm/mobilenetv3_small_050": "average, then a layer",
    "timm/swin_tiny_patch4_window7_224": "average of maps with channels last",
    "timm/test_vit": "class token",
    "timm/test_vit2": "average of the patches, then a norm",
    "timm/test_vit3": "attention",
    "timm/test_vit_relpos": "average, no class token",
}


@pytest.fixture(autouse=True)
def one_thread():
    """Nets this small only wait for a second one."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def embed(net, preprocessing, images, pooling):
    with torch.inference_mode():
        return Embedder(net, preprocessing, Readout(pooling))(images)


def batch(size):
    generator = torch.Generator().manual_seed(0)
    shape = 1, *size, 3
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)


@pytest.mark.parametrize("name", [in_timm(name) for name in SMALL])
def test_auto_pooling_is_what_timm_gives_without_classes(name):
    spec = get_spec(name)
    stated, images = spec.preprocessing, batch(spec.preprocessing.size)
    net = filled_net(spec)
    x = images.permute(0, 3, 1, 2) / 255
    mean, std = torch.tensor(stated.mean), torch.tensor(stated.std)
    x = (x - mean.view(3, 1, 1)) / std.view(3, 1, 1)
    with torch.inference_mode():
        expected = net.forward_head(net.forward_features(x), pre_logits=True)
    got = embed(spec.cut(net), stated, images, "auto")
    assert got.std() > 0
    assert got.shape[1] == embedding_width(name)
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["test_convnext", "test_vit2", "test_vit3"])
def test_auto_pooling_is_the_forward_pass_of_a_net_made_without_classes(name):
    spec = get_spec(f"timm/{name}")
    net, x = filled_net(spec), torch.linspace(-1, 1, 3 * 160**2).view(1, 3, 160, 160)
    headless = timm.create_model(name, num_classes=0).eval()
    headless.load_state_dict({k: net.state_dict()[k] for k in headless.state_dict()})
    with torch.inference_mode():
        got = spec.cut(net)(x, "auto", (160, 160))
        torch.testing.assert_close(got, headless(x))


def test_tokens_are_pooled_by_name():
    spec = get_spec("timm/test_vit")
    net, images = random_net(spec), batch((160, 160))
    trunk = spec.cut(net)
    assert trunk.n_prefix == 1
    got = {
        pooling: embed(trunk, spec.preprocessing, images, pooling)
        for pooling in ("auto", "cls", "avg", None)
    }
    torch.testing.assert_close(got["auto"], got["cls"])
    width = got["cls"].shape[1]
    tokens = got[None].reshape(width, -1)
    torch.testing.assert_close(got["cls"][0], tokens[:, 0])
    torch.testing.assert_close(got["avg"][0], tokens[:, 1:].mean(dim=1))


def test_preprocessing_is_that_of_the_tag():
    default, other = get_spec("timm/resnet18"), get_spec("timm/resnet18.a3_in1k")
    assert (default.tag, other.tag) == ("a1_in1k", "a3_in1k")
    assert default.preprocessing.size == (224, 224)
    assert default.preprocessing.crop == 0.95
    assert other.preprocessing.size == (160, 160)
    assert get_spec("timm/resnet18", "A3_in1k").preprocessing == other.preprocessing
    assert not default.fixed_size
    assert get_spec("timm/vit_tiny_patch16_224").fixed_size


def test_size_below_the_least_that_a_net_takes_is_refused():
    name = "timm/lambda_resnet26t"  # states 128
    find_backbone(name, None, size=128)
    with pytest.raises(ValueError, match=r"size=\(128, 128\) or more.*=\(96, 96\)"):
        find_backbone(name, None, size=96)


def test_every_net_has_a_spec():
    for name in timm.list_models() + timm.list_pretrained():
        spec = get_spec(f"timm/{name}")
        assert 0 < spec.preprocessing.crop < 1.2
        assert (spec.file is None) == (spec.tag == "none")


def test_width_is_only_known_where_all_poolings_agree():
    assert shared_width("timm/test_vit") == embedding_width("timm/test_vit") == 64
    assert embedding_width("timm/mobilenetv3_small_050") == 1024
    assert shared_width("timm/mobilenetv3_small_050") is None
    # Its last outputs are two sets of tokens.
    assert shared_width("timm/crossvit_tiny_240") is None


def test_two_different_tags_are_refused():
    with pytest.raises(ValueError, match=r"ask for different weights; leave the tag"):
        find_backbone("timm/resnet18.a1_in1k", "a3_in1k")


def test_another_size_is_refused_where_positions_cannot_be_interpolated():
    message = r"takes images of size=\(160, 160\) only.* Got size=\(96, 96\)"
    with pytest.raises(ValueError, match=message):
        find_backbone("timm/test_vit_relpos", None, size=96)
    smaller = find_backbone("timm/test_resnet", None, size=96)
    assert smaller.preprocessing.size == (96, 96)


def test_whole_nets_know_their_tokens():
    net = find_backbone("timm/test_vit", None, whole=True).load()
    assert net.n_prefix == 1


def test_a_file_of_timms_own_names_is_loaded(tmp_path):
    net = random_net(get_spec("timm/test_vit"))
    path = tmp_path / "net.pth"
    torch.save(net.state_dict(), path)
    loaded = find_backbone("timm/test_vit", path).load()
    assert torch.equal(loaded.maps.net.cls_token, net.cls_token)


def test_a_file_of_other_names_is_loaded_as_timm_does(tmp_path):
    # Some authors' files hold the patches' weights as those of a linear layer.
    net = random_net(get_spec("timm/test_vit"))
    state = dict(net.state_dict())
    patches = state["patch_embed.proj.weight"]
    state["patch_embed.proj.weight"] = patches.flatten(1)
    torch.save(state, tmp_path / "net.pth")
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    loaded = find_backbone("timm/test_vit", tmp_path / "net.pth").load()
    assert torch.rand(1) == expected
    assert not loaded.training
    assert torch.equal(loaded.maps.net.patch_embed.proj.weight, patches)


def test_weights_of_another_net_are_named(tmp_path):
    torch.save(random_net(get_spec("timm/test_resnet")).state_dict(), tmp_path / "x.pt")
    with pytest.raises(ValueError, match=r"x\.pt holds the weights of another net; "):
        find_backbone("timm/test_vit", tmp_path / "x.pt").load()


def test_a_net_without_weights_says_so():
    with pytest.raises(FileNotFoundError, match="test_vit4 has no pretrained weights"):
        find_backbone("timm/test_vit4")


def test_buffers_that_no_file_holds_are_real():
    # timm puts the masks of shifted windows where the parameters are.
    spec = get_spec("timm/swin_tiny_patch4_window7_224")
    net = empty_net(spec)
    assert set(dict(net.named_buffers())) - set(net.state_dict())
    assert not any(buffer.is_meta for buffer in net.buffers())
