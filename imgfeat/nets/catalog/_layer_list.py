"""The inner layers of a net, with what they give."""

import copy
from contextlib import suppress
from math import prod
from typing import TYPE_CHECKING

import torch
from torch import nn

from imgfeat._frames import make_frame
from imgfeat.nets.catalog._build import META_ERRORS, hollow_net, random_net
from imgfeat.nets.catalog._registry import get_spec

if TYPE_CHECKING:
    import pandas as pd

_UNTOLD_SIZE = (224, 224)


def list_layers(backbone: str | nn.Module) -> "pd.DataFrame":
    """List the modules of a net, in the order in which they stand in it.

    No weights are needed, and next to nothing is computed.

    Parameters
    ----------
    backbone : str or Module
        A name as in `list_backbones`, or a net of your own.

    Returns
    -------
    DataFrame
        ``name`` is what ``CNNEmbedding(layer=...)`` takes; ``type`` the class of the
        module; ``shape`` what it gives for one image of the net's own size, without
        the first axis, as a tuple, or None if it does not run when the net classifies;
        ``parameters`` their number, with those of the parts.

    Raises
    ------
    ValueError
        If no net has the name.

    Examples
    --------
    >>> from imgfeat.nets import list_layers
    >>> layers = list_layers("efficientnet_lite0").set_index("name")
    >>> layers.loc["blocks.3", "shape"]
    (80, 14, 14)
    """

    if isinstance(backbone, nn.Module):
        stated = getattr(backbone, "preprocessing", None)
        size = getattr(stated, "size", None) or _size_of(backbone)
        net = copy.deepcopy(backbone).to("meta")
        shapes = _measure(net, size, lambda: copy.deepcopy(backbone).to("cpu"))
    else:
        spec = get_spec(backbone)
        size, net = spec.preprocessing.size, hollow_net(spec).to("meta")
        shapes = _measure(net, size, lambda: random_net(spec))
    rows = [
        (
            name,
            type(module).__name__,
            shapes.get(name),
            sum(prod(parameter.shape) for parameter in module.parameters()),
        )
        for name, module in net.named_modules()
        if name
    ]
    return make_frame(rows, columns=["name", "type", "shape", "parameters"])


def _size_of(module):
    config = getattr(module, "pretrained_cfg", None) or {}
    shape = config.get("input_size", (3, *_UNTOLD_SIZE))
    return tuple(shape[1:])


def _measure(net, size, make_real):
    """Shapes by name; where a net cannot finish, of the layers before that."""
    shapes = {}
    try:
        _run(net, "meta", size, shapes)
    except META_ERRORS:  # it has, or makes, numbers elsewhere than on "meta"
        with suppress(*META_ERRORS):
            _run(make_real(), "cpu", size, shapes)
    return shapes


def _run(net, device, size, shapes):
    net.eval()
    for name, module in net.named_modules():
        module.register_forward_hook(_note(shapes, name))
    with torch.inference_mode():
        net(torch.zeros((1, 3, *size), device=device))


def _note(shapes, name):
    def note(module, args, output):
        if isinstance(output, (tuple, list)):
            output = output[0] if output else None  # as `layer` takes it
        if isinstance(output, torch.Tensor):
            shapes[name] = tuple(output.shape[1:])

    return note
