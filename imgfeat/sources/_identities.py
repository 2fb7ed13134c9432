"""What many images are known by, found with as little asking as can be."""

import functools
import os

from imgfeat._threads import map_threads

_THREADS = 16  # which wait for servers


def identities_of(sources):
    """Return ``source.identity()`` of each.

    Parameters
    ----------
    sources : sequence of Source

    Returns
    -------
    list of (bytes or None)
    """
    # Folders are looked up once, and not remembered: their links may change.
    resolve = functools.cache(os.path.realpath)
    remote = [row for row, source in enumerate(sources) if source.is_remote]
    found = map_threads(lambda row: sources[row].identity(resolve), remote, _THREADS)
    known = dict(zip(remote, found, strict=True))
    return [
        known[row] if row in known else source.identity(resolve)
        for row, source in enumerate(sources)
    ]
