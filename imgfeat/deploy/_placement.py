"""Bring a loaded pipeline to the devices that are here."""

from imgfeat._devices import has_device
from imgfeat._nesting import walk
from imgfeat._traits import traits_of

_HALF = "float16", "bfloat16"


def leave_missing_devices(pipeline):
    """Let everything that was bound to a device that is not here choose one itself.

    Half precision goes with it: what was fast there would crawl on a CPU.
    """
    for _, item in walk(pipeline):
        name = traits_of(item).device_param
        if name is None or has_device(getattr(item, name)):
            continue
        setattr(item, name, "auto")
        if getattr(item, "precision", None) in _HALF:
            item.precision = "auto"
