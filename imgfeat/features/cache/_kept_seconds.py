"""What an image takes, measured once on a computer and kept beside the features."""

import json
import os
import platform

import numpy as np

from imgfeat._home import NoHomeError
from imgfeat._threads import count_threads
from imgfeat.features.cache._cache_folder import cache_folder
from imgfeat.features.cache._chunk import CorruptChunkError
from imgfeat.features.cache._keys import transformer_key
from imgfeat.features.cache._no_store import no_store
from imgfeat.features.cache._store import open_store
from imgfeat.sources._source import hash_parts


class KeptSeconds:
    """A number of seconds, by transformer, computer, cores and threads.

    Parameters
    ----------
    transformer : estimator
        Learns nothing.
    location : path, optional
        As for `CachedFeatures`.
    """

    def __init__(self, transformer, location=None):
        key, description = transformer_key(transformer)
        self._key = np.frombuffer(_place_of(transformer), np.uint64).reshape(1, 2)
        name = hash_parts(b"seconds", bytes.fromhex(key)).hex()
        try:
            self._store = open_store(cache_folder(location), name, description)
        except NoHomeError as error:
            self._store = no_store(error)

    def find(self):
        """The seconds, or None if they have not been measured here."""
        for chunk, _, places in self._store.find(self._key):
            try:
                return float(chunk.read("values", places[0], places[0] + 1)[0, 0])
            except (CorruptChunkError, OSError) as error:
                self._store.discard(chunk, error)
        return None

    def keep(self, seconds):
        """Keep the seconds for later runs."""
        self._store.add(self._key, {"values": np.array([[seconds]])})


def _place_of(transformer):
    """A digest of what the time depends on, beside the transformer."""
    params = transformer.get_params()
    threads = {name: params[name] for name in params if name.endswith("n_jobs")}
    limit = os.environ.get("OMP_NUM_THREADS")
    facts = [platform.node(), count_threads(-1), limit, sorted(threads.items())]
    return hash_parts(b"seconds on", json.dumps(facts).encode())
