"""Download weights: the only place that uses the network, and only when asked."""

import re
import urllib.error
from dataclasses import dataclass
from pathlib import Path

from imgfeat._files import write_atomic
from imgfeat._home import home, no_home
from imgfeat.nets.catalog._download import download
from imgfeat.nets.catalog._registry import get_spec
from imgfeat.nets.catalog._tensors import hash_file, read_state_dict
from imgfeat.nets.catalog._timm import PREFIX
from imgfeat.nets.catalog._weights_files import (
    check_hash,
    hash_file_beside,
    hash_in_name,
    hub_caches,
    stated_hash,
    weights_folders,
)

SUFFIXES = (".safetensors", ".pth", ".pt", ".bin")


@dataclass(frozen=True)
class LocalWeights:
    """A weights file on this machine.

    Parameters
    ----------
    path : Path
    n_bytes : int
    sha256 : str
        As computed.
    is_whole : bool or None
        Whether this is the hash that is stated for it; None if none is.
    """

    path: Path
    n_bytes: int
    sha256: str
    is_whole: bool | None


def search_folders() -> list[Path]:
    """The folders that are searched for weights, in this order.

    Raises
    ------
    FileNotFoundError
        If there is none, as for a user without a home; it says what to set.
    """
    folders = [*weights_folders(), *hub_caches()]
    if not folders:
        raise no_home()
    return folders


def list_weights() -> list[LocalWeights]:
    """Read all weights files in the folders that are searched.

    Of the hub's cache only what is timm's: language models, too, live there.

    Returns
    -------
    list of LocalWeights
    """
    own = [folder for folder in weights_folders() if folder.is_dir()]
    paths = [path for folder in own for path in folder.iterdir()]
    for folder in hub_caches():
        paths += folder.glob("models--timm--*/snapshots/*/*")
    return [
        _describe(path)
        for path in sorted(paths)
        if path.suffix in SUFFIXES and path.is_file() and path.name[0] != "."
    ]


def fetch_weights(name: str, *, verbose: int = 1) -> Path:
    """Download the weights of a net into our own folder, unless they are here.

    The file is written under another name, its hash is checked, it takes its place, and
    is read once, without running code in it, to show that it loads. Where its hash is
    stated, a download that broke off goes on from there the next time.

    Parameters
    ----------
    name : str
        As a backbone's; with a tag of its weights as ``NAME.TAG``.
    verbose : int, default=1
        Show progress.

    Returns
    -------
    Path

    Raises
    ------
    ValueError
        If no net has the name, or the file is damaged or has another hash.
    OSError
        If it cannot be downloaded; the error says how to copy it by hand.
    """
    spec = _find_spec(name)
    path = spec.find() if spec.file is None else _find_whole(spec.file)
    if path is None:
        path = _download(name, spec.file, verbose)
    read_state_dict(path)
    return path


def _find_spec(name):
    if name.startswith(PREFIX):
        return get_spec(name)
    backbone, _, tag = name.partition(".")
    return get_spec(backbone, tag or None)


def _find_whole(file):
    """The file if it is here and undamaged."""
    path = file.look_up()
    if path is not None:
        try:
            check_hash(path)
        except ValueError:
            return None
    return path


def _download(name, file, verbose):
    folder = home() / "weights"
    try:
        url, target, sha256 = _resolve(file)
        path = folder / target
        folder.mkdir(parents=True, exist_ok=True)
        got = download(url, path, sha256=sha256, verbose=verbose)
        write_atomic(hash_file_beside(path), f"{got}  {target}\n".encode())
    except OSError as error:
        raise OSError(
            f"The weights of {name} could not be fetched: {_reason(error)}. On a "
            f"machine with a network download {file.origin()}, and copy it into "
            f"{folder} as {file.names[0]}."
        ) from error
    return path


def _resolve(file):
    """Where to download from, the name to keep it under, and the hash if it is told."""
    if file.repo is None:
        target = file.url.rsplit("/", 1)[-1]
        return file.url, target, hash_in_name(target)
    # Both come with timm; they know mirrors, tokens and proxies.
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.errors import EntryNotFoundError, HTTPError

    for repo_file in file.repo_files:
        url = hf_hub_url(file.repo_id, repo_file, revision=file.revision)
        try:
            etag = get_hf_file_metadata(url).etag or ""
        except EntryNotFoundError:
            continue
        except HTTPError as error:  # of httpx, which is no OSError
            raise OSError(f"{url}: {error}") from error
        stem = Path(file.names[0]).with_suffix("").name
        target = f"{stem}{Path(repo_file).suffix}"
        # Large files have their sha256 as tag, small ones that of git.
        return url, target, etag if re.fullmatch("[0-9a-f]{64}", etag) else None
    raise FileNotFoundError(f"{file.repo} holds none of {', '.join(file.repo_files)}")


def _reason(error):
    if isinstance(error, urllib.error.HTTPError):
        return f"{error.url} answers {error.code} {error.reason}"
    if isinstance(error, urllib.error.URLError):
        return f"there is no connection ({error.reason})"
    first_line = str(error).strip().split("\n")[0].rstrip(".:")
    return first_line or type(error).__name__


def _describe(path):
    try:
        check_hash(path)
    except ValueError:
        is_whole = False
    else:
        is_whole = True if stated_hash(path) else None
    return LocalWeights(path, path.stat().st_size, hash_file(path), is_whole)
