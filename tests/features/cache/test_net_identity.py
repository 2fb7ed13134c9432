"""Tests for imgfeat/features/cache/_net_identity.py."""

import pytest
import torch
from torch import nn

from imgfeat.features.cache._identity import Identities


class Inner(nn.Module):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor
        self.register_buffer("shift", torch.zeros(2), persistent=False)

    def forward(self, X):
        return X * self.factor + self.shift


class Other(Inner):
    def forward(self, X):
        return X * self.factor


Other.__name__ = Other.__qualname__ = "Inner"


def make(kind=Inner, factor=2):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 2), kind(factor), nn.Dropout(0.5))


def identity(net):
    return Identities().describe(net, "net")


def _hook(net):
    net[0].register_forward_hook(lambda module, inputs, output: output * 2)


def _patch(net):
    net[1].forward = lambda X: X


def _shift(net):
    net[1].shift += 1


@pytest.mark.parametrize("change", [_hook, _patch, _shift])
def test_a_net_is_known_by_all_that_it_computes_with(change):
    net = make()
    before = identity(net)
    change(net)
    assert identity(net) != before


def test_a_net_is_known_by_the_code_and_attributes_of_its_modules():
    found = [identity(net) for net in (make(), make(Other), make(Inner, 3))]
    assert found[0] == identity(make()) == identity(make().eval())
    assert found[0] != found[1] and found[0] != found[2]
