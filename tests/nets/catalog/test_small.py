"""Tests for imgfeat/nets/catalog/_small.py."""

import pytest
import torch
import torchvision

from imgfeat.nets.catalog._small import resnet9, simple_cnn, small_stem


@pytest.mark.parametrize("size", [(4, 4), (8, 8), (28, 28), (32, 48), (100, 70)])
def test_simple_cnn_suits_its_images(size):
    net = simple_cnn(5, image_size=size)
    assert net(torch.rand(2, 3, *size)).shape == (2, 5)


def test_larger_images_get_more_blocks():
    small, large = (simple_cnn(2, image_size=(side, side)) for side in (8, 64))
    assert len(list(large.modules())) > len(list(small.modules()))


@pytest.mark.parametrize("side", [8, 28, 32, 64])
def test_resnet9_takes_images_of_any_size(side):
    assert resnet9(7)(torch.rand(2, 3, side, side)).shape == (2, 7)


def test_whitening_decorrelates_patches():
    generator = torch.Generator().manual_seed(0)
    mixed = torch.rand(3, 3, generator=generator)
    images = torch.einsum(
        "ij,njhw->nihw", mixed, torch.rand(50, 3, 12, 12, generator=generator)
    )
    net = resnet9(2)
    net.whiten(images)
    with torch.no_grad():
        maps = net.whitening(images)[:, :12].transpose(0, 1).flatten(1)
    covariance = torch.cov(maps)
    off_diagonal = covariance - torch.diag(covariance.diagonal())
    assert off_diagonal.abs().max() < 1e-3
    assert 0.05 < covariance.diagonal().min() <= covariance.diagonal().max() < 1.01


def test_whitening_keeps_both_signs_and_trains_only_its_bias():
    net = resnet9(2)
    net.whiten(torch.rand(10, 3, 8, 8))
    weight = net.whitening.weight
    torch.testing.assert_close(weight[:12], -weight[12:])
    assert [name for name, _ in net.whitening.named_parameters()] == ["bias"]


@pytest.mark.parametrize("name, side", [("resnet18", 32), ("vgg11", 32)])
def test_small_stem_keeps_places_for_small_images(name, side):
    net = torchvision.models.get_model(name, weights=None, num_classes=3).eval()
    trunk = torch.nn.Sequential(*list(net.children())[:-2])
    before = trunk(torch.rand(1, 3, side, side)).shape[-1]
    small_stem(net)
    trunk = torch.nn.Sequential(*list(net.children())[:-2])
    assert trunk(torch.rand(1, 3, side, side)).shape[-1] == 4 * before
    assert net(torch.rand(2, 3, side, side)).shape == (2, 3)


def test_small_stem_leaves_other_nets_alone():
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.MaxPool2d(2))
    small_stem(net)
    assert net(torch.rand(1, 3, 8, 8)).shape == (1, 4, 3, 3)
