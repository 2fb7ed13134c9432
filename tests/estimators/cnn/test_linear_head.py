"""Tests for imgfeat/estimators/cnn/_linear_head.py."""

import numpy as np
import pytest
import torch

from imgfeat.estimators.cnn._linear_head import fit_head


class Net:
    """Only a head."""

    def __init__(self):
        self.head = torch.nn.Linear(5, 3)


def slopes(X, y, weights=None):
    net = Net()
    fit_head(net, X, y, weights)
    return net.head.weight.detach().numpy()


@pytest.mark.parametrize("seed", range(3))
def test_weight_of_two_is_the_image_twice_and_of_none_its_absence(seed):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(60, 5)).astype(np.float32)
    y = np.arange(60) % 3
    weights = rng.integers(0, 3, 60)
    expected = slopes(X.repeat(weights, axis=0), y.repeat(weights))
    found = slopes(X, y, weights.astype(float))
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)
