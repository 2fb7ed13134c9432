"""Files behind URLs, through fsspec: their content, their state, how they are shown."""

import email.utils
import functools
import hashlib
import json
import os
import re
import time
from contextlib import contextmanager
from urllib.parse import parse_qsl, unquote, urlsplit
from urllib.request import url2pathname

from imgfeat._optional import import_optional
from imgfeat.sources._decode_error import ImageDecodeError, error_text
from imgfeat.sources._limits import MAX_REMOTE_BYTES
from imgfeat.sources._timely import SilenceError, in_time, timely

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
_ANY_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://[^\s'\"<>]+")
_LOCAL = ("file", "local")
_WEB = ("http", "https")
_PIECE = 2**20
_BLOCK = 2**23
# What file systems call what changes with the content, and the time of its change.
_CHECKSUMS = (
    *("etag", "content-md5", "digest", "md5hash", "crc32c", "checksum"),
    *("generation", "versionid", "version_id", "content_md5"),
)
_TIMES = ("lastmodified", "last_modified", "last-modified", "mtime", "updated")
_SECRET = 4  # characters; text is full of what is shorter
_CLOCK_S = 2  # of the web's dates, and a second for clocks that differ


def is_url(item):
    """Whether an item of a batch is text that names a file by a URL."""
    # A search comes here for each path: what is none is told at once.
    return isinstance(item, str) and "://" in item and bool(_SCHEME.match(item))


def is_remote(item):
    """Whether it is a URL that is no file of this machine."""
    return is_url(item) and scheme_of(item) not in _LOCAL


def is_web(url):
    """Whether a web server has it, which knows pages instead of folders."""
    return scheme_of(url) in _WEB


def scheme_of(url):
    return _SCHEME.match(url)[1].lower()


def local_path(url):
    """The path that a URL of a local file says."""
    parts = urlsplit(url)
    host = parts.netloc if parts.netloc not in ("", "localhost") else ""
    return url2pathname(f"//{host}{parts.path}" if host else parts.path)


def shown_url(url):
    """The URL without what it may hold of secrets, for messages and tables.

    A user's name and password are left out. What stands behind a question mark, such as
    the signature of a bucket, becomes eight digits, so that others stay others.
    """
    scheme, rest = url.split("://", 1)
    place, _, query = rest.partition("?")
    host, slash, path = place.partition("/")
    shown = f"{scheme}://{host.rpartition('@')[2]}{slash}{path.partition('#')[0]}"
    if not query:
        return shown
    return f"{shown}?{hashlib.blake2b(query.encode(), digest_size=4).hexdigest()}"


def suffix_of(url):
    """How the name of a file ends, in small letters, dot included."""
    return os.path.splitext(urlsplit(url).path)[1].lower()


def copy_url(url, file):
    """Write a remote file, of any size, into a binary file.

    Raises
    ------
    ImageDecodeError, ModuleNotFoundError
        As `read_url` does.
    """
    with plainly(url):
        for piece in timely(lambda: _pieces(url, 0, None)):
            file.write(piece)


def read_url(url, start=0, size=None):
    """Return the bytes of a remote file, or `size` of them from `start`.

    Raises
    ------
    ImageDecodeError
        If it cannot be read, is larger than 512 MiB, or does not answer within ten
        seconds; names the URL without its secrets.
    ModuleNotFoundError
        If the package for such URLs is missing, naming it.
    """
    name, limit = shown_url(url), MAX_REMOTE_BYTES if size is None else size
    pieces, n_bytes = [], 0
    with plainly(url):
        for piece in timely(lambda: _pieces(url, start, size)):
            n_bytes += len(piece)
            if n_bytes > limit:
                what = f"it has over {limit:,} bytes"
                raise ImageDecodeError(name, what, "give a smaller file")
            pieces.append(piece)
    return b"".join(pieces)


def state_of_url(url):
    """What tells a remote file from what it was before: text, or None if nothing does.

    Raises
    ------
    ImageDecodeError, ModuleNotFoundError
        As `read_url` does.
    """

    def ask():
        system, path = file_system(url)
        system.invalidate_cache(path)  # of what was known before
        info = system.info(path)
        if not any(key.lower() in (*_CHECKSUMS, *_TIMES) for key in info):
            info = info | _time_by_itself(system, path)
        return info

    with plainly(url):
        info = in_time(ask)
    facts = {key.lower(): str(value) for key, value in info.items() if value}
    known = {key: facts[key] for key in (*_CHECKSUMS, *_TIMES) if key in facts}
    has_checksum = any(key in known for key in _CHECKSUMS)
    if not known or not (has_checksum or "size" in facts):
        return None
    if not has_checksum and _is_too_new(facts.get("last-modified")):
        return None
    return json.dumps({**known, "size": facts.get("size")}, sort_keys=True)


def _time_by_itself(system, path):
    try:
        return {"mtime": system.modified(path)}
    except NotImplementedError:
        return {}


def _is_too_new(date):
    """Whether a second change would leave the date as it is, in whole seconds."""
    if date is None:
        return False
    changed = email.utils.parsedate_to_datetime(date).timestamp()
    return time.time() - changed < _CLOCK_S


def open_url(url):
    """Return a remote file to read from its start on, as far as it is wanted."""
    system, path = file_system(url)
    return system.open(path, "rb", block_size=_BLOCK)


def file_system(url):
    """Return fsspec's file system for a URL, and what the file is called there."""
    if "::" in url:
        raise ValueError("a chain of file systems is no URL of a file")
    scheme = scheme_of(url)
    # One serves the whole web; of others it depends on the host, and on who asks.
    host = "" if is_web(url) else urlsplit(url).netloc
    system = _connected(os.getpid(), scheme, host)
    return system, system._strip_protocol(url)


@functools.lru_cache(maxsize=64)
def _connected(pid, scheme, host):
    # One for all threads, where fsspec has one for each, with connections of its own;
    # and one for each process, as what is forked cannot use those of its parent.
    system, _ = _fsspec().url_to_fs(f"{scheme}://{host}")
    return system


def _fsspec():
    return import_optional("fsspec", extra="remote", purpose="A URL")


def _pieces(url, start, size):
    system, path = file_system(url)
    if size is not None:
        yield _range(system, path, start, start + size, is_web(url))
        return
    # By default web servers are asked for parts, which not all of them have.
    # A size, which nothing looks at then, saves asking for it.
    options = {"block_size": 0, "size": 1} if is_web(url) else {}
    with system.open(path, "rb", **options) as file:
        while piece := file.read(_PIECE):
            yield piece


def _range(system, path, start, end, is_web):
    if not is_web:
        return system.cat_file(path, start=start, end=end)
    # Which reads no further, where a server sends the whole file in answer.
    with system.open(path, "rb", size=end, cache_type="none") as file:
        file.seek(start)
        return file.read(end - start)


@contextmanager
def plainly(url):
    """Make an ImageDecodeError of what a file system raises.

    It stands alone, as the error before it may show the URL with its secrets.
    """
    try:
        # What imports it may take longer than an answer.
        _fsspec().get_filesystem_class(scheme_of(url))
        yield
    except ImageDecodeError:
        raise
    except ImportError as error:
        raise ModuleNotFoundError(
            f"{scheme_of(url)}:// needs a package that is not installed: "
            f"{without_secrets(url, error)}. For the web, run: pip install "
            "'imgfeat[remote]'"
        ) from None
    except Exception as error:  # noqa: BLE001, each file system has errors of its own
        raise ImageDecodeError(shown_url(url), *_said(url, error)) from None


def _said(url, error):
    """Reason and remedy."""
    if isinstance(error, FileNotFoundError) and error.__cause__ is not None:
        error = error.__cause__  # so the web says that anything went wrong
    if isinstance(error, SilenceError):
        return str(error), "check the address and the network"
    if isinstance(error, FileNotFoundError):
        return "there is no such file", "check the URL"
    if isinstance(error, PermissionError):
        return "permission denied", "check the URL, and your credentials"
    if isinstance(error, IsADirectoryError):
        return "it is a folder", "give an image file"
    return without_secrets(url, error), "check the URL"


def without_secrets(url, error):
    """What an error says, on one line, without the secrets of a URL."""
    text = _ANY_URL.sub(lambda found: shown_url(found[0]), error_text(error))
    parts = urlsplit(url)
    secrets = [value for _, value in parse_qsl(parts.query)]
    secrets += [parts.query, parts.password, unquote(parts.password or "")]
    for secret in secrets:
        if secret and len(secret) >= _SECRET:
            text = text.replace(secret, "...")
    return text
