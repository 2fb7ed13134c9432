"""Chunks of descriptors whose rows are made again when their file is lost."""

import numpy as np

from imgfeat.features.cache._chunk import CorruptChunkError
from imgfeat.features.cache._keys import row_keys
from imgfeat.features.cache._store import warn_of_damage
from imgfeat.sources._source import source_of


class Maker:
    """Describes some images again.

    Parameters
    ----------
    transformer : estimator
    items : list
        Images, as in a batch.
    keys : ndarray of shape (n_images, 2), uint64
        What they are known by.
    """

    def __init__(self, transformer, items, keys):
        self._transformer = transformer
        self._items = items
        self._keys = keys

    def __call__(self, at):
        """Descriptors of the images at some places; ValueError if they have changed."""
        items = [self._items[place] for place in at]
        keys, _ = row_keys([source_of(item) for item in items])
        if not np.array_equal(keys, self._keys[at]):
            raise ValueError("the images are gone, or no longer what they were")
        return self._transformer.transform(items)

    def __getstate__(self):
        # Paths travel; images in memory would make a pickle as large as they are.
        is_stored = [source_of(item).is_stored for item in self._items]
        items = [
            item if stored else None
            for item, stored in zip(self._items, is_stored, strict=True)
        ]
        return {**self.__dict__, "_items": items}


class RenewableChunk:
    """Descriptors in a file, or made again where it is gone or damaged.

    Parameters
    ----------
    chunk : FileChunk or MemoryChunk
    first, counts : ndarray of shape (n_images,), int64
        Where in the chunk each image's descriptors start, and how many they are.
    make : Maker
        Describes these images.
    """

    def __init__(self, chunk, first, counts, make):
        self._chunk = chunk
        self._first = first
        self._counts = counts
        self._make = make

    def read(self, name, start, stop):
        """Rows `start` to `stop` of one of the arrays; whole images."""
        try:
            return self._chunk.read(name, start, stop)
        except (CorruptChunkError, OSError) as error:
            found = self._made_again(name, start, stop, error)
            if isinstance(error, CorruptChunkError):
                warn_of_damage(error)
            return found

    def _made_again(self, name, start, stop, lost):
        is_within = (self._first >= start) & (self._first < stop) & (self._counts > 0)
        at = np.flatnonzero(is_within)
        # In the order of the chunk; an image that comes twice is in it once.
        at = at[np.unique(self._first[at], return_index=True)[1]]
        try:
            descriptors = self._make(at)
        except (ValueError, OSError) as error:
            raise lost from error
        if not np.array_equal(descriptors.n_per_image, self._counts[at]):
            raise lost
        return np.asarray(getattr(descriptors, name))
