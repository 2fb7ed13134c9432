"""Decoders' warnings about files that we read stay with us.

They name no file, and whether a photo can be read would depend on the filters of the
program. Filters belong to the program, though, and are shared by all threads. So
their modules find a stand-in for ``warnings`` in their namespaces that swallows what is
warned of in a thread while we decode in it, and passes on the rest.
"""

import threading
import warnings
from contextlib import contextmanager

from PIL import Image, JpegImagePlugin, PngImagePlugin, TiffImagePlugin

_LOUD = (Image, JpegImagePlugin, PngImagePlugin, TiffImagePlugin)


class _Reading(threading.local):
    depth = 0


_reading = _Reading()


@contextmanager
def no_warnings():
    """Swallow what Pillow and pydicom warn of in this thread."""
    _reading.depth += 1
    try:
        yield
    finally:
        _reading.depth -= 1


class _StandIn:
    """The module ``warnings``, but for what we swallow."""

    def __getattr__(self, name):
        return getattr(warnings, name)

    def warn(self, message, category=None, stacklevel=1, **options):
        if not _reading.depth:
            # One level more, for this function: it is the caller's line that counts.
            warnings.warn(message, category, stacklevel + 1, **options)


def hush(module):
    """Let `no_warnings` reach what a module warns of.

    Parameters
    ----------
    module : module
        That has imported ``warnings``.
    """
    if not isinstance(module.warnings, _StandIn):
        module.warnings = _StandIn()


for _module in _LOUD:
    hush(_module)
