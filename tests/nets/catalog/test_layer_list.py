"""Tests for imgfeat/nets/catalog/_layer_list.py."""

import pytest
import torch
from torch import nn

from imgfeat.nets import list_layers
from tests.nets._tiny import TinyNet


def test_lists_modules_with_shapes_and_parameters():
    layers = list_layers("resnet18").set_index("name")
    assert layers.loc["layer3", "shape"] == (256, 14, 14)
    assert layers.loc["layer3.0.conv1", "type"] == "Conv2d"
    assert layers.loc["layer3.0.conv1", "parameters"] == 128 * 256 * 9
    assert layers.loc["fc", "shape"] == (1000,)
    assert layers.index[0] == "conv1"


def test_tokens_are_seen_in_vision_transformers():
    layers = list_layers("timm/test_vit").set_index("name")
    assert layers.loc["blocks.0", "shape"] == (101, 64)


def test_own_modules_are_listed_and_left_alone():
    net = TinyNet()
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    layers = list_layers(net).set_index("name")
    assert layers.loc["conv", "shape"] == (5, 10, 10)
    assert net.training
    assert not net.conv._forward_hooks
    assert all(torch.equal(before[name], x) for name, x in net.state_dict().items())


def test_layers_that_never_run_have_no_shape():
    net = TinyNet()
    net.spare = nn.Linear(2, 3)
    spare = list_layers(net).set_index("name").loc["spare"]
    assert spare["shape"] is None
    assert spare["parameters"] == 9


def test_nets_that_look_at_numbers_are_run_with_theirs():
    class Looks(TinyNet):
        def forward(self, x):
            return self.norm(self.conv(x)) if x.sum().item() == 0 else x

    assert list_layers(Looks())["shape"].tolist()[:2] == [(5, 10, 10), (5, 10, 10)]


def test_misspelt_name_gets_a_suggestion():
    with pytest.raises(ValueError, match="Did you mean 'resnet18'"):
        list_layers("resnet_18")
