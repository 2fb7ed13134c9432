"""Nets that are registered by name: ours without pretrained weights, and a user's."""

import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imgfeat._home import expanded
from imgfeat._typing import PathLike
from imgfeat.nets._preprocessing import Preprocessing
from imgfeat.nets.catalog import _lite, _torchvision
from imgfeat.nets.catalog._timm import PREFIX
from imgfeat.nets.catalog._weights_files import check_hash

_registered = {}


@dataclass(frozen=True)
class Registered:
    """A net as it was registered; see `register_backbone`.

    Parameters
    ----------
    name : str
    factory : callable
    preprocessing : Preprocessing or None
    weights : path, callable or None
    width : int or None
    module : str
        Dotted name of the module that registered it.
    """

    name: str
    factory: Callable
    preprocessing: Preprocessing | None
    weights: str | os.PathLike | Callable | None
    width: int | None
    module: str

    @property
    def is_sized(self):
        """Whether the net is made for the images that it sees, and learns of them."""
        return self.preprocessing is None

    @property
    def is_ours(self):
        return self.package == "imgfeat"

    @property
    def package(self):
        """Name of the package that registered it."""
        return self.module.partition(".")[0]

    @property
    def tag(self):
        """Name of its weights, or None if there are none."""
        if self.weights is None:
            return None
        return "own" if callable(self.weights) else Path(self.weights).name

    @property
    def is_here(self):
        """Whether its weights are a file on this machine; nothing is fetched for it."""
        if self.weights is None or callable(self.weights):
            return False
        try:
            return expanded(self.weights).is_file()
        except FileNotFoundError:
            return False

    def find(self):
        """Return the path of the weights, or say that there are none."""
        if self.weights is None:
            what = "of net_.module_ of a CNNClassifier" if self.is_sized else "of it"
            raise FileNotFoundError(
                f"{self.name} has no pretrained weights. Pass weights=None for random "
                f"weights, or the path of a file with the state dict {what}."
            )
        path = expanded(self.weights() if callable(self.weights) else self.weights)
        if not path.is_file():
            raise FileNotFoundError(
                f"{self.name} needs its weights file {path}, which {self.module} has "
                "registered and which is missing. Put it there, or pass the path of "
                "another as weights."
            )
        check_hash(path)
        return path


def register_backbone(
    name: str,
    factory: Callable[..., Any] | None = None,
    *,
    preprocessing: Preprocessing | None = None,
    weights: PathLike | Callable[[], PathLike] | None = None,
    width: int | None = None,
) -> Callable[..., Any]:
    """Let a net be had by name, in `CNNEmbedding`, `CNNClassifier` and all around them.

    Stands beside the net, as a decorator of what makes it, or is called with that. Who
    loads a model that names the net has to import that module before.

    Parameters
    ----------
    name : str
        Letters, digits, ``_``, ``-`` and ``/``.
    factory : callable, optional
        With `preprocessing` it takes nothing and returns a module as `CNNEmbedding`
        takes one: from normalized pixels, (n, 3, height, width), to feature maps,
        tokens or vectors, without a classifier.

        Without, it makes a net that is sized to the images, for `CNNClassifier` to
        train from scratch: ``factory(n_classes, image_size=(height, width),
        dropout=0.2)`` returns a module from normalized pixels to (n, n_classes), and
        for ``n_classes=0`` the same without its last layer, to vectors.
    preprocessing : Preprocessing, optional
        What the net was trained with. None is for nets that learn mean and spread of
        pixels from the images that they are trained on.
    weights : path or callable, optional
        File of the net's state dict, or a function that returns the path, called when
        the weights are looked for. With them the net counts as pretrained.
    width : int, optional
        Length of the embedding. It is measured if nobody says it.

    Returns
    -------
    callable
        `factory`; or the decorator that waits for it.

    Raises
    ------
    ValueError
        If the name cannot be one or is taken, or weights have no preprocessing. The
        same factory may be registered again, as when its module is loaded anew.
    TypeError
        If the preprocessing is no `Preprocessing`.

    See Also
    --------
    list_backbones : Lists it, with the package that registered it as its source.

    Examples
    --------
    >>> from torch import nn
    >>> from imgfeat.nets import Preprocessing, list_backbones, register_backbone
    >>> seen = Preprocessing((32, 32), mean=(0.5,) * 3, std=(0.25,) * 3)
    >>> @register_backbone("two_layers", preprocessing=seen, width=8)
    ... def two_layers():
    ...     return nn.Sequential(nn.Conv2d(3, 8, 3, stride=2), nn.ReLU())
    >>> list_backbones("two_layers")[["input_size", "width"]].values.tolist()
    [[(32, 32), 8]]
    """
    module = sys._getframe(1).f_globals.get("__name__", "__main__")
    if preprocessing is not None and not isinstance(preprocessing, Preprocessing):
        raise TypeError(
            "preprocessing must be a Preprocessing, or None for a net that is sized to "
            f"its images. Got {type(preprocessing).__name__}."
        )
    if weights is not None and preprocessing is None:
        raise ValueError(
            f"The weights of {name!r} need the preprocessing that they were trained "
            "with. Got preprocessing=None; pass a Preprocessing."
        )

    def register(factory):
        new = Registered(name, factory, preprocessing, weights, width, module)
        _check_name(new)
        _registered[name] = new
        return factory

    return register if factory is None else register(factory)


def find_registered(name):
    """Return the Registered of a name, or None."""
    return _registered.get(name) if isinstance(name, str) else None


def list_registered():
    """Return all Registered, in the order in which they came."""
    return list(_registered.values())


def registered_by(name):
    """Return the dotted name of the module that registered a net, or None."""
    found = find_registered(name)
    return None if found is None else found.module


def is_own_code(backbone):
    """Whether a net's code is a user's: of a module, or of what a user registered."""
    found = find_registered(backbone)
    return not isinstance(backbone, str) or (found is not None and not found.is_ours)


def _check_name(new):
    name = new.name
    if name.startswith(PREFIX) or not re.fullmatch(r"[\w/-]+", name):
        raise ValueError(
            "A backbone's name has letters, digits, '_', '-' and '/', and does not "
            f"start with {PREFIX!r}, which is for timm's. Got {name!r}."
        )
    known = _registered.get(name)
    if known is not None and not _is_same(known.factory, new.factory):
        raise ValueError(
            f"There is a backbone {name!r} already, which {known.module} registered. "
            "Choose another name."
        )
    # Ours are none of torchvision's, which takes seconds to ask.
    if name in _lite.NETS or (not new.is_ours and _torchvision.is_name(name)):
        raise ValueError(f"There is a backbone {name!r} already. Choose another name.")


def _is_same(factory, other):
    """Whether factories are one, perhaps of a module, or a cell, that ran again."""
    places = [
        (getattr(made, "__module__", None), getattr(made, "__qualname__", "<"))
        for made in (factory, other)
    ]
    return factory is other or (places[0] == places[1] and "<" not in places[0][1])
