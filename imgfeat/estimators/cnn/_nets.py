"""From what a user asks for to a net that can be trained."""

from dataclasses import replace

import torch
from torch import nn

from imgfeat.estimators.cnn._head import TrainableNet, with_new_head
from imgfeat.nets import Preprocessing
from imgfeat.nets.catalog._backbones import find_backbone, new_trunk
from imgfeat.nets.catalog._registered import find_registered, is_own_code
from imgfeat.nets.catalog._small import small_stem

# Largest images, in pixels, for which a new net gets a stem of its own.
_SMALL = 64


def is_from_scratch(backbone):
    """Whether a net has no pretrained weights by its nature, sized to its images."""
    found = find_registered(backbone)
    return found is not None and found.is_sized


def is_new(backbone, weights):
    """Whether all of a net's weights are drawn at random."""
    found = find_registered(backbone)
    if found is not None and found.weights is None and weights == "default":
        return True  # there are none
    return is_from_scratch(backbone) or (isinstance(backbone, str) and weights is None)


def stated_preprocessing(backbone, weights, size, image_shape):
    """What the net is to see.

    Parameters
    ----------
    backbone : str or Module
    weights : as for `find_backbone`
    size : int, tuple or None
        As the user says.
    image_shape : tuple
        Of the first image; nets from scratch see that size, up to 128 pixels.
    """
    if is_from_scratch(backbone) and weights not in ("default", None):
        raise ValueError(
            f"{backbone} is trained from scratch, without weights. Got "
            f"weights={weights!r}; leave them out, or take a pretrained net."
        )
    if not is_from_scratch(backbone):
        weights = None if is_new(backbone, weights) else weights
        return find_backbone(backbone, weights, size=size).preprocessing
    if size is None:
        shrink = min(1.0, 128 / max(image_shape[:2]))
        size = tuple(max(1, round(side * shrink)) for side in image_shape[:2])
    # Statistics of the training images come later.
    return Preprocessing(size, (0.5,) * 3, (0.25,) * 3, crop=1.0)


def build(
    backbone,
    weights,
    preprocessing,
    n_classes,
    *,
    dropout,
    seed,
    is_empty=False,
    is_compiled=False,
):
    """Return the net, its first weights drawn by `seed`.

    Parameters
    ----------
    backbone : str or Module
    weights : as for `find_backbone`
    preprocessing : Preprocessing
    n_classes : int
    dropout : float
    seed : int
    is_empty : bool, default=False
        Leave out the weights: others are going to be loaded.
    is_compiled : bool, default=False
        Whether torch is going to compile the net, which is to be as it is then.

    Returns
    -------
    TrainableNet
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if not is_from_scratch(backbone):
            return with_new_head(
                _trunk(backbone, weights, preprocessing, seed, is_empty),
                n_classes,
                preprocessing,
                dropout=dropout,
                is_pretrained=not is_new(backbone, weights),
                is_folded=not is_compiled,
            )
        make = find_registered(backbone).factory
        body = make(n_classes, image_size=preprocessing.size, dropout=dropout)
    return TrainableNet(
        body,
        None,
        mean=preprocessing.mean,
        std=preprocessing.std,
        image_size=preprocessing.size,
    )


def _trunk(backbone, weights, preprocessing, seed, is_empty):
    if not is_new(backbone, weights):
        weights = None if is_empty else weights
        return find_backbone(backbone, weights, size=preprocessing.size).load()
    trunk = new_trunk(backbone, seed, preprocessing.size)
    if max(preprocessing.size) <= _SMALL and not is_own_code(backbone):
        small_stem(trunk.maps)
    return trunk


def learn_statistics(preprocessing, images):
    """Preprocessing with the mean and the spread of some images, channel by channel.

    Parameters
    ----------
    preprocessing : Preprocessing
    images : Tensor of shape (n, 3, height, width), uint8
    """
    x = images.double() / 255
    std = x.std(dim=(0, 2, 3), correction=0).clamp(min=1e-2)
    return replace(
        preprocessing,
        mean=tuple(x.mean(dim=(0, 2, 3)).tolist()),
        std=tuple(std.tolist()),
    )


def whiten(net, images):
    """Let a first layer that whitens learn from images, (n, 3, h, w), uint8."""
    if isinstance(net.body, nn.Module) and hasattr(net.body, "whiten"):
        net.body.whiten(net.normalize(images))
