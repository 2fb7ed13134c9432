"""Nets by name: which there are, and what is known of each."""

import difflib

from imgfeat.nets.catalog import (
    _lite,
    _registered_spec,
    _small,  # noqa: F401  Ours without weights, which this registers.
    _timm,
    _torchvision,
)
from imgfeat.nets.catalog._registered import (
    find_registered,
    list_registered,
    register_backbone,
)
from imgfeat.nets.catalog._timm import PREFIX

__all__ = ["get_spec", "has_tag", "list_names", "list_tags", "register_backbone"]


def list_names():
    """Return the names of all nets but timm's, the default one first."""
    registered = [found.name for found in list_registered()]
    return [*_lite.NETS, *registered, *_torchvision.list_names()]


def list_tags(name):
    """Return the tags of a net's weights, the default one first."""
    if name in _lite.NETS:
        return [_lite.TAG]
    if name.startswith(PREFIX):
        return _timm.list_tags(name)
    if find_registered(name) is not None:
        return []
    return _torchvision.list_tags(name)


def get_spec(name, tag=None, size=None):
    """Return the NetSpec of a name, or say which names are close.

    Parameters
    ----------
    name : str
        ``timm/NAME`` or ``timm/NAME.TAG`` is a net of timm.
    tag : str, optional
        Of its weights, in upper or lower case; the default ones if None.
    size : int or tuple of (int, int), optional
        Height and width in pixels, for a net that is sized to its images, or whose
        positions can be laid out for them.

    Raises
    ------
    ValueError
        If no net has the name, or no weights of it have the tag.
    """
    if name in _lite.NETS:  # without a wait for torchvision
        _find_tag(name, tag)
        return _lite.make_spec(name)
    if (found := find_registered(name)) is not None:
        if tag is not None:
            _find_tag(name, tag)
        return _registered_spec.make_spec(found, size)
    if name.startswith(PREFIX):
        if _timm.is_name(name):
            return _timm.make_spec(name, _own_tag(name, tag), size)
    elif _torchvision.is_name(name):
        return _torchvision.make_spec(name, _find_tag(name, tag))
    raise ValueError(
        f"There is no backbone {name!r}. {_hint(name)}Known are "
        f"{_lite.NAME}, torchvision's (resnet50, vit_b_16) and timm's (timm/NAME), "
        "which list_backbones() lists; or pass a torch.nn.Module, or import what "
        "registers the net."
    )


def has_tag(name, tag):
    """Whether weights of the net have this tag, in upper or lower case."""
    return tag.lower() in (known.lower() for known in list_tags(name))


def _own_tag(name, tag):
    """The tag to take of one of timm's nets, whose name may hold one itself."""
    tag = None if tag is None else _find_tag(name, tag)
    own = name.partition(".")[2]
    if own and tag not in (None, own):
        raise ValueError(
            f"The name {name!r} and weights={tag!r} ask for different weights; leave "
            "the tag out of one of them."
        )
    return tag


def _find_tag(name, tag):
    tags = list_tags(name)
    if tag is None:
        return tags[0]
    for known in tags:
        if known.lower() == tag.lower():
            return known
    close = difflib.get_close_matches(tag.lower(), map(str.lower, tags), 1, 0.5)
    hint = f"Did you mean {close[0]!r}? " if close else ""
    known = ", ".join(map(str.lower, tags)) or "none"
    raise ValueError(
        f"{name} has no weights {tag!r}. {hint}Its tags are: {known}; or pass the path "
        "of a file."
    )


def _hint(name):
    """Names that are close, with or without timm's prefix."""
    bare = name.lower().removeprefix(PREFIX).partition(".")[0]
    whole = name.lower()
    known = [*list_names(), *_timm.list_names()]
    if PREFIX + bare in known:
        close = [PREFIX + bare]
        if whole.startswith(PREFIX):  # so it is the tag that nobody knows
            close = [f"{PREFIX}{bare}.{tag}" for tag in _timm.list_tags(bare) if tag]
            close = difflib.get_close_matches(whole, close, 1, 0.0) or [PREFIX + bare]
    elif whole.startswith(PREFIX):
        close = difflib.get_close_matches(PREFIX + bare, known, 1, 0.6)
    else:
        # Our own names first: timm has a near namesake of nearly everything.
        close = difflib.get_close_matches(bare, list_names(), 1, 0.8)
        names = {known_name.removeprefix(PREFIX): known_name for known_name in known}
        names |= {known_name: known_name for known_name in list_names()}
        close = close or difflib.get_close_matches(bare, names, 1, 0.5)
        close = [names[found] for found in close]
    return f"Did you mean {close[0]!r}? " if close else ""
