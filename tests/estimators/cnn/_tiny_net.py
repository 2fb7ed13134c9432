"""Nets that train in no time, and what they learn."""

import numpy as np
import torch
from sklearn.datasets import load_digits

from imgfeat.estimators import CNNClassifier
from imgfeat.nets import Preprocessing


class TinyNet(torch.nn.Module):
    """A net of the user's own: four feature maps of images of 8 pixels."""

    def __init__(self):
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.first = torch.nn.Conv2d(3, 4, 3)
            self.second = torch.nn.Conv2d(4, 4, 3)
        self.norm = torch.nn.BatchNorm2d(4)
        self.preprocessing = Preprocessing((8, 8), (0.5,) * 3, (0.25,) * 3, crop=1.0)

    def forward(self, x):
        return self.norm(self.second(self.first(x).relu()))


def tiny(backbone="simple_cnn", **options):
    """A classifier of three epochs, the same every time."""
    defaults = {"max_epochs": 3, "random_state": 0, "n_jobs": 1}
    return CNNClassifier(backbone, **(defaults | options))


def few_digits():
    """300 digits of 8 x 8 pixels, and their names."""
    data = load_digits()
    names = np.array(["zero", "one", "two", "three", "four"])
    few = np.flatnonzero(data.target < 5)[:300]
    return (data.images[few] * 15.9).astype(np.uint8), names[data.target[few]]


def tensors(cnn):
    """Those of a classifier's net, by name."""
    return {n: t.clone() for n, t in cnn.net_.module_.state_dict().items()}


def assert_same_tensors(got, expected):
    assert got.keys() == expected.keys()
    for name in got:
        assert torch.equal(got[name], expected[name]), name
