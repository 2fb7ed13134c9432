"""Imports of whole rooms, for commands that are to begin soon."""

import gc
from contextlib import contextmanager


@contextmanager
def importing():
    """Look for no garbage while the block imports, nor later among what it makes.

    Imports make objects by the hundred thousand, which stay. To go through them again
    and again takes a fifth of the time of the imports, and more afterwards.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.freeze()
