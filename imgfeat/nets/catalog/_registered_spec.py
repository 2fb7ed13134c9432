"""From a net that was registered to what is known of it before it is built."""

from functools import partial

import torch
from torch import nn

from imgfeat.nets._preprocessing import Preprocessing
from imgfeat.nets._trunk import Trunk
from imgfeat.nets.catalog._spec import NetSpec
from imgfeat.nets.catalog._tensors import load_into

# What a net that is sized to its images sees until somebody says otherwise.
_USUAL_SIZE = (32, 32)
# Mean and standard deviation of pixels, until it has learned them.
_UNLEARNED = 0.5, 0.25


def make_spec(found, size=None):
    """Return the NetSpec of a Registered.

    Parameters
    ----------
    found : Registered
    size : int or tuple of (int, int), optional
        Height and width in pixels, for a net that is sized to its images.
    """
    always = {
        "name": found.name,
        "tag": found.tag or "none",
        "find": found.find,
        "width": found.width,
        "code": None if found.is_ours else found.factory,
    }
    if not found.is_sized:
        seen, make = found.preprocessing, found.factory
        return NetSpec(preprocessing=seen, make=make, cut=_cut, **always)
    # The net itself knows the mean and the spread that it has learned.
    size = _USUAL_SIZE if size is None else size
    seen = Preprocessing(size, mean=(0.0,) * 3, std=(1.0,) * 3, crop=1.0)

    def make():
        return _Learned(found.factory(0, image_size=seen.size, dropout=0.0))

    adapt = partial(_without_head, make)
    return NetSpec(preprocessing=seen, make=make, cut=Trunk, adapt=adapt, **always)


def _cut(net):
    if isinstance(net, Trunk):
        return net
    return Trunk(net, n_prefix=getattr(net, "num_prefix_tokens", 0))


class _Learned(nn.Module):
    """A net behind the statistics of pixels that were learned with it.

    Its tensors are named as those of a net that `CNNClassifier` has trained.
    """

    def __init__(self, body):
        super().__init__()
        self.body = body
        mean, std = (torch.full((1, 3, 1, 1), value) for value in _UNLEARNED)
        self.register_buffer("scale", 1 / (255 * std))
        self.register_buffer("shift", -mean / std)

    def forward(self, x):
        return self.body(255 * x * self.scale + self.shift)


def _without_head(make, state):
    """The net with the tensors that it has of a trained one, or None if one lacks."""
    with torch.random.fork_rng(devices=[]):
        net = make().eval()
    own = net.state_dict()
    if not own.keys() <= state.keys():
        return None
    load_into(net, {name: state[name] for name in own}, source="The weights file")
    return net
