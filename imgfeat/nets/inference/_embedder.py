"""The module that is run: uint8 images in, vectors out."""

import copy

import torch
from torch import nn

from imgfeat.nets._normalization import normalization
from imgfeat.nets._pooling import pool
from imgfeat.nets._trunk import Trunk, WholeNet
from imgfeat.nets.inference._taps import LayerTaps


class Embedder(nn.Module):
    """From uint8 images, (n, height, width, 3), to vectors, (n, width).

    Normalization is in here, so it runs where the net runs and images travel as bytes.

    Parameters
    ----------
    net : Trunk, WholeNet or Module
        A WholeNet if layers are named. A module of the user's own may give maps,
        tokens or vectors. It is copied, for it shall stay in the mode and on the
        device that it has.
    preprocessing : Preprocessing
    readout : Readout
    """

    def __init__(self, net, preprocessing, readout):
        super().__init__()
        if not isinstance(net, (Trunk, WholeNet)):
            copied = copy.deepcopy(net)
            net = WholeNet(copied) if readout.layers else Trunk(copied)
        self.net = net
        self.readout = readout
        self.image_size = preprocessing.size
        self._taps = None
        if readout.layers:
            self._taps = LayerTaps(net.net, readout.layers)
        scale, shift = normalization(preprocessing.mean, preprocessing.std)
        self.register_buffer("scale", scale, persistent=False)
        self.register_buffer("shift", shift, persistent=False)
        self.eval()
        self.requires_grad_(False)

    def forward(self, images):
        x = images.permute(0, 3, 1, 2).float() * self.scale + self.shift
        pooling = self.readout.pooling
        if self._taps is None:
            return self.net(x, pooling, self.image_size)
        pooling = "avg" if pooling == "auto" else pooling
        size = {"image_size": self.image_size, "n_prefix": self.net.n_prefix}
        return torch.cat([pool(y, pooling, **size) for y in self._taps(x)], dim=1)
