"""Tests for imgfeat/nets/catalog/_efficientnet_lite.py."""

import subprocess
import sys

import pytest
import timm
import torch

from imgfeat.nets.catalog._build import hollow_net
from imgfeat.nets.catalog._efficientnet_lite import EfficientNetLite
from imgfeat.nets.catalog._registry import get_spec

FACTORS = {0: (1.0, 1.0), 1: (1.0, 1.1), 2: (1.1, 1.2)}


def both(number):
    """Our net and timm's, with the same random weights."""
    ours = EfficientNetLite(*FACTORS[number])
    theirs = timm.create_model(f"tf_efficientnet_lite{number}")
    ours.load_state_dict(theirs.state_dict())  # refuses other names and shapes
    return ours, theirs


@pytest.mark.parametrize("number", FACTORS)
def test_parameters_are_in_the_order_of_timm(number):
    ours, theirs = (net.state_dict() for net in both(number))
    assert list(ours) == list(theirs)


def test_random_weights_are_as_large_as_those_of_timm():
    ours, theirs = (
        make().state_dict()
        for make in (
            EfficientNetLite,
            lambda: timm.create_model("tf_efficientnet_lite0"),
        )
    )
    for name, tensor in theirs.items():
        if tensor.ndim > 1:
            ratio = ours[name].std() / tensor.std()
            assert 0.5 < ratio < 2, name  # some are of 300 numbers
        else:
            assert torch.equal(ours[name], tensor), name


def test_net_that_is_to_be_given_weights_draws_none(monkeypatch):
    def refuse(*args):
        raise AssertionError("numbers were drawn")

    monkeypatch.setattr("torch.nn.init.normal_", refuse)
    net = hollow_net(get_spec("efficientnet_lite0"))
    assert all(parameter.is_meta for parameter in net.parameters())
    with pytest.raises(AssertionError, match="numbers were drawn"):
        EfficientNetLite()


def test_inner_layers_have_the_names_of_timm():
    ours, theirs = (dict(net.named_modules()) for net in both(0))
    assert set(ours) <= set(theirs)
    # The others do nothing in these nets.
    left_out = {type(theirs[name]) for name in set(theirs) - set(ours)}
    assert left_out == {torch.nn.Identity}


@pytest.mark.parametrize("is_trained", [False, True])
def test_outputs_are_those_of_timm(is_trained):
    # Sides that are odd and even, so that what is padded is not the same on all.
    images = torch.rand(3, 3, 75, 64, generator=torch.Generator().manual_seed(0))
    ours, theirs = (net.train(is_trained)(images) for net in both(0))
    torch.testing.assert_close(ours, theirs, rtol=0, atol=0)


def test_without_its_head_it_gives_the_maps_of_timm():
    ours, theirs = both(0)
    theirs.reset_classifier(0, "")
    images = torch.rand(1, 3, 64, 96)
    maps = ours.eval().cut_head()(images)
    assert maps.shape == (1, 1280, 2, 3)
    torch.testing.assert_close(maps, theirs.eval()(images), rtol=0, atol=0)


def test_the_default_net_runs_in_torch_without_timm():
    code = (
        "import sys, numpy as np; from imgfeat.features import CNNEmbedding;"
        "images = np.zeros((1, 8, 8, 3), dtype=np.uint8);"
        "CNNEmbedding(engine='torch', n_jobs=1).fit_transform(images);"
        "print({'timm', 'torchvision'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
