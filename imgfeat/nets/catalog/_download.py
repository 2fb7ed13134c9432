"""Bring a file from a URL to a path: whole, of the right hash, or not there.

What came before a connection broke is kept beside the path, and the next try goes on
behind it. No library that we could take does both this and the check of a hash:
huggingface_hub goes on but downloads from its hub only, pooch and torch.hub check a
hash but begin again.
"""

import hashlib
import os
import urllib.error
import urllib.request
from contextlib import suppress
from http.client import HTTPException
from uuid import uuid4

from imgfeat._progress import progress

_TIMEOUT_S = 30
_CHUNK = 1 << 20
_PARTIAL_CONTENT, _RANGE_NOT_SATISFIABLE = 206, 416


def download(url, path, *, sha256=None, verbose=0):
    """Download `url` to `path`, whose folder is there.

    Parameters
    ----------
    url : str
    path : Path
    sha256 : str, optional
        The hash of the content, or its beginning. Only with it is a download resumed,
        as nothing else would tell that the file there is still the same.
    verbose : int, default=0
        Show progress.

    Returns
    -------
    str
        The sha256 of the content.

    Raises
    ------
    OSError
        If the connection fails or breaks.
    ValueError
        If the content has another hash; nothing is kept then.
    """
    begun = path.with_name(f".{path.name}.part")
    # Under a name of its own, as another process may be fetching the same.
    unfinished = path.with_name(f".{path.name}.{uuid4().hex}")
    if sha256 is not None:
        with suppress(OSError):
            os.replace(begun, unfinished)
    try:
        with unfinished.open("a+b") as part:
            got = _copy(url, part, f"Fetching {path.name}", verbose)
            part.flush()
            os.fsync(part.fileno())
        if sha256 and not got.startswith(sha256):
            raise ValueError(
                f"{url} should have a sha256 that starts with {sha256[:8]}. Got "
                f"{got[:8]}; the download is damaged or another file lies there. "
                "Nothing was kept; try again."
            )
        os.replace(unfinished, path)
    except (OSError, KeyboardInterrupt):
        if sha256 and unfinished.exists() and unfinished.stat().st_size:
            os.replace(unfinished, begun)
        raise
    finally:
        with suppress(OSError):  # what went wrong is said, not what followed from it
            unfinished.unlink(missing_ok=True)
    return got


def _copy(url, part, title, verbose):
    """Write what lies at `url` behind what `part` holds already; return its sha256."""
    with _open(url, part.seek(0, os.SEEK_END)) as answer:
        if answer.status != _PARTIAL_CONTENT:  # all of it comes, from the beginning
            part.truncate(0)
        part.seek(0)
        digest = hashlib.file_digest(part, "sha256")
        n_bytes = part.tell()
        to_come = int(answer.headers.get("Content-Length") or 0)
        total = to_come and n_bytes + to_come
        with progress(f"{title}, MB", total / 1e6, verbose) as advance:
            advance(n_bytes / 1e6)
            for chunk in _chunks(answer, url):
                part.write(chunk)
                digest.update(chunk)
                n_bytes += len(chunk)
                advance(len(chunk) / 1e6)
    if total and n_bytes != total:
        raise OSError(f"{url} should have {total} bytes, but only {n_bytes} came")
    return digest.hexdigest()


def _chunks(answer, url):
    try:
        while chunk := answer.read(_CHUNK):
            yield chunk
    except HTTPException as error:  # which is no OSError
        raise OSError(f"{url}: {error}") from error


def _open(url, start):
    """Ask for the bytes of `url` from `start` on; who answers may give all of them."""
    headers = {"User-Agent": "imgfeat"}
    if start:
        headers["Range"] = f"bytes={start}-"
    request = urllib.request.Request(url, headers=headers)
    try:
        return urllib.request.urlopen(request, timeout=_TIMEOUT_S)
    except urllib.error.HTTPError as error:
        if not start or error.code != _RANGE_NOT_SATISFIABLE:
            raise
        error.close()
        return _open(url, 0)
