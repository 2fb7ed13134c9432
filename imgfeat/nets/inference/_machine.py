"""What this machine has to run nets with, and what is chosen of it."""

from typing import Any

from imgfeat._cpu import cpu_features, cpu_model, has_bfloat16, n_cores
from imgfeat._devices import find_device
from imgfeat._home import NoHomeError, home
from imgfeat._threads import usable_threads
from imgfeat.nets.inference._choice import kept_choices
from imgfeat.nets.inference._engines import ENGINES


def describe_machine() -> dict[str, Any]:
    """Return what nets are run with here.

    Nothing is timed, and no engine is imported to find out.

    Returns
    -------
    dict
        ``cpu``: ``model``, ``cores``, ``usable`` threads, ``features`` and whether it
        computes in ``bfloat16``. ``device``: what "auto" is. ``engines``: by name,
        whether it is ``installed``, and the ``extra`` that brings it. ``exports``:
        number and bytes of exported nets that are kept. ``choices``: a dict each for
        the nets that were timed here: ``net``, ``size`` of images in pixels,
        ``chosen`` (engine, precision) and ``timed``, in images per second.

    Examples
    --------
    >>> from imgfeat.nets import describe_machine
    >>> describe_machine()["engines"]["torch"]
    {'installed': True, 'extra': None}
    """
    return {
        "cpu": {
            "model": cpu_model(),
            "cores": n_cores(),
            "usable": usable_threads(None),
            "features": list(cpu_features()),
            "bfloat16": has_bfloat16(),
        },
        "device": find_device("auto"),
        "engines": {
            name: {"installed": kind.is_here(), "extra": kind.extra}
            for name, kind in ENGINES.items()
        },
        "exports": _exports(),
        "choices": [
            {key: record[key] for key in ("net", "size", "chosen", "timed")}
            for record in kept_choices()
        ],
    }


def _exports():
    try:
        sizes = [path.stat().st_size for path in (home() / "onnx").glob("*.onnx-cache")]
    except (NoHomeError, OSError):
        sizes = []
    return {"n": len(sizes), "bytes": sum(sizes)}
