"""When, where and with what a page was made."""

import datetime
import os
import platform
from pathlib import Path

import numpy as np
import sklearn

from imgfeat import __version__


def foot(about):
    """Facts for the foot of a page.

    Parameters
    ----------
    about : dict of {str: str} or None
        Further ones, which come first.

    Returns
    -------
    dict of {str: str}
    """
    versions = f"imgfeat {__version__}, scikit-learn {sklearn.__version__}, numpy "
    return {
        **(about or {}),
        "date": f"{datetime.datetime.now():%Y-%m-%d %H:%M}",
        "versions": f"{versions}{np.__version__}, Python {platform.python_version()}",
        "machine": f"{platform.system()} {platform.machine()}, {_processor()}, "
        f"{os.cpu_count()} cores",
    }


def _processor():
    """Its name; only Linux does not tell Python."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2] for line in lines if line.startswith("model name")]
    return names[0].strip() if names else platform.processor() or "processor not known"
