"""The one folder on a user's disk where imgfeat keeps what it can make again."""

import os
import sys
from pathlib import Path


def home():
    """Return ``IMGFEAT_HOME``, or the platform's cache folder for imgfeat.

    Nothing is created here: who writes a file makes its folder, and copes when it
    cannot.
    """
    if chosen := os.environ.get("IMGFEAT_HOME"):
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "imgfeat"
