"""Images in which it is known where the class is, and nets that find it."""

import numpy as np
import torch
from torch import nn

from imgfeat.nets import Preprocessing

SEEN = Preprocessing(
    (24, 24), mean=(0.5,) * 3, std=(0.5,) * 3, crop=1.0, interpolation="box"
)


def scenes(n, shape=(24, 24), seed=0):
    """Noise with a patch, red for class 0 and blue for class 1; and its corner.

    The patch is a quarter of each side.
    """
    rng = np.random.default_rng(seed)
    images = rng.integers(90, 130, (n, *shape, 3), dtype=np.uint8)
    y = np.arange(n) % 2
    side = np.array(shape) // 4
    corners = rng.integers(0, np.array(shape) - side + 1, (n, 2))
    for image, label, (row, col) in zip(images, y, corners, strict=True):
        image[row : row + side[0], col : col + side[1], 2 * label] = 250
    return images, np.array(["red", "blue"])[y], corners


def share_inside(found, corner):
    """How much of what speaks for the class lies in the patch, a pixel around it."""
    side = np.array(found.shape) // 4
    row, col = np.maximum(np.array(corner) - 1, 0)
    good = np.clip(found, 0, None)
    inside = good[row : row + side[0] + 2, col : col + side[1] + 2]
    return inside.sum() / good.sum()


class ColorNet(nn.Module):
    """Maps of 12 x 12 places: how red and how blue they are, and some noise."""

    preprocessing = SEEN

    def __init__(self, seed=None):
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 2, stride=2)
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(0 if seed is None else seed)
            nn.init.normal_(self.conv.weight, std=0.05)
            nn.init.zeros_(self.conv.bias)
            if seed is None:
                for channel in (0, 2):
                    self.conv.weight[channel, channel] += 1

    def forward(self, x):
        return torch.relu(self.conv(x))


class Tokens(nn.Module):
    """A small vision transformer without training: 3 x 4 patches, one class token."""

    preprocessing = Preprocessing((12, 16), mean=(0.5,) * 3, std=(0.5,) * 3, crop=1.0)

    def __init__(self):
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.patches = nn.Conv2d(3, 8, 4, stride=4)
            self.token = nn.Parameter(torch.randn(1, 1, 8))
            self.blocks = nn.ModuleList(_Block() for _ in range(2))

    def forward(self, x):
        patches = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(len(x), -1, -1), patches], dim=1)
        for block in self.blocks:
            x = block(x)
        return x[:, 0]


class _Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(8), nn.LayerNorm(8)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(8, 16), nn.GELU(), nn.Linear(16, 8))

    def forward(self, x):
        y = self.norm1(x)
        x = x + self.attention(y, y, y)[0]
        return x + self.mlp(self.norm2(x))
