"""Nets with numbers that are cheap: tests need any, not those of a good start."""

import math

import torch
from torch import nn

from imgfeat.nets.catalog._build import empty_net


def filled_net(spec):
    """Return the whole net of a NetSpec, in eval mode, with uniform noise in it."""
    net = empty_net(spec)
    generator = torch.Generator().manual_seed(0)
    for module in net.modules():
        for name, parameter in module.named_parameters(recurse=False):
            values = torch.empty(parameter.shape)
            if parameter.ndim > 1:  # what comes out is about as large as what goes in
                bound = math.sqrt(3 / parameter[0].numel())
                values.uniform_(-bound, bound, generator=generator)
            else:
                values.uniform_(0.5, 1.5, generator=generator)
            module.register_parameter(name, nn.Parameter(values))
    return net
