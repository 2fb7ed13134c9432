"""The module that is run: uint8 images in, vectors out."""

import copy

import torch
from torch import nn

_POOLING = {
    "avg": lambda maps: maps.mean(dim=(2, 3), keepdim=True),
    "max": lambda maps: maps.amax(dim=(2, 3), keepdim=True),
}
POOLINGS = tuple(_POOLING)


class Trunk(nn.Module):
    """A net without its head.

    Parameters
    ----------
    maps : Module
        From normalized pixels, (n, 3, height, width), to feature maps.
    after : Module
        What the net does between pooling these maps and its classifier.
    """

    def __init__(self, maps, after):
        super().__init__()
        self.maps = maps
        self.after = after


class Embedder(nn.Module):
    """From uint8 images, (n, height, width, 3), to vectors, (n, width).

    Normalization is in here, so it runs where the net runs and images travel as bytes.

    Parameters
    ----------
    net : Trunk or Module
        A module of the user's own may also give vectors. It is copied, for it shall
        stay in the mode and on the device that it has.
    preprocessing : Preprocessing
    pooling : {"avg", "max"}
    """

    def __init__(self, net, preprocessing, pooling):
        super().__init__()
        if isinstance(net, Trunk):
            self.maps, self.after = net.maps, net.after
        else:
            self.maps, self.after = copy.deepcopy(net), nn.Identity()
        self.pooling = pooling
        # (x / 255 - mean) / std in one product and one sum
        mean, std = (
            torch.tensor(values, dtype=torch.float64).reshape(1, 3, 1, 1)
            for values in (preprocessing.mean, preprocessing.std)
        )
        self.register_buffer("scale", (1 / (255 * std)).float(), persistent=False)
        self.register_buffer("shift", (-mean / std).float(), persistent=False)
        self.eval()
        self.requires_grad_(False)

    def forward(self, images):
        x = images.permute(0, 3, 1, 2).float() * self.scale + self.shift
        x = self.maps(x)
        if not isinstance(x, torch.Tensor) or x.ndim not in (2, 4):
            shape = tuple(x.shape) if hasattr(x, "shape") else type(x).__name__
            raise ValueError(
                "A backbone must return feature maps (n, channels, height, width) or "
                f"vectors (n, width). Got {shape}; wrap the module in one that does."
            )
        if x.ndim == 4:
            x = self.after(_POOLING[self.pooling](x))
        return x.flatten(1)
