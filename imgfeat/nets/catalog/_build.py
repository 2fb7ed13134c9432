"""Build nets without their weights, quickly and in no memory."""

import threading
from contextlib import contextmanager
from functools import lru_cache

import torch
from torch import nn
from torch.nn.modules.module import register_module_parameter_registration_hook

from imgfeat.nets._torch_settings import let_compiler_start
from imgfeat.nets.catalog._registered import find_registered
from imgfeat.nets.catalog._registry import get_spec

# What building or running without numbers is known to raise, where a net looks at them.
META_ERRORS = (RuntimeError, ValueError, TypeError, LookupError, AttributeError)

_SEED = 0  # random weights are the same everywhere


@contextmanager
def _parameters_on_meta():
    """Let modules that this thread makes have parameters without numbers.

    Buffers are real, unlike under ``torch.device("meta")``: files hold not all of them,
    and some nets compute their plan from small tensors.
    """
    owner = threading.get_ident()

    def drop_numbers(module, name, parameter):
        if parameter is None or threading.get_ident() != owner:
            return None
        empty = parameter.detach().to("meta")
        return nn.Parameter(empty, requires_grad=parameter.requires_grad)

    handle = register_module_parameter_registration_hook(drop_numbers)
    try:
        yield
    finally:
        handle.remove()


def empty_net(spec):
    """Return the whole net of a NetSpec, in eval mode, to be given weights.

    No time is spent on random numbers where the net allows, and no seed is touched.
    """
    net = hollow_net(spec)
    # Some nets derive buffers from parameters; weights do not bring those.
    is_whole = not any(_is_meta(tensor) for tensor in _beside_parameters(net))
    return net if is_whole else random_net(spec)


def hollow_net(spec):
    """Return the whole net of a NetSpec, in eval mode, to be asked for shapes."""
    try:
        with torch.random.fork_rng(devices=[]), _parameters_on_meta():
            return _make(spec)
    except META_ERRORS:  # a net that looks at its parameters while it is built
        return random_net(spec)


def _beside_parameters(net):
    yield from net.buffers()
    for module in net.modules():
        yield from vars(module).values()


def _is_meta(thing):
    return isinstance(thing, torch.Tensor) and thing.is_meta


def random_net(spec, seed=_SEED):
    """Return the whole net with random weights, the same for the same seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return _make(spec)


def _make(spec):
    let_compiler_start()  # which an optimizer of the net will import
    return spec.make().eval()


def embedding_width(name, tag=None):
    """Return the length of a net's embedding, with ``pooling="auto"``.

    Unless it is known, the net is run on the meta device, which computes nothing.

    Parameters
    ----------
    name : str
    tag : str, optional
        As in `get_spec`.
    """
    return _widths(name, tag, None, find_registered(name))[0]


def shared_width(name, tag=None, size=None):
    """Return the length of a net's embedding if all poolings agree on it, else None.

    timm's nets may have more layers behind their own pooling, and no maps at all.
    """
    own, average = _widths(name, tag, size, find_registered(name))
    return own if own == average else None


@lru_cache(maxsize=256)
def _widths(name, tag, size, registered):
    """Lengths for "auto" and for "avg", which may be None."""
    spec = get_spec(name, tag, size)
    if spec.width is not None:
        return spec.width, spec.width
    size = spec.preprocessing.size
    try:
        return _measure(spec.cut(hollow_net(spec)).to("meta"), "meta", size)
    except META_ERRORS:  # a net that makes numbers of its own while it runs
        return _measure(spec.cut(random_net(spec)), "cpu", size)


def _measure(trunk, device, size):
    trunk.eval()
    images = torch.zeros((1, 3, *size), device=device)
    with torch.inference_mode():
        own = trunk(images, "auto", size).shape[1]
        try:
            return own, trunk(images, "avg", size).shape[1]
        except META_ERRORS:  # neither maps nor tokens; asking for it will say so
            return own, None
