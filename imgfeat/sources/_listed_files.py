"""Which files a name stands for: a folder's, a pattern's, or the one of that name."""

import glob
import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from imgfeat._home import expanded
from imgfeat.sources._folder import SUFFIXES, find_images, is_image_file, is_litter
from imgfeat.sources._labelled import listed
from imgfeat.sources._patterns import expand_braces, has_braces, has_wildcard
from imgfeat.sources._remote_files import find_by_url, has_remote_wildcard
from imgfeat.sources._url import is_remote, shown_url, suffix_of

SHARD = ".tar"
_COMPRESSED = (".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst")


@dataclass
class NamedFiles:
    """What a name stands for, each kind in order; one of both is empty."""

    images: list = field(default_factory=list)
    shards: list = field(default_factory=list)
    left_out: Counter = field(default_factory=Counter)


def find_named(source):
    """Find the image files, or the tar shards, that a folder, pattern or name means.

    Parameters
    ----------
    source : str
        Path or URL.

    Returns
    -------
    NamedFiles
        A folder's images, or its shards if it has no image. A file that is named
        counts as an image, whatever it is; so does what a pattern finds and
        `load_image_folder` would take.

    Raises
    ------
    FileNotFoundError
        If there is nothing of that name.
    ValueError
        If there is no image, or a pattern finds both kinds, or a compressed shard.
    """
    if is_remote(source):
        return _checked(_by_url(source), shown_url(source))
    path = os.fspath(expanded(source))
    if os.path.isdir(path):
        found = _in_folder(path)
    elif os.path.lexists(path):
        found = _sorted_out([path])
    elif has_wildcard(path) or has_braces(path):
        found = _by_pattern(path)
    else:
        raise FileNotFoundError(
            f"There is no file or folder {path}; check the path (working directory: "
            f"{os.getcwd()})."
        )
    return _checked(found, path)


def _in_folder(path):
    found = NamedFiles()
    found.images = find_images(path, path, found.left_out)
    if not found.images:
        below = os.path.join(glob.escape(path), "**", f"*{SHARD}")
        found.shards = sorted(filter(os.path.isfile, glob.glob(below, recursive=True)))
        found.left_out -= Counter({SHARD: len(found.shards)})
    return found


def _by_pattern(path):
    names = expand_braces(path)
    if not has_wildcard(path):
        missing = [name for name in names if not os.path.lexists(name)]
        if missing:
            raise FileNotFoundError(
                f"{path} needs each of its {len(names)} files. Got {len(missing)} that "
                f"do not exist, the first is {missing[0]}; correct the braces."
            )
        return _sorted_out(names)
    matches, left_out = [], Counter()
    for name in names:
        for match in sorted(glob.glob(name, recursive=True)):
            if os.path.isdir(match):
                # All that is below a ** comes by itself.
                if "**" not in name:
                    matches += find_images(match, match, left_out)
            elif is_image_file(match) or match.lower().endswith((SHARD, *_COMPRESSED)):
                matches.append(match)
            else:
                left_out[os.path.splitext(match)[1].lower() or "without suffix"] += 1
    found = _sorted_out(dict.fromkeys(matches))
    found.left_out = left_out
    return found


def _by_url(url):
    found = NamedFiles()
    for named in expand_braces(url):
        matches = find_by_url(named)
        if matches != [named]:
            matches = list(_counted(matches, named, found.left_out))
        some = _sorted_out(matches)
        if some.images and not has_remote_wildcard(named):
            some.shards = []  # as of a folder here
        found.images += some.images
        found.shards += some.shards
    return found


def _counted(urls, base, left_out):
    """Those that count, by their names alone: to look into each would take long."""
    n_above = len(PurePosixPath(urlsplit(base).path).parts)
    for url in urls:
        parts = PurePosixPath(urlsplit(url).path).parts[n_above - 1 :]
        if any(map(is_litter, parts)):
            continue
        if url.lower().endswith((*SUFFIXES, SHARD, *_COMPRESSED)):
            yield url
        else:
            left_out[suffix_of(url) or "without suffix"] += 1


def _sorted_out(paths):
    found = NamedFiles()
    for path in paths:
        name = urlsplit(path).path if is_remote(path) else path
        is_shard = name.lower().endswith((SHARD, *_COMPRESSED))
        (found.shards if is_shard else found.images).append(path)
    return found


def _checked(found, source):
    if found.images and found.shards:
        raise ValueError(
            f"{source} needs to name images or tar shards. Got {len(found.images)} "
            f"images and {len(found.shards)} shards; name them one after the other."
        )
    if not found.images and not found.shards:
        kinds = listed(found.left_out) or "nothing"
        raise ValueError(
            f"{source} needs image files, or tar shards. Got {kinds}; check the path."
        )
    packed = [path for path in found.shards if path.lower().endswith(_COMPRESSED)]
    if packed:
        raise ValueError(
            f"{source} needs tar shards that are not compressed, so that a member can "
            f"be read alone. Got {packed[0]}; unpack it to {SHARD} first."
        )
    return found
