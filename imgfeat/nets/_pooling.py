"""What is read out of a net, and how feature maps or tokens become a vector."""

from dataclasses import dataclass

import torch

# Generalized mean: a mean of cubes, between the average and the maximum.
_GEM_POWER = 3
_GEM_LEAST = 1e-6


@dataclass(frozen=True)
class Readout:
    """Which outputs of a net are taken, and how each is pooled.

    Parameters
    ----------
    pooling : {"auto", "avg", "max", "avgmax", "gem", "cls", None}, default="auto"
        "auto" is the net's own way from its last maps or tokens to the vector that its
        classifier sees. None flattens.
    layers : tuple of str, default=()
        Dotted names of modules whose outputs are taken, side by side; none is the
        embedding.
    """

    pooling: str | None = "auto"
    layers: tuple = ()


def layer_names(layer):
    """Return what a user passes as `layer` as a tuple; None is the embedding, ()."""
    if layer is None:
        return ()
    names = (layer,) if isinstance(layer, str) else tuple(layer)
    if not names or not all(isinstance(name, str) for name in names):
        raise ValueError(
            f"layer must be the name of a module, or some of them. Got {layer!r}; "
            "imgfeat.nets.list_layers(backbone) lists all."
        )
    return names


def _avg(maps):
    return maps.mean(dim=2)


def _max(maps):
    return maps.amax(dim=2)


def _gem(maps):
    cubes = maps.clamp(min=_GEM_LEAST).pow(_GEM_POWER)
    return cubes.mean(dim=2).pow(1 / _GEM_POWER)


# Each takes (n, width, places).
_POOLING = {
    "avg": _avg,
    "max": _max,
    "avgmax": lambda maps: (_avg(maps) + _max(maps)) / 2,
    "gem": _gem,
}
POOLINGS = ("auto", *_POOLING, "cls")


def pool(outputs, pooling, *, image_size, n_prefix=0):
    """Turn what a module gave into vectors.

    Parameters
    ----------
    outputs : Tensor
        Feature maps, (n, width, height, width) or (n, height, width, width); tokens,
        (n, n_prefix + n_patches, width); or vectors, which stay what they are.
    pooling : str or None
        One of `POOLINGS` but "auto"; None flattens, with the channels first.
    image_size : tuple of (int, int)
        Height and width that the net sees: maps have about the same shape, which tells
        where their channels are.
    n_prefix : int, default=0
        Tokens in front that stand for no place, the first being the class token.

    Returns
    -------
    Tensor of shape (n, width)

    Raises
    ------
    ValueError
        If the outputs are none of these, or have no class token where it is asked for.
    """
    if not isinstance(outputs, torch.Tensor) or outputs.ndim not in (2, 3, 4):
        shape = getattr(outputs, "shape", None)
        got = type(outputs).__name__ if shape is None else tuple(shape)
        raise ValueError(
            "A backbone must return feature maps (n, channels, height, width), tokens "
            f"(n, tokens, width) or vectors (n, width). Got {got}; wrap the module in "
            "one that does, or name another layer."
        )
    if outputs.ndim == 2:
        return outputs
    if pooling == "cls":
        if outputs.ndim != 3 or n_prefix == 0:
            raise ValueError(
                "pooling='cls' needs tokens of which the first is the class token. Got "
                f"outputs of shape {tuple(outputs.shape)}; use pooling='avg'."
            )
        return outputs[:, 0]
    if outputs.ndim == 3:
        outputs = outputs if pooling is None else outputs[:, n_prefix:]
        places = outputs.transpose(1, 2)
    else:
        if is_channels_last(outputs.shape, image_size):
            outputs = outputs.permute(0, 3, 1, 2)
        places = outputs.flatten(2)
    return places.flatten(1) if pooling is None else _POOLING[pooling](places)


def is_channels_last(shape, image_size):
    """Whether maps are (n, height, width, channels), judged by the image's shape."""
    _, first, second, third = shape
    return _is_like(first, second, image_size) and not _is_like(
        second, third, image_size
    )


def _is_like(height, width, image_size):
    """Whether sides are those of an image, divided by the same, up to rounding."""
    ratio = image_size[0] / height
    return abs(image_size[1] / ratio - width) < 1
