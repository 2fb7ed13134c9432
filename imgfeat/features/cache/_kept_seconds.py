"""What an image takes, measured once on a computer and kept beside the features."""

import json
import os
import platform

from imgfeat._threads import count_threads
from imgfeat.features.cache._keys import transformer_key
from imgfeat.features.cache._no_store import find_store
from imgfeat.features.cache._one_row import OneRow
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
        name = hash_parts(b"seconds", bytes.fromhex(key)).hex()
        store = find_store(location, name, description)
        self._row = OneRow(store, _place_of(transformer))

    def find(self):
        """The seconds, or None if they have not been measured here."""
        row = self._row.find()
        return None if row is None else float(row[0])

    def keep(self, seconds):
        """Keep the seconds for later runs."""
        self._row.keep([seconds])


def _place_of(transformer):
    """A digest of what the time depends on, beside the transformer."""
    params = transformer.get_params()
    threads = {name: params[name] for name in params if name.endswith("n_jobs")}
    limit = os.environ.get("OMP_NUM_THREADS")
    facts = [platform.node(), count_threads(-1), limit, sorted(threads.items())]
    return hash_parts(b"seconds on", json.dumps(facts).encode())
