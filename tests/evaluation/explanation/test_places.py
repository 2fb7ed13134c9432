"""Tests for imgfeat/evaluation/explanation/_places.py."""

import pytest
import torch
from torch import nn

from imgfeat.evaluation.explanation._places import (
    Places,
    PlaceTap,
    find_last_places,
)
from tests.evaluation.explanation._scenes import Tokens

IMAGE = torch.rand(1, 3, 12, 16, generator=torch.Generator().manual_seed(0))


def conv_net(*behind):
    torch.manual_seed(0)
    maps = nn.Sequential(nn.Conv2d(3, 5, 2, stride=2), nn.ReLU(inplace=True))
    return nn.Sequential(maps, *behind, nn.Flatten())


def test_the_last_maps_of_a_net_are_found_with_what_follows_them():
    net = conv_net(nn.AdaptiveAvgPool2d(1))
    assert find_last_places(net, IMAGE, (12, 16)) == Places(
        "0", (6, 8), "maps", is_exact=True, width=5
    )


@pytest.mark.parametrize(
    ("behind", "is_exact"),
    [
        ([nn.AdaptiveMaxPool2d(1)], True),
        ([nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, 4)], True),
        ([nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.LayerNorm(5)], False),
        ([nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, 4), nn.Sigmoid()], False),
    ],
    ids=["max", "linear", "norm", "sigmoid"],
)
def test_only_what_adds_up_is_exact(behind, is_exact):
    places = find_last_places(conv_net(*behind), IMAGE, (12, 16))
    assert (places.grid, places.is_exact) == ((6, 8), is_exact)


def test_of_a_transformer_it_is_what_the_last_attention_is_given():
    net = Tokens()
    places = find_last_places(net, IMAGE, (12, 16), n_prefix=1)
    assert places == Places("blocks.1.norm1", (3, 4), "tokens", n_prefix=1, width=8)

    outputs = {}
    for name in ("blocks.0", "blocks.1.norm1", "blocks.1"):
        net.get_submodule(name).register_forward_hook(
            lambda module, args, output, name=name: outputs.update({name: output})
        )
    score = net(IMAGE).sum()
    slopes = torch.autograd.grad(score, list(outputs.values()))
    of_places = [tokens[0, 1:].abs().amax(dim=1) for tokens in slopes]
    assert (of_places[0] > 0).all()
    assert (of_places[1] > 0).all()
    assert not of_places[2].any()  # only the class token counts behind the last block


def test_a_net_without_places_has_none():
    net = nn.Sequential(nn.Flatten(), nn.Linear(3 * 12 * 16, 4))
    assert find_last_places(net, IMAGE, (12, 16)) is None


def test_slopes_times_output_are_given_back_place_by_place():
    net = conv_net(nn.AdaptiveAvgPool2d(1))
    maps = net[0](IMAGE).detach()
    tap = PlaceTap(net, find_last_places(net, IMAGE, (12, 16)))
    vectors, output = tap(IMAGE)
    slopes = torch.arange(5.0)[None]
    found = tap.maps(vectors, output, slopes, is_averaged=False)
    expected = (maps * torch.arange(5.0).reshape(1, 5, 1, 1)).sum(1) / 48
    torch.testing.assert_close(torch.from_numpy(found).float(), expected)
