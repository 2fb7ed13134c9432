"""Tests for imgfeat/nets/_normalization.py."""

import numpy as np
import torch
from numpy.testing import assert_allclose

from imgfeat.estimators.cnn._head import TrainableNet
from imgfeat.nets import Preprocessing
from imgfeat.nets._normalization import normalization
from imgfeat.nets._pooling import Readout
from imgfeat.nets.inference._embedder import Embedder

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def test_is_the_definition_in_one_product_and_one_sum():
    pixels = np.random.default_rng(0).integers(0, 256, (2, 3, 5, 4)).astype(np.uint8)
    scale, shift = normalization(MEAN, STD)
    mean, std = (np.reshape(values, (3, 1, 1)) for values in (MEAN, STD))
    got = torch.from_numpy(pixels).float() * scale + shift
    assert_allclose(got, (pixels / 255 - mean) / std, atol=1e-6)


def test_is_rounded_once():
    scale, shift = normalization(MEAN, STD)
    assert scale.dtype == shift.dtype == torch.float32
    assert scale.flatten().tolist() == [np.float32(1 / (255 * s)) for s in STD]


def test_nets_that_are_trained_and_that_embed_see_the_same():
    stated = Preprocessing((8, 8), MEAN, STD)
    trained = TrainableNet(
        torch.nn.Identity(), None, mean=MEAN, std=STD, image_size=(8, 8)
    )
    embeds = Embedder(torch.nn.Identity(), stated, Readout())
    assert torch.equal(trained.scale, embeds.scale)
    assert torch.equal(trained.shift, embeds.shift)
    # Saved classifiers hold these two by name.
    assert {"scale", "shift"} == trained.state_dict().keys()
