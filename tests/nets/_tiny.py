"""A net so small that tests can run it by the hundred."""

import pytest
import torch
from torch import nn

from imgfeat.nets import Preprocessing

TINY = Preprocessing(
    (12, 12), mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.4), crop=1.0, interpolation="box"
)

ENGINES = [
    "torch",
    pytest.param("onnx", marks=pytest.mark.onnx),
    pytest.param("openvino", marks=pytest.mark.openvino),
]


class TinyNet(nn.Module):
    """Five feature maps. Its BatchNorm and dropout would show a forgotten eval()."""

    def __init__(self, preprocessing=TINY, seed=0):
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.conv = nn.Conv2d(3, 5, 3)
        self.norm = nn.BatchNorm2d(5)
        self.drop = nn.Dropout(0.5)
        if preprocessing is not None:
            self.preprocessing = preprocessing

    def forward(self, x):
        return self.drop(self.norm(self.conv(x)))
