"""Names of millions of images in little memory: compressed, in order, each once."""

import hashlib
import json
import zlib
from array import array

import numpy as np

_BLOCK = 4096  # rows that are unpacked at a time
_FASTEST = 1


class ListedRows:
    """Rows of a listing: an id, and what says where the image lies.

    Names of files have much in common with their neighbours, so that a row takes ten to
    thirty bytes here, an eighth of what it takes as text.

    Attributes
    ----------
    digest : str
        Of all rows in their order, once they are sealed.
    """

    def __init__(self):
        self._blocks = []
        self._next = []
        self._n_rows = 0
        self._hashes = array("q")
        self._digest = hashlib.blake2b(digest_size=16)

    def __len__(self):
        return self._n_rows

    def add(self, id, *place):
        """Add a row; `place` are texts and numbers."""
        self._next.append((id, *place))
        self._hashes.append(hash(id))
        self._n_rows += 1
        if len(self._next) == _BLOCK:
            self._pack()

    def seal(self):
        """End the adding.

        Returns
        -------
        tuple of (id, row, row) or None
            The first id that comes twice, and where it does, if there is any.
        """
        self._pack()
        hashes = np.sort(np.frombuffer(self._hashes, dtype=np.int64))
        suspects = set(hashes[1:][hashes[1:] == hashes[:-1]].tolist())
        self.digest = self._digest.hexdigest()
        del self._hashes, self._digest  # a hash could not be sent to another process
        return self._find_repeated(suspects) if suspects else None

    def __iter__(self):
        """Yield the rows as lists, of an id and its place."""
        for block in self._blocks:
            yield from json.loads(zlib.decompress(block))

    def _pack(self):
        # Names need not be UTF-8, which JSON's escapes allow for.
        content = json.dumps(self._next).encode()
        self._next = []
        self._digest.update(content)
        self._blocks.append(zlib.compress(content, _FASTEST))

    def _find_repeated(self, suspects):
        first = {}
        for row, (id, *_) in enumerate(self):
            # Two ids may share a hash, so that the ids themselves are compared.
            if hash(id) in suspects and first.setdefault(id, row) != row:
                return id, first[id], row
        return None
