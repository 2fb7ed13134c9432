"""Where in a net places of the image are last told apart."""

import threading
from dataclasses import dataclass, replace
from math import isqrt

import torch

from imgfeat.nets._pooling import _is_like, is_channels_last

# Largest error, of the whole, of a sum over places that counts as exact.
_EXACT = 1e-3
# By which places are multiplied to see whether a net adds them up.
_FACTORS = 1, 1000


@dataclass(frozen=True)
class Places:
    """A module of a net whose output has a vector for each place of the image.

    Parameters
    ----------
    name : str
        Dotted name of the module.
    grid : tuple of (int, int)
        Places down and across.
    kind : {"maps", "channels last", "tokens"}
    n_prefix : int
        Tokens in front that stand for no place.
    is_exact : bool
        Whether slopes times output, summed over the places, are all that the net's
        vectors are beyond what they are without.
    width : int
        Length of the net's vectors.
    """

    name: str
    grid: tuple
    kind: str
    n_prefix: int = 0
    is_exact: bool = False
    width: int = 0

    def spread_out(self, output):
        """An output as (n, width, rows, columns)."""
        if self.kind == "maps":
            return output
        if self.kind == "channels last":
            return output.permute(0, 3, 1, 2)
        return output[:, self.n_prefix :].transpose(1, 2).unflatten(2, self.grid)


def find_last_places(net, images, image_size, *, n_prefix=0, width=None):
    """The last module with places on which the net's vectors depend.

    Behind the last block of a transformer only its class token counts; so it is the
    norm in front of that block's attention, which looks at all tokens.

    Parameters
    ----------
    net : Module
        From `images` to vectors; its parameters need gradients.
    images : Tensor
        One image.
    image_size : tuple of (int, int)
    n_prefix : int, default=0
        Tokens in front that stand for no place.
    width : int, optional
        Of the tokens, as there are others on the way; by default that of the vectors.

    Returns
    -------
    Places or None
        None if the net has none, as where its layers look at all pixels at once.
    """
    outputs = {}

    def keeper(name):
        def keep(module, args, output):
            if isinstance(output, torch.Tensor) and output.requires_grad:
                outputs.pop(name, None)  # the last call counts, and its time
                outputs[name] = output

        return keep

    hooks = [
        module.register_forward_hook(keeper(name), prepend=True)
        for name, module in net.named_modules()
        if name
    ]
    try:
        vectors = net(images)
    finally:
        for hook in hooks:
            hook.remove()
    direction = torch.randn(
        vectors.shape, generator=torch.Generator().manual_seed(0)
    ).to(vectors)
    score = (vectors * direction).sum()
    for name, output in reversed(outputs.items()):
        places = _layout(
            name, output.shape, image_size, n_prefix, width or vectors.shape[1]
        )
        if places is None:
            continue
        (slopes,) = torch.autograd.grad(
            score, output, retain_graph=True, allow_unused=True
        )
        if slopes is None:
            continue
        counts = places.spread_out(slopes).abs().amax(dim=1) > 0
        if counts.sum() > 1:
            added = places.spread_out(slopes * output).sum()
            is_exact = _adds_up(net, images, places, direction, added)
            return replace(places, is_exact=is_exact, width=vectors.shape[1])
    return None


def _adds_up(net, images, places, direction, added):
    """Whether places add `added` to the vectors, along a direction, times any factor.

    Small values make nearly every function look linear, so large ones are tried too.
    """
    without = _with_places_times(0, net, images, places)
    for factor in _FACTORS:
        more = _with_places_times(factor, net, images, places) - without
        error = ((more * direction).sum() - factor * added).abs()
        if not error < _EXACT * more.norm():
            return False
    return True


def _with_places_times(factor, net, images, places):
    """Vectors of a net whose `Places` are multiplied."""

    def multiply(module, args, output):
        output = output.clone()
        places.spread_out(output).mul_(factor)
        return output

    module = dict(net.named_modules())[places.name]
    hook = module.register_forward_hook(multiply, prepend=True)
    try:
        with torch.no_grad():
            return net(images)
    finally:
        hook.remove()


def _layout(name, shape, image_size, n_prefix, width):
    """`Places` of an output of a shape, or None if it has none, or only one."""
    if len(shape) == 4:
        if is_channels_last(shape, image_size):
            places = Places(name, tuple(shape[1:3]), "channels last")
        elif _is_like(*shape[2:], image_size):
            places = Places(name, tuple(shape[2:]), "maps")
        else:
            return None
        return places if max(places.grid) > 1 else None
    if len(shape) == 3 and shape[2] == width:
        grid = _grid(shape[1] - n_prefix, image_size)
        return None if grid is None else Places(name, grid, "tokens", n_prefix)
    return None


def _grid(n_places, image_size):
    """Rows and columns of so many places that have the shape of the image."""
    height, width = image_size
    rows = isqrt(max(0, n_places * height // width))
    for n_rows in (rows, rows + 1):
        if n_rows and n_places % n_rows == 0:
            grid = n_rows, n_places // n_rows
            if _is_like(*grid, image_size) and max(grid) > 1:
                return grid
    return None


class PlaceTap:
    """Runs a net on from its `Places`, whose output is kept with its slopes to come.

    Parameters
    ----------
    net : Module
        A hook stays on it.
    places : Places
    """

    def __init__(self, net, places):
        self._net = net
        self._places = places
        self._last = threading.local()  # threads run the same net at the same time
        module = dict(net.named_modules())[places.name]
        module.register_forward_hook(self._keep, prepend=True)

    def __call__(self, images):
        """Vectors (n, width), and what `maps` needs to know of them."""
        with torch.enable_grad():
            vectors = self._net(images)
        return vectors, self._last.output

    def maps(self, vectors, output, slopes, *, is_averaged):
        """What each place adds to ``(vectors * slopes).sum(axis=1)``.

        Parameters
        ----------
        vectors, output : Tensor
            As called.
        slopes : Tensor, like `vectors`
        is_averaged : bool
            Take a channel's mean slope for all places, as Grad-CAM does.

        Returns
        -------
        ndarray of shape (n, rows, columns), float64
        """
        (weights,) = torch.autograd.grad((vectors * slopes).sum(), output)
        weights = self._places.spread_out(weights).double()
        if is_averaged:
            weights = weights.mean(dim=(2, 3), keepdim=True)
        maps = self._places.spread_out(output.detach()).double()
        return (maps * weights).sum(dim=1).cpu().numpy()

    def _keep(self, module, args, output):
        # What comes before needs no slopes; what comes after may work in place.
        self._last.output = output.detach().requires_grad_()
        return self._last.output.clone()
