"""Tests for imgfeat/estimators/cnn/_head.py: nets that are trained."""

import pytest
import torch
from torch import nn

from imgfeat.estimators.cnn._head import (
    TrainableNet,
    choose_trainable,
    parameter_groups,
    suit_norms,
    with_new_head,
)
from imgfeat.nets import Preprocessing

SEEN = Preprocessing((8, 8), (0.5, 0.4, 0.3), (0.25, 0.2, 0.1), crop=1.0)


class Body(nn.Module):
    """Three convolutions and a norm."""

    def __init__(self):
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.early = nn.Conv2d(3, 4, 3)
            self.middle = nn.Conv2d(4, 4, 3)
            self.late = nn.Conv2d(4, 5, 1)
        self.norm = nn.BatchNorm2d(5)

    def forward(self, x):
        return self.norm(self.late(self.middle(self.early(x)).relu()))


@pytest.fixture
def images():
    generator = torch.Generator().manual_seed(0)
    return torch.randint(256, (4, 3, 8, 8), generator=generator, dtype=torch.uint8)


@pytest.fixture
def net():
    return with_new_head(Body(), 3, SEEN, dropout=0.4)


def groups_by_name(net, **options):
    options = {"lr": 1.0, "body_factor": 0.1, "weight_decay": 0.01} | options
    names = {id(p): name for name, p in net.named_parameters()}
    return {
        names[id(p)]: (round(group["factor"], 6), group["weight_decay"])
        for group in parameter_groups(net, **{"in_stages": False} | options)
        for p in group["params"]
    }


# The net


def test_pixels_are_normalized_and_pooled_into_the_head(net, images):
    net.eval()
    mean, std = (torch.tensor(v).reshape(3, 1, 1) for v in (SEEN.mean, SEEN.std))
    maps = net.body.maps((images / 255 - mean) / std)
    torch.testing.assert_close(net.features(images), maps.mean(dim=(2, 3)))
    torch.testing.assert_close(net(images), net.head(net.features(images)))


def test_features_go_straight_into_the_head(net, images):
    net.eval()
    torch.testing.assert_close(net(net.features(images)), net(images))


def test_net_without_a_head_is_its_body(images):
    body = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 2))
    net = TrainableNet(body, None, mean=SEEN.mean, std=SEEN.std, image_size=(8, 8))
    assert torch.equal(net(images), body(net.normalize(images)))


def test_new_head_prefers_no_class(net, images):
    assert net.head.out_features == 3
    assert not net.head.weight.any()
    assert torch.equal(net(images), torch.zeros(4, 3))
    assert net.dropout.p == 0.4


def test_module_of_the_users_own_is_copied():
    own = Body()
    net = with_new_head(own, 3, SEEN, dropout=0.0)
    net.body.maps.early.weight.data.zero_()
    assert own.early.weight.any()
    assert own.training


@pytest.mark.parametrize("is_folded", [True, False])
def test_folded_norms_compute_the_same(images, is_folded):
    own = Body()
    own.norm.running_mean += 0.3
    own.norm.running_var *= 2
    net = with_new_head(own, 3, SEEN, dropout=0.0, is_folded=is_folded).eval()
    assert ("forward" in vars(net.body.maps.norm)) == is_folded
    expected = own.eval()(net.normalize(images)).mean(dim=(2, 3))
    torch.testing.assert_close(net.features(images), expected)


# What learns


def test_kept_statistics_do_not_move_in_training(net):
    choose_trainable(net, "all")
    net.train()
    assert net.training
    assert net.body.maps.early.training
    assert not net.body.maps.norm.training


def test_statistics_of_a_new_net_move(images):
    net = with_new_head(Body(), 3, SEEN, dropout=0.0, is_pretrained=False)
    choose_trainable(net, "all")
    net.train()(images)
    assert net.body.maps.norm.running_mean.any()


def test_what_is_frozen_runs_as_in_prediction(net):
    choose_trainable(net, ["late.*"])
    net.train()
    assert net.body.maps.late.training
    assert not net.body.maps.early.training


@pytest.mark.parametrize(
    "trainable, learning",
    [
        ("head", set()),
        ("all", {"early", "middle", "late", "norm"}),
        ("staged", {"early", "middle", "late", "norm"}),
        (["m*", "late.*"], {"middle", "late"}),
    ],
)
def test_what_learns_is_chosen(net, trainable, learning):
    choose_trainable(net, trainable)
    parts = {
        name.split(".")[2]
        for name, parameter in net.body.named_parameters(prefix="body")
        if parameter.requires_grad
    }
    assert parts == learning
    assert all(parameter.requires_grad for parameter in net.head.parameters())


def test_net_without_a_head_learns_whole():
    net = TrainableNet(Body(), None, mean=SEEN.mean, std=SEEN.std, image_size=(8, 8))
    choose_trainable(net, "head")
    assert all(parameter.requires_grad for parameter in net.parameters())


def test_pattern_that_matches_nothing_names_the_parts(net):
    with pytest.raises(ValueError, match=r"'x\.\*' matches no.*early, middle, late, n"):
        choose_trainable(net, ["late.*", "x.*"])


@pytest.mark.parametrize("n_steps, momentum", [(5, 0.5), (20, 0.25), (500, 0.1)])
def test_norms_keep_up_with_short_trainings(n_steps, momentum):
    net = with_new_head(Body(), 3, SEEN, dropout=0.0, is_pretrained=False)
    suit_norms(net, n_steps)
    assert net.body.maps.norm.momentum == momentum


def test_norms_that_are_kept_are_left_alone(net):
    suit_norms(net, 5)
    assert net.body.maps.norm.momentum == 0.1


# Rates and decay


def test_body_learns_slower_and_only_weights_decay(net):
    choose_trainable(net, "all")
    groups = groups_by_name(net)
    assert groups["head.weight"] == (1.0, 0.01)
    assert groups["head.bias"] == (1.0, 0.0)
    assert groups["body.maps.early.weight"] == (0.1, 0.01)
    assert groups["body.maps.early.bias"] == groups["body.maps.norm.weight"]
    assert groups["body.maps.norm.weight"] == (0.1, 0.0)


def test_early_layers_learn_slowest_in_stages(net):
    choose_trainable(net, "staged")
    groups = groups_by_name(net, in_stages=True, body_factor=1.0)
    rates = [groups[f"body.maps.{n}.weight"][0] for n in ("early", "late", "norm")]
    assert rates == [0.1, 0.3, 1.0]
    assert groups["head.weight"][0] == 1.0


def test_frozen_parameters_are_in_no_group(net):
    choose_trainable(net, ["late.*"])
    assert set(groups_by_name(net)) == {
        "body.maps.late.weight",
        "body.maps.late.bias",
        "head.weight",
        "head.bias",
    }


def test_rates_are_shares_of_the_highest(net):
    choose_trainable(net, "all")
    options = {"body_factor": 0.1, "weight_decay": 0.0, "in_stages": False}
    for group in parameter_groups(net, lr=0.02, **options):
        assert group["lr"] == 0.02 * group["factor"]
