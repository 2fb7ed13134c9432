"""One row of values that a store keeps, beside features."""

import numpy as np

from imgfeat.features.cache._chunk import CorruptChunkError


class OneRow:
    """A row under a key of its own.

    Parameters
    ----------
    store : Store or NoStore
    digest : bytes of length 16
    """

    def __init__(self, store, digest):
        self._store = store
        self._key = np.frombuffer(digest, dtype=np.uint64).reshape(1, 2)

    def find(self):
        """The row, or None if it is not there or damaged, which is said."""
        for chunk, _, places in self._store.find(self._key):
            try:
                return chunk.read("values", places[0], places[0] + 1)[0]
            except (CorruptChunkError, OSError) as error:
                self._store.discard(chunk, error)
        return None

    def keep(self, row):
        """Keep a row, unless there is one."""
        if not any(True for _ in self._store.find(self._key)):
            self._store.add(self._key, {"values": np.asarray(row)[np.newaxis]})
