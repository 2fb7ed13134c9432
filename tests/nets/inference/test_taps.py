"""Tests for imgfeat/nets/inference/_taps.py."""

import threading

import pytest
import torch
from torch import nn

from imgfeat.nets.inference._taps import LayerTaps, find_module


class Net(nn.Module):
    """Its activation runs twice, its head counts its runs, one part never runs."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.body = nn.Sequential(nn.Linear(4, 5), nn.Linear(5, 5))
        self.relu = nn.ReLU()
        self.head = nn.Linear(5, 2)
        self.spare = nn.Linear(2, 2)
        self.n_runs = 0

    def forward(self, x):
        x = self.relu(self.body(self.relu(x)))
        self.n_runs += 1
        return self.head(x), "something else"


@pytest.fixture
def x():
    return torch.randn(3, 4, generator=torch.Generator().manual_seed(1))


def test_outputs_come_in_the_order_of_the_names(x):
    net = Net()
    first = net.body[0](x.clamp(min=0))
    got = LayerTaps(net, ["body", "body.0"])(x)
    torch.testing.assert_close(got, [net.body[1](first), first])


def test_last_output_counts_where_a_module_runs_twice(x):
    net = Net()
    taps = LayerTaps(net, ["relu"])
    for _ in range(2):  # the second run leaves the net early
        (got,) = taps(x)
        torch.testing.assert_close(got, net.body(x.clamp(min=0)).clamp(min=0))


def test_net_is_left_when_all_outputs_are_there(x):
    net = Net()
    taps = LayerTaps(net, ["body"])
    first, second = taps(x), taps(x)
    assert net.n_runs == 1
    torch.testing.assert_close(first, second)


def test_first_of_several_outputs_is_taken(x):
    class Pair(nn.Module):
        def forward(self, x):
            return x + 1, x

    net = nn.Sequential()
    net.add_module("pair", Pair())
    torch.testing.assert_close(LayerTaps(net, ["pair"])(x), [x + 1])


def test_threads_do_not_meet(x):
    taps = LayerTaps(Net(), ["body.0", "relu"])
    inputs = [x + i for i in range(8)]
    expected = [taps(each) for each in inputs]
    got = [None] * len(inputs)

    def run(i):
        for _ in range(20):
            got[i] = taps(inputs[i])

    threads = [threading.Thread(target=run, args=(i,)) for i in range(len(inputs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    torch.testing.assert_close(got, expected)


def test_part_that_never_runs_is_said(x):
    with pytest.raises(ValueError, match=r"'spare' is part of the net but does not"):
        LayerTaps(Net(), ["spare"])(x)


@pytest.mark.parametrize("name", ["body.O", "boddy", ""])
def test_unknown_layer_offers_close_names(name):
    with pytest.raises(ValueError, match=r"no layer .* parts are body, relu, head"):
        find_module(Net(), name)


def test_close_name_is_offered():
    with pytest.raises(ValueError, match=r"Did you mean 'body\.\d' or"):
        find_module(Net(), "body.2")


def test_whole_net_is_no_layer():
    with pytest.raises(ValueError, match="There is no layer ''"):
        find_module(Net(), "")


def test_net_is_traced_by_a_torch_that_has_no_is_exporting(monkeypatch):
    monkeypatch.delattr(torch.compiler, "is_exporting", raising=False)
    net = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2))
    taps = LayerTaps(net, ["0"])
    x = torch.ones(1, 2)
    torch.testing.assert_close(taps(x)[0], net[0](x))
    torch.testing.assert_close(taps(x)[0], net[0](x))  # leaves early now
