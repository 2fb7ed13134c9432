"""A net without its head, and one with it for its inner layers."""

from torch import nn

from imgfeat.nets._pooling import pool


class Trunk(nn.Module):
    """A net without its head.

    Parameters
    ----------
    maps : Module
        From normalized pixels, (n, 3, height, width), to feature maps or tokens.
    after : Module, optional
        What the net does between pooling these, to (n, width, 1, 1), and its
        classifier.
    pooling : {"avg", "cls"}, default="avg"
        The net's own.
    n_prefix : int, default=0
        Tokens in front that stand for no place, the first being the class token.
    """

    def __init__(self, maps, after=None, *, pooling="avg", n_prefix=0):
        super().__init__()
        self.maps = maps
        self.after = nn.Identity() if after is None else after
        self.pooling = pooling
        self.n_prefix = n_prefix

    def forward(self, x, pooling, image_size):
        """Embed normalized pixels; a net with a way of its own overrides this."""
        pooling = self.pooling if pooling == "auto" else pooling
        maps = self.maps(x)
        x = pool(maps, pooling, image_size=image_size, n_prefix=self.n_prefix)
        if pooling is None or maps.ndim == 2:
            return x
        return self.after(x[..., None, None]).flatten(1)


class WholeNet(nn.Module):
    """A net with its head, for its inner layers.

    Parameters
    ----------
    net : Module
    n_prefix : int, default=0
        As in `Trunk`.
    """

    def __init__(self, net, *, n_prefix=0):
        super().__init__()
        self.net = net
        self.n_prefix = n_prefix
