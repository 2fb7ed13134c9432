"""torchvision's classification nets: where each is cut, and its weights."""

from collections import OrderedDict
from functools import partial

import torch
from torch import nn

from imgfeat.nets._preprocessing import Preprocessing
from imgfeat.nets._trunk import Trunk
from imgfeat.nets.catalog._spec import NetSpec, library
from imgfeat.nets.catalog._weights_files import WeightsFile

# Known without a run, because people wait for these most often.
_WIDTHS = {
    "resnet18": 512,
    "resnet50": 2048,
    "vgg16": 512,
    "inception_v3": 2048,
    "efficientnet_b0": 1280,
    "convnext_tiny": 768,
}

# Their own forward pass turns ImageNet's normalization into halves, when they have
# torchvision's weights. The trunk has no such step, so the outcome is stated instead.
_HALVES = ("googlenet", "inception_v3")

# Positions or windows are laid out for one size.
_FIXED = ("vit", "maxvit")


def list_names():
    """Return the names of all nets."""
    models = library("torchvision").models
    return models.list_models(module=models)


def is_name(name):
    """Whether torchvision has a net of this name."""
    return _family(name) in _CUTS and name in list_names()


def list_tags(name):
    """Return the tags of a net's weights, the default one first."""
    weights = library("torchvision").models.get_model_weights(name)
    default = weights.DEFAULT
    return [default.name, *(tag.name for tag in weights if tag != default)]


def make_spec(name, tag):
    """Return the NetSpec of a net of this name with the weights of one of its tags."""
    weights = get_weights(name, tag)
    family = _family(name)
    is_halves = name in _HALVES
    options = {"init_weights": True} if is_halves else {}
    if family == "vit":
        options["image_size"] = weights.meta["min_size"][0]
    view = weights.transforms()
    (size,), (shorter,) = view.crop_size, view.resize_size
    file = get_file(weights)
    stated = name if tag == list_tags(name)[0] else f"{name}.{tag}"
    return NetSpec(
        name=name,
        width=_WIDTHS.get(name),
        preprocessing=Preprocessing(
            size=(size, size),
            mean=(0.5,) * 3 if is_halves else view.mean,
            std=(0.5,) * 3 if is_halves else view.std,
            crop=size / shorter,
            interpolation=view.interpolation.value,
        ),
        tag=weights.name.lower(),
        make=lambda: library("torchvision").models.get_model(
            name, weights=None, **options
        ),
        cut=_CUTS[family],
        find=lambda: file.find(stated),
        n_prefix=1 if family == "vit" else 0,
        fixed_size=family in _FIXED,
        file=file,
    )


def get_weights(name, tag):
    """Return torchvision's record of one set of weights."""
    return library("torchvision").models.get_model_weights(name)[tag]


def get_file(weights):
    """Return the WeightsFile of one of torchvision's records."""
    return WeightsFile((weights.url.rsplit("/", 1)[-1],), url=weights.url)


def _family(name):
    """The first word of a name, without digits."""
    return name.replace("wide_", "").split("_")[0].rstrip("0123456789")


def _without(net, *dropped):
    return OrderedDict(
        (name, child) for name, child in net.named_children() if name not in dropped
    )


def _cut(net, dropped, after=None):
    trunk = nn.Sequential(_without(net, *dropped))
    return Trunk(trunk, None if after is None else after(net))


def _cut_densenet(net):
    # Its forward pass has an activation that is no module.
    return Trunk(nn.Sequential(OrderedDict(features=net.features, relu=nn.ReLU())))


def _cut_maxvit(net):
    maps = nn.Sequential(OrderedDict(stem=net.stem, blocks=nn.Sequential(*net.blocks)))
    return Trunk(maps, net.classifier[1:-1])


def _cut_vit(net):
    return Trunk(_Tokens(net), pooling="cls", n_prefix=1)


class _Tokens(nn.Module):
    """A vision transformer up to its last norm: (n, 1 + n_patches, width)."""

    def __init__(self, net):
        super().__init__()
        self.conv_proj = net.conv_proj
        self.class_token = net.class_token
        self.encoder = net.encoder

    def forward(self, x):
        patches = self.conv_proj(x).flatten(2).transpose(1, 2)
        token = self.class_token.expand(patches.shape[0], -1, -1)
        return self.encoder(torch.cat([token, patches], dim=1))


def _linear_before_last(net):
    return nn.Sequential(nn.Flatten(), *net.classifier[:-1])


_fc = partial(_cut, dropped=("avgpool", "fc"))
_features = partial(_cut, dropped=("avgpool", "classifier"))

# Family -> from the whole net to its trunk.
_CUTS = {
    "alexnet": _features,
    "convnext": partial(_features, after=lambda net: net.classifier[0]),
    "densenet": _cut_densenet,
    "efficientnet": _features,
    "googlenet": partial(_cut, dropped=("aux1", "aux2", "avgpool", "dropout", "fc")),
    "inception": partial(_cut, dropped=("AuxLogits", "avgpool", "dropout", "fc")),
    "maxvit": _cut_maxvit,
    "mnasnet": _features,
    "mobilenet": lambda net: _features(
        net, after=_linear_before_last if hasattr(net, "avgpool") else None
    ),
    "regnet": _fc,
    "resnet": _fc,
    "resnext": _fc,
    "shufflenet": _fc,
    "squeezenet": _features,
    "swin": partial(_cut, dropped=("avgpool", "flatten", "head")),
    "vgg": _features,
    "vit": _cut_vit,
}
