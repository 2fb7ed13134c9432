"""From what a user passes as backbone and weights to a trunk that can be run."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from torch import nn

from imgfeat._home import expanded
from imgfeat._typing import PathLike
from imgfeat.nets._preprocessing import Preprocessing
from imgfeat.nets._trunk import WholeNet
from imgfeat.nets.catalog._build import empty_net, random_net, shared_width
from imgfeat.nets.catalog._registered import find_registered
from imgfeat.nets.catalog._registry import get_spec, has_tag
from imgfeat.nets.catalog._tensors import (
    hash_file,
    hash_state_dict,
    load_into,
    read_state_dict,
    registered_weights,
)
from imgfeat.nets.catalog._timm import PREFIX
from imgfeat.nets.catalog._weights_files import check_hash


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
        Length of the embedding however it is pooled; None where that depends on the
        pooling, or until a module of the user's own is run.
    load : callable
        Returns the trunk in eval mode on the CPU.
    module : Module or None
        The user's own.
    code : callable or None
        What a user has registered to make the net.
    """

    name: str
    tag: str
    sha256: str
    preprocessing: Preprocessing
    width: int | None
    load: Callable
    module: nn.Module | None = None
    code: Callable | None = None

    def state_dict(self) -> dict[str, Any]:
        """Tensors to store with a model, and to `register_weights` again later."""
        return self.load().state_dict()

    def info(self) -> dict[str, Any]:
        """What a reader needs to tell which weights these are."""
        return {
            "name": self.name,
            "tag": self.tag,
            "sha256": self.sha256,
            "preprocessing": self.preprocessing.as_dict(),
        }


def find_backbone(
    backbone: str | nn.Module,
    weights: PathLike | None = "default",
    *,
    sha256: str | None = None,
    whole: bool = False,
    **preprocessing: Any,
) -> Backbone:
    """Return the Backbone that `backbone` and `weights` name.

    Parameters
    ----------
    backbone : str or Module
        A module states its own preprocessing: as attribute ``preprocessing``, a
        `Preprocessing`, or as timm's nets do, as ``pretrained_cfg``.
    weights : {"default", None}, tag or path, default="default"
        A tag of torchvision ("IMAGENET1K_V2") or timm ("a1_in1k") in upper or lower
        case; a path of a safetensors file or one of torch's. None is random weights,
        the same at every call.
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
        If the name or tag is unknown, a module states no preprocessing, the net takes
        no other size, or the weights have another hash.
    FileNotFoundError
        If the weights are not on this machine.
    """
    if isinstance(backbone, nn.Module):
        if weights not in ("default", None):
            raise ValueError(
                f"weights={weights!r} needs a backbone that is named. Got a module, "
                "which brings its own; load them into it with load_state_dict."
            )
        return _from_module(backbone, preprocessing)
    size = _own_size(backbone, preprocessing)
    spec = _find_spec(backbone, weights, size)
    registered = None if sha256 is None else registered_weights(sha256)
    if sha256 is not None and registered is not None:
        found = sha256

        def load():
            net = _cut(spec, empty_net(spec), whole)
            load_into(net, registered, source="The saved model")
            return net.eval()
    elif weights is None:
        found = _random_hash(backbone, size, find_registered(backbone))

        def load():
            return _random_net(spec, whole)
    else:
        path = spec.find()
        found = hash_file(path)

        def load():
            _check_same(backbone, hash_file(path), found)  # much later, perhaps
            return _net_from_file(spec, path, whole)

    if sha256 is not None:
        _check_same(backbone, found, sha256)
    return Backbone(
        name=spec.name,
        tag=spec.tag,
        sha256=found,
        preprocessing=_change(spec, preprocessing),
        width=shared_width(backbone, _plain_tag(backbone, weights), size),
        load=load,
        code=spec.code,
    )


def _check_same(backbone, found, sha256):
    if found != sha256:
        raise ValueError(
            f"The weights of {backbone} need the sha256 {sha256[:12]}..., with which "
            f"this estimator was fitted. Got {found[:12]}...; bring back the old "
            "weights, or fit again."
        )


def new_trunk(name, seed, size):
    """Return a Trunk of random weights, to be trained.

    Parameters
    ----------
    name : str
        As for `find_backbone`.
    seed : int
    size : tuple of (int, int)
        Height and width in pixels of the images.
    """
    spec = get_spec(name, size=size)
    return _cut(spec, random_net(spec, seed), False)


def _own_size(name, changes):
    """The size that a net is made for, where it can be made for several."""
    found, size = find_registered(name), changes.get("size")
    if not (name.startswith(PREFIX) or (found is not None and found.is_sized)):
        return None
    return tuple(size) if isinstance(size, list) else size


def _find_spec(name, weights, size):
    """The NetSpec of a name with any weights; of a file's, what is not the file's."""
    spec = get_spec(name, _plain_tag(name, weights), size)
    if weights is None:
        return replace(spec, tag="random")
    if _is_path(name, weights):
        path = expanded(weights)
        return replace(spec, tag=path.name, find=lambda: _find_file(path))
    return spec


def _plain_tag(name, weights):
    """The tag that is asked for, or None where none is."""
    is_tag = weights not in ("default", None) and not _is_path(name, weights)
    return weights if is_tag else None


def _is_path(name, weights):
    if weights is None or weights == "default":
        return False
    if isinstance(weights, os.PathLike):
        return True
    get_spec(name)  # a misspelt net comes before misspelt weights
    looks_like_one = Path(weights).suffix or Path(weights).name != weights
    return not has_tag(name, weights) and bool(looks_like_one)


def _find_file(path):
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no weights file {path}. Pass a path of a safetensors or .pth "
            "file, a tag, or weights='default'."
        )
    check_hash(path)
    return path


def _change(spec, changes):
    """The preprocessing with a user's changes, if the net can see such images."""
    changed = spec.preprocessing.with_changes(**changes)
    if spec.fixed_size and changed.size != spec.preprocessing.size:
        raise ValueError(
            f"{spec.name} takes images of size={spec.preprocessing.size} only, for "
            f"which its layers are laid out. Got size={changed.size}; leave size out."
        )
    least = spec.min_size or (1, 1)
    if any(side < needed for side, needed in zip(changed.size, least, strict=True)):
        raise ValueError(
            f"{spec.name} takes images of size={least} or more. Got "
            f"size={changed.size}; pass a larger size, or leave it out."
        )
    return changed


def _net_from_file(spec, path, whole):
    net, state = empty_net(spec), read_state_dict(path)
    try:
        load_into(net, state, source=path, by_order=spec.by_order)
    except ValueError:
        net = None if spec.adapt is None else spec.adapt(state)
        if net is None:
            raise
    return _cut(spec, net, whole).eval()


def _random_net(spec, whole):
    return _cut(spec, random_net(spec), whole).eval()


def _cut(spec, net, whole):
    if not whole:
        return spec.cut(net)
    # timm's nets say it themselves.
    n_prefix = getattr(net, "num_prefix_tokens", spec.n_prefix)
    return WholeNet(net, n_prefix=n_prefix)


@lru_cache(maxsize=16)
def _random_hash(name, size, registered):
    spec = get_spec(name, size=size)
    return hash_state_dict(_random_net(spec, False).state_dict())


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
