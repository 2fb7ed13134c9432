"""Tests for imgfeat/estimators/cnn/_fold.py."""

import copy

import pytest
import timm
import torch
import torchvision
from torch import nn

from imgfeat.estimators.cnn._fold import fold_norms
from imgfeat.nets.catalog._efficientnet_lite import EfficientNetLite


def with_statistics(net):
    """A net in eval mode and double precision whose norms have something to do."""
    generator = torch.Generator().manual_seed(0)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.running_mean, module.bias, module.weight):
                noise = torch.randn(tensor.shape, generator=generator)
                tensor.data.add_(0.1 * noise)
            module.running_var.uniform_(0.5, 2, generator=generator)
    return net.double().eval()


def run_and_differentiate(net, x):
    net.zero_grad()
    value = net(x)
    value.square().sum().backward()
    return value.detach(), [p.grad for p in net.parameters()]


NETS = {
    "resnet18": (lambda: torchvision.models.resnet18(num_classes=3), 20),
    "efficientnet": (
        lambda: timm.create_model("tf_efficientnet_lite0", num_classes=3),
        49,
    ),
    "efficientnet_lite": (EfficientNetLite, 49),
    # Its norms come before its convolutions, but for one; some see joined maps.
    "densenet": (
        lambda: torchvision.models.densenet121(num_classes=3),
        59,
    ),
}


@pytest.mark.parametrize("name", NETS)
def test_folded_net_gives_the_same_values_and_gradients(name):
    make, n_expected = NETS[name]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = with_statistics(make())
        x = torch.rand(2, 3, 64, 64, dtype=torch.float64)
    names = list(net.state_dict())
    value, gradients = run_and_differentiate(net, x)
    assert fold_norms(net, lambda: net(x[:1])) == n_expected
    folded_value, folded_gradients = run_and_differentiate(net, x)
    torch.testing.assert_close(folded_value, value)
    for got, expected in zip(folded_gradients, gradients, strict=True):
        torch.testing.assert_close(got, expected, rtol=1e-6, atol=1e-9)
    assert list(net.state_dict()) == names


class TwoReaders(nn.Module):
    """What its convolution gives goes to a norm and past it."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(4)

    def forward(self, x):
        x = self.conv(x)
        return x + self.norm(x)


class Twice(TwoReaders):
    """One norm behind two convolutions."""

    def forward(self, x):
        return self.norm(self.conv(x)) + self.norm(self.conv(x.flip(3)))


class InBetween(TwoReaders):
    """The maps change before the norm sees them."""

    def forward(self, x):
        return self.norm(self.conv(x).relu_())


@pytest.mark.parametrize("kind", [TwoReaders, Twice, InBetween])
def test_norm_that_others_depend_on_stays(kind):
    net = with_statistics(kind())
    x = torch.rand(2, 3, 8, 8, dtype=torch.float64)
    before = net(x)
    assert fold_norms(net, lambda: net(x)) == 0
    torch.testing.assert_close(net(x), before)


def test_norm_without_parameters_is_folded_into_a_convolution_with_bias():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, affine=False))
    net[1].running_mean.uniform_()
    net = net.eval()
    x = torch.rand(2, 3, 8, 8)
    before = net(x)
    assert fold_norms(net, lambda: net(x)) == 1
    torch.testing.assert_close(net(x), before)


def test_copy_of_a_folded_net_has_its_own_weights():
    net = with_statistics(nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)))
    x = torch.rand(1, 3, 8, 8, dtype=torch.float64)
    fold_norms(net, lambda: net(x))
    copied, before = copy.deepcopy(net), net(x)
    with torch.no_grad():
        copied[0].weight.zero_()
    torch.testing.assert_close(net(x), before)
    assert not torch.allclose(copied(x), before)
