"""Which files a URL stands for: a folder's, a pattern's, or the one it names."""

import re
from urllib.parse import urlsplit

from imgfeat.sources._timely import in_time
from imgfeat.sources._url import file_system, is_web, plainly, shown_url

_LISTING_S = 3600  # a bucket lists a thousand files in a twentieth of a second


def has_remote_wildcard(url):
    """Whether ``*`` or ``[`` stands in the path of a URL; ``?`` begins a query."""
    return any(sign in urlsplit(url).path for sign in "*[")


def find_by_url(url):
    """Return the URLs of all files that a URL stands for, sorted; itself, if of one.

    Parameters
    ----------
    url : str
        Of a file; of a folder, which on the web ends in a slash; or a pattern.

    Raises
    ------
    FileNotFoundError
        If there is nothing.
    ImageDecodeError
        If the server does not answer, or refuses.
    """
    if has_remote_wildcard(url):
        _ask_for(re.split(r"[^/]*[*[]", url)[0])  # which answers soon, or never
        return _listed(url, lambda system, path: system.glob(path))
    if is_web(url):
        # A page that says what lies in a folder is told by its name alone.
        is_folder = urlsplit(url).path.endswith("/")
    else:
        is_folder = _is_folder(url)
    if not is_folder:
        return [url]
    return _listed(url, lambda system, path: system.find(path))


def _is_folder(url):
    kind = _ask_for(url)
    if kind is None:
        raise FileNotFoundError(
            f"There is no file or folder {shown_url(url)}; check the URL."
        )
    return kind == "directory"


def _ask_for(url):
    """What there is, ``"file"``, ``"directory"`` or None, and that soon."""

    def ask():
        system, path = file_system(url)
        try:
            return system.info(path)["type"]
        except FileNotFoundError:
            return None

    with plainly(url):
        return in_time(ask)


def _listed(url, find):
    def ask():
        system, path = file_system(url)
        found = sorted(map(system.unstrip_protocol, find(system, path)))
        system.invalidate_cache()  # which holds all that was found
        return found

    with plainly(url):
        return in_time(ask, first_s=_LISTING_S)
