"""Batch norms that keep their statistics, computed inside the convolutions before them.

Such a norm multiplies each channel by a number and adds another. Given to the weights
of the convolution, that costs nothing, in training as in prediction; by itself it reads
and writes all maps, twice more for gradients.
"""

from collections import Counter

import torch
from torch import nn

from imgfeat.nets.catalog._efficientnet_lite import (
    BatchNormAct2d,
    Conv2dSame,
    conv2d_same,
)
from imgfeat.nets.catalog._spec import library


def fold_norms(net, run):
    """Fold norms into convolutions, in place; parameters keep their names and values.

    Folded are norms whose input is what one convolution gave and nothing else sees.
    From then on such a norm must stay in eval mode. Gradients reach the same parameters
    as before.

    Parameters
    ----------
    net : Module
        In eval mode, with parameters that require gradients.
    run : callable
        Runs the net once and returns a tensor.

    Returns
    -------
    int
        How many norms were folded.
    """
    pairs = _find_pairs(net, run)
    for conv, norm in pairs:
        conv.forward = _ConvolutionAndNorm(conv, norm)
        norm.forward = _Activation(norm) if _has_activation(norm) else _unchanged
    return len(pairs)


class _ConvolutionAndNorm:
    """The forward pass of a convolution with the norm behind it."""

    def __init__(self, conv, norm):
        self.conv = conv
        self.norm = norm
        self.convolve = _find_convolution(conv)

    def __call__(self, x):
        conv, norm = self.conv, self.norm
        factor = torch.rsqrt(norm.running_var + norm.eps)
        if norm.weight is not None:
            factor = factor * norm.weight
        mean = norm.running_mean
        if conv.bias is not None:
            mean = mean - conv.bias
        bias = -mean * factor
        if norm.bias is not None:
            bias = bias + norm.bias
        # Not by new parameters for a moment: threads may share the net.
        return self.convolve(
            x,
            conv.weight * factor.reshape(-1, 1, 1, 1),
            bias,
            conv.stride,
            conv.padding,
            conv.dilation,
            conv.groups,
        )


class _Activation:
    """What is left of a norm that has an activation, and timm's a drop before it."""

    def __init__(self, norm):
        self.norm = norm

    def __call__(self, x):
        if not isinstance(self.norm, BatchNormAct2d):
            x = self.norm.drop(x)
        return self.norm.act(x)


def _unchanged(x):
    return x


def _find_convolution(module):
    """The function that a module convolves by, or None if it is none that we know."""
    if type(module) is nn.Conv2d and module.padding_mode == "zeros":
        return nn.functional.conv2d
    if isinstance(module, Conv2dSame):
        return conv2d_same
    if _is_of_timm(module, "Conv2dSame"):
        return library("timm.layers.conv2d_same").conv2d_same
    return None


def _has_activation(norm):
    return isinstance(norm, BatchNormAct2d) or _is_of_timm(norm, "BatchNormAct2d")


def _is_of_timm(module, name):
    kind = type(module)
    return kind.__module__.startswith("timm.") and kind.__name__ == name


def _find_pairs(net, run):
    """Convolutions and the norms that alone see what they give."""
    sources, pairs, calls = {}, [], Counter()

    def after_convolution(conv, inputs, output):
        calls[conv] += 1
        sources[id(output)] = conv, output, output.grad_fn

    def before_norm(norm, inputs):
        calls[norm] += 1
        conv, _, node = sources.get(id(inputs[0]), (None, None, None))
        if conv is not None and inputs[0].grad_fn is node:
            pairs.append((conv, norm, node))

    hooks = []
    for module in net.modules():
        if _find_convolution(module) is not None:
            hooks.append(module.register_forward_hook(after_convolution))
        elif type(module) is nn.BatchNorm2d or _has_activation(module):
            hooks.append(module.register_forward_pre_hook(before_norm))
    try:
        with torch.enable_grad():
            result = run()
    finally:
        for hook in hooks:
            hook.remove()
    readers = _count_readers(result.grad_fn)
    return [
        (conv, norm)
        for conv, norm, node in pairs
        if calls[conv] == calls[norm] == readers[node] == 1
        and norm.running_var is not None
    ]


def _count_readers(last):
    """How often each step of a computation is used by later ones."""
    readers, todo, seen = Counter(), [last] if last else [], {last}
    while todo:
        for node, _ in todo.pop().next_functions:
            if node is None:
                continue
            readers[node] += 1
            if node not in seen:
                seen.add(node)
                todo.append(node)
    return readers
