"""What stands in for a store where there is no folder to keep features in."""

from contextlib import contextmanager

import numpy as np

from imgfeat._home import NoHomeError
from imgfeat._once import warn_once
from imgfeat.features.cache._cache_folder import cache_folder
from imgfeat.features.cache._chunk import MemoryChunk
from imgfeat.features.cache._store import CacheWarning, open_store


def find_store(location, key, description):
    """Return the store of one transformer, or what keeps nothing where it cannot be.

    Parameters
    ----------
    location : path or None
        As for `CachedFeatures`.
    key, description
        As for `open_store`.
    """
    try:
        folder = cache_folder(location)
    except NoHomeError as error:
        return no_store(error)
    return open_store(folder, key, description)


def no_store(error):
    """Return a `NoStore`, and say once in a process that it keeps nothing.

    Parameters
    ----------
    error : NoHomeError
        Says why, and what to do.
    """
    message = f"Features are not kept, and are computed again every time. {error}"
    warn_once(("cache", None), message, CacheWarning)
    return NoStore()


class NoStore:
    """A `Store` that is always empty."""

    def refresh(self):
        return False

    def find(self, keys):
        return ()

    def add(self, keys, arrays):
        return MemoryChunk(arrays)

    @contextmanager
    def claiming(self, keys):
        yield np.ones(len(keys), dtype=bool)

    def wait(self):
        """Nobody else has it: there is nothing to wait for."""
