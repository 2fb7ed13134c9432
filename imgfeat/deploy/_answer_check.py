"""What the fresh process does that tries a saved file."""

import json
import os
import sys

from imgfeat._nesting import walk
from imgfeat._traits import traits_of
from imgfeat.deploy._bundle import load_to_check
from imgfeat.deploy._errors import BundleError


def answer(request):
    """Load a file, compare its answers, and print what is wrong as JSON."""
    _hide(request["hidden"])
    try:
        load_to_check(request["written"], request["path"], _hasten)
    except BundleError as error:
        found = {"error": type(error).__name__, "message": str(error)}
    else:
        found = {}
    print(json.dumps(found), flush=True)


def _hide(places):
    """Refuse to open what lies in these files and folders."""

    def refuse(event, arguments):
        if event != "open" or not isinstance(arguments[0], str | bytes | os.PathLike):
            return
        name = os.path.realpath(os.fsdecode(arguments[0]))
        if any(name == place or name.startswith(place + os.sep) for place in places):
            raise FileNotFoundError(f"{name} is hidden from the check of a saved file")

    if places:
        sys.addaudithook(refuse)


def _hasten(pipeline):
    """Let nets that choose run as they are: an export or a compile takes long."""
    for _, item in walk(pipeline):
        if traits_of(item).holds_net and getattr(item, "engine", None) == "auto":
            item.engine = "torch"
            item.compile = False
