"""timm's nets, as ``timm/NAME`` or ``timm/NAME.TAG``."""

from functools import lru_cache

import torch
from torch import nn

from imgfeat.nets._pooling import pool
from imgfeat.nets._preprocessing import Preprocessing
from imgfeat.nets._trunk import Trunk
from imgfeat.nets.catalog._spec import NetSpec, library
from imgfeat.nets.catalog._weights_files import WeightsFile

PREFIX = "timm/"

# What timm's own loading raises when tensors belong to another net.
_MISFITS = (RuntimeError, LookupError, ValueError, TypeError, AttributeError)


def list_names():
    """Return the names of all nets, without tags and with the prefix."""
    return [PREFIX + name for name in library("timm").list_models()]


def list_tags(name):
    """Return the tags of a net's weights, the default one first."""
    architecture = _split(name)[0]
    configs = library("timm").models.get_arch_pretrained_cfgs(architecture)
    tags = [config.tag or "" for config in configs.values() if config.has_weights]
    default = get_config(architecture).tag or ""
    return sorted(tags, key=lambda tag: tag != default)


def get_config(name):
    """Return timm's ``PretrainedCfg`` of "NAME" or "NAME.TAG"."""
    name = name.removeprefix(PREFIX)
    return library("timm").models.get_pretrained_cfg(name, allow_unregistered=False)


def is_name(name):
    """Whether timm knows "timm/NAME" or "timm/NAME.TAG"."""
    architecture, _ = _split(name)
    if not library("timm").is_model(architecture):
        return False
    try:
        return get_config(name) is not None
    except RuntimeError:  # of no such tag
        return False


def make_spec(name, tag=None, size=None):
    """Return the NetSpec of a net with its own, or another, tag.

    An embedding with ``pooling="auto"`` is what timm gives for ``num_classes=0``.

    Parameters
    ----------
    name : str
    tag : str, optional
    size : int or tuple of (int, int), optional
        Height and width in pixels for which a transformer's positions are laid out; a
        net that takes one size only, or any, does not look at it.

    Raises
    ------
    ValueError
        If a side is no multiple of the transformer's patches.
    """
    architecture, own_tag = _split(name)
    tag = own_tag if tag is None else tag
    timm_name = f"{architecture}.{tag}" if tag else architecture
    config = get_config(timm_name)
    file = get_file(config)
    tag = config.tag or "imagenet1k"
    seen = Preprocessing.from_config(config.to_dict())
    options = {}
    if config.fixed_input_size:
        laid_out = _lay_out(name, timm_name, seen, size)
        if laid_out != seen:  # timm interpolates the positions of a file
            seen, options = laid_out, {"img_size": laid_out.size}
    return NetSpec(
        name=name,
        preprocessing=seen,
        tag=tag if file is not None else "none",
        make=lambda: library("timm").create_model(timm_name, **options),
        cut=TimmTrunk,
        find=lambda: _find(file, PREFIX + timm_name),
        fixed_size=config.fixed_input_size,
        min_size=_min_size(config),
        file=file,
        adapt=lambda state: _adapt(timm_name, state, options),
    )


def get_file(config):
    """Return the WeightsFile of a ``PretrainedCfg``, or None if there are no weights.

    timm takes the Hugging Face hub's file where there is one.
    """
    if not config.has_weights:
        return None
    stem = ".".join(filter(None, (config.architecture, config.tag)))
    names = [f"{stem}{suffix}" for suffix in (".safetensors", ".pth", ".bin")]
    if config.url:
        names.append(config.url.rsplit("/", 1)[-1])
    if not config.hf_hub_id:
        return WeightsFile((names[-1], *names[:-1]), url=config.url)
    given = config.hf_hub_filename
    files = (given,) if given else ("model.safetensors", "pytorch_model.bin")
    return WeightsFile(
        tuple(names), url=config.url, repo=config.hf_hub_id, repo_files=files
    )


class TimmTrunk(Trunk):
    """One of timm's nets, without its classifier.

    Its own pooling, and what follows it, is whatever the net does.

    Parameters
    ----------
    net : Module
        With its head, which is taken off.
    """

    def __init__(self, net):
        net.reset_classifier(0)
        n_prefix = getattr(net, "num_prefix_tokens", 0)
        super().__init__(_Features(net), n_prefix=n_prefix)

    def forward(self, x, pooling, image_size):
        options = {"image_size": image_size, "n_prefix": self.n_prefix}
        if pooling == "auto":
            x = self.maps.net(x)
            # A few nets pool nothing when they have no classifier.
            return x if x.ndim == 2 else pool(x, "avg", **options)
        return pool(self.maps(x), pooling, **options)


class _Features(nn.Module):
    """The last maps or tokens of one of timm's nets."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        return self.net.forward_features(x)


def _split(name):
    architecture, _, tag = name.removeprefix(PREFIX).partition(".")
    return architecture, tag


def _lay_out(name, timm_name, seen, size):
    """The preprocessing at another size, where the net's positions allow it."""
    changed = seen.with_changes(size=size)
    if changed == seen:
        return seen
    patch = _patch_of(timm_name)
    if patch is None:
        return seen
    if any(side % step for side, step in zip(changed.size, patch, strict=True)):
        near = tuple(
            max(step, round(side / step) * step)
            for side, step in zip(changed.size, patch, strict=True)
        )
        raise ValueError(
            f"{name} cuts images into patches of {patch[0]} x {patch[1]} pixels, and "
            f"needs sides that are multiples of that. Got size={changed.size}; the "
            f"nearest is {near}."
        )
    return changed


@lru_cache(maxsize=256)
def _patch_of(timm_name):
    """Height and width of a plain vision transformer's patches; None of other nets."""
    models = library("timm").models
    entry = models.model_entrypoint(timm_name.partition(".")[0])
    if entry.__module__ != models.vision_transformer.__name__:
        return None
    with torch.random.fork_rng(devices=[]), torch.device("meta"):
        net = library("timm").create_model(timm_name)
    is_plain = (
        type(net) is models.VisionTransformer
        and type(net.patch_embed) is library("timm").layers.PatchEmbed
        and net.pos_embed is not None
    )
    return tuple(net.patch_embed.patch_size) if is_plain else None


def _min_size(config):
    # Older versions of timm, and most nets, state none.
    stated = getattr(config, "min_input_size", None)
    return None if stated is None else tuple(stated[1:])


def _find(file, name):
    if file is None:
        raise FileNotFoundError(
            f"{name} has no pretrained weights in timm. Pass weights=None for random "
            "weights, or the path of a file."
        )
    return file.find(name)


def _adapt(timm_name, state, options):
    """Let timm rename tensors, as it does for files of a net's authors.

    And interpolate a transformer's positions, where `options` ask for another size.
    """
    try:
        with torch.random.fork_rng(devices=[]):
            return library("timm").create_model(
                timm_name,
                pretrained=True,
                pretrained_cfg_overlay={"state_dict": state},
                **options,
            )
    except _MISFITS:
        return None
