"""From what a user passes as backbone and weights to a trunk that can be run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import nn

from imgfeat.nets._embedder import WholeNet
from imgfeat.nets._preprocessing import Preprocessing
from imgfeat.nets._registry import get_spec
from imgfeat.nets._weights import (
    hash_file,
    hash_state_dict,
    load_into,
    read_state_dict,
    registered_weights,
)

_SEED = 0  # random weights are the same everywhere


@dataclass(frozen=True)
class Backbone:
    """A net whose weights are known and not yet loaded.

    Parameters
    ----------
    name, tag : str
        Of the net, and of its weights.
    sha256 : str
        Of the weights: of their file, or of the tensors where there is none.
    preprocessing : Preprocessing
    width : int or None
        Length of the embedding; None until a module of the user's own is run.
    load : callable
        Returns the trunk in eval mode on the CPU.
    module : Module or None
        The user's own.
    """

    name: str
    tag: str
    sha256: str
    preprocessing: Preprocessing
    width: int | None
    load: Callable
    module: nn.Module | None = None

    def state_dict(self):
        """Tensors to store with a model, and to `register_weights` again later."""
        return self.load().state_dict()

    def info(self):
        """What a reader needs to tell which weights these are."""
        return {
            "name": self.name,
            "tag": self.tag,
            "sha256": self.sha256,
            "preprocessing": self.preprocessing.as_dict(),
        }


def find_backbone(
    backbone, weights="default", *, sha256=None, whole=False, **preprocessing
):
    """Return the Backbone that `backbone` and `weights` name.

    Parameters
    ----------
    backbone : str or Module
        A module states its own preprocessing: as attribute ``preprocessing``, a
        `Preprocessing`, or as timm's nets do, as ``pretrained_cfg``.
    weights : {"default", None}, default="default"
        None is random weights, the same at every call.
    sha256 : str, optional
        The hash that the weights must have.
    whole : bool, default=False
        Load the net with its head, for its inner layers.
    **preprocessing
        Fields of `Preprocessing` instead of those that the weights were trained with;
        None for none.

    Raises
    ------
    ValueError
        If the name is unknown, a module states no preprocessing, or the weights have
        another hash.
    FileNotFoundError
        If the weights are not on this machine.
    """
    if isinstance(backbone, nn.Module):
        return _from_module(backbone, preprocessing)
    spec = get_spec(backbone)
    if sha256 is not None and registered_weights(sha256) is not None:
        found = sha256

        def load():
            net = _empty_net(spec, whole)
            load_into(net, registered_weights(sha256), source="The saved model")
            return net.eval()
    elif weights is None:
        found = _random_hash(backbone)

        def load():
            return _random_net(spec, whole)
    else:
        path = spec.find()
        found = hash_file(path)

        def load():
            return _net_from_file(spec, path, whole)

    if sha256 not in (None, found):
        raise ValueError(
            f"The weights of {backbone} need the sha256 {sha256[:12]}..., with which "
            f"this estimator was fitted. Got {found[:12]}...; bring back the old "
            "weights, or fit again."
        )
    return Backbone(
        name=spec.name,
        tag="random" if weights is None else spec.tag,
        sha256=found,
        preprocessing=spec.preprocessing.with_changes(**preprocessing),
        width=spec.width,
        load=load,
    )


def _empty_net(spec, whole):
    # No memory, and no time spent on random numbers that the weights replace.
    with torch.device("meta"):
        return _cut(spec, spec.make(), whole)


def _net_from_file(spec, path, whole):
    with torch.device("meta"):
        net = spec.make()
    load_into(net, read_state_dict(path), source=path, by_order=spec.by_order)
    return _cut(spec, net, whole).eval()


def _random_net(spec, whole):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_SEED)
        return _cut(spec, spec.make(), whole).eval()


def _cut(spec, net, whole):
    return WholeNet(net, n_prefix=spec.n_prefix) if whole else spec.cut(net)


@lru_cache(maxsize=16)
def _random_hash(name):
    return hash_state_dict(_random_net(get_spec(name), False).state_dict())


def _from_module(module, changes):
    name = type(module).__name__
    stated = getattr(module, "preprocessing", None)
    if stated is None:
        stated = getattr(module, "pretrained_cfg", None)
        if isinstance(stated, Mapping):
            stated = Preprocessing.from_config(stated)
    if not isinstance(stated, Preprocessing):
        raise ValueError(
            f"The module {name} needs to state its preprocessing, as an attribute "
            "`preprocessing` of type imgfeat.nets.Preprocessing. Got "
            f"{'none' if stated is None else type(stated).__name__}; set for example "
            "module.preprocessing = Preprocessing(size=(224, 224), mean=(0.485, 0.456, "
            "0.406), std=(0.229, 0.224, 0.225))."
        )
    return Backbone(
        name=name,
        tag="module",
        sha256=hash_state_dict(module.state_dict()),
        preprocessing=stated.with_changes(**changes),
        width=None,
        load=lambda: module,
        module=module,
    )
