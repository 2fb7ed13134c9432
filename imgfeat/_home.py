"""The one folder on a user's disk where imgfeat keeps what it can make again."""

import os
from pathlib import Path

from platformdirs import user_cache_path


def home():
    """Return ``IMGFEAT_HOME``, or the platform's cache folder for imgfeat.

    Nothing is created here: who writes a file makes its folder, and copes when it
    cannot.
    """
    if chosen := os.environ.get("IMGFEAT_HOME"):
        return Path(chosen).expanduser()
    # Not opinionated: that is a folder "Cache" within ours, on Windows only.
    return user_cache_path("imgfeat", appauthor=False, opinion=False)
