"""What libtiff prints about a file, caught before it reaches stderr.

Pillow leaves libtiff's own handler in place, which prints, and it reads some damaged
files in spite of what was printed.
"""

import ctypes
import threading
from contextlib import contextmanager

from PIL import Image

from imgfeat._switch import HeldSwitch

# Module and format. The values follow in a form of each platform's own, and stay there.
_Handler = ctypes.CFUNCTYPE(None, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p)


class _Reading(threading.local):
    errors = None


_reading = _Reading()


@contextmanager
def libtiff_errors():
    """Yield a list that fills with what libtiff finds wrong, in this thread.

    It stays empty, and libtiff prints, where Pillow has libtiff inside of it, as on
    Windows.
    """
    _reading.errors = errors = []
    try:
        with _caught:
            yield errors
    finally:
        _reading.errors = None


@_Handler
def _keep(module, text, values):
    if _reading.errors is not None:
        words = (text or b"").decode("ascii", "replace").partition("%")[0]
        # Pillow gives all files one name.
        module = b"libtiff" if module in (None, b"tempfile.tif") else module
        where = module.decode("ascii", "replace")
        _reading.errors.append(f"{where}: {words}".strip(" :;,"))


def _setter():
    try:
        # Which asks the libraries that this one is linked to, too.
        setter = ctypes.CDLL(Image.core.__file__).TIFFSetErrorHandler
    except (AttributeError, OSError):
        return lambda handler: None
    setter.argtypes, setter.restype = [ctypes.c_void_p], ctypes.c_void_p
    return setter


_set_handler = _setter()


def _read():
    before = _set_handler(None)
    _set_handler(before)
    return before


_caught = HeldSwitch(_read, _set_handler, ctypes.cast(_keep, ctypes.c_void_p))
