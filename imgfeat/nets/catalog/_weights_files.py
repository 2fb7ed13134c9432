"""Where weights files lie on this machine, and where they come from.

Nothing is ever downloaded here.
"""

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import torch

from imgfeat._home import NoHomeError, expanded, home
from imgfeat.nets.catalog._tensors import hash_file


@dataclass(frozen=True)
class WeightsFile:
    """The weights of one net: their names on disk, and their origin.

    Parameters
    ----------
    names : tuple of str
        File names under which they may lie in one of `weights_folders`.
    url : str, optional
        Of a plain download, whose file is named as the URL ends.
    repo : str, optional
        On the Hugging Face hub, "owner/name" or "owner/name@revision".
    repo_files : tuple of str, default=()
        Files in it that may hold the weights, the best first.
    """

    names: tuple
    url: str | None = None
    repo: str | None = None
    repo_files: tuple = ()

    @property
    def repo_id(self):
        return self.repo.split("@")[0]

    @property
    def revision(self):
        return self.repo.split("@")[1] if "@" in self.repo else None

    def origin(self):
        """A place to download from, for people."""
        if self.repo:
            where = f"https://huggingface.co/{self.repo_id}"
            return f"{self.repo_files[0]} from {where}"
        return self.url

    def look_up(self):
        """Return the path of the file on this machine, unchecked, or None."""
        for folder in weights_folders():
            for name in self.names:
                if (path := folder / name).is_file():
                    return path
        return self._in_hub_cache()

    def find(self, backbone):
        """Return the path of the file, its hash checked, or say where it belongs.

        Parameters
        ----------
        backbone : str
            Named in the error.

        Raises
        ------
        FileNotFoundError
            If it is in none of the folders.
        ValueError
            If its content does not have the hash that is stated for it.
        """
        path = self.look_up()
        if path is None:
            folders = [os.fspath(folder) for folder in weights_folders()]
            where = " or ".join(folders) or "the folder weights of IMGFEAT_HOME"
            raise FileNotFoundError(
                f"{backbone} needs the weights file {self.names[0]}, which is not on "
                f"this machine. Run: imgfeat weights fetch {backbone}; or download "
                f"{self.origin()} and put it into {where} as "
                f"{self.names[0]}; or pass weights=None for random weights."
            )
        check_hash(path)
        return path

    def _in_hub_cache(self):
        if self.repo is None or not _is_in_hub_cache(self.repo_id):
            return None
        from huggingface_hub import try_to_load_from_cache  # comes with timm

        for name in self.repo_files:
            found = try_to_load_from_cache(self.repo_id, name, revision=self.revision)
            if isinstance(found, str):
                return Path(found)
        return None


def weights_folders():
    """The folders that are searched for weights, in this order; the first is ours.

    Those that there are: a user without a home has none, unless environment variables
    name them.
    """
    folders = []
    with suppress(NoHomeError):
        folders.append(home() / "weights")
    with suppress(FileNotFoundError):
        folders.append(expanded(torch.hub.get_dir()) / "checkpoints")
    return folders


def hub_caches():
    """Where huggingface_hub keeps its downloads, if anywhere; searched last, for timm.

    Returns
    -------
    list of Path
        One or none.
    """
    from huggingface_hub.constants import HF_HUB_CACHE

    with suppress(FileNotFoundError):
        return [expanded(HF_HUB_CACHE)]
    return []


def _is_in_hub_cache(repo_id):
    name = f"models--{repo_id.replace('/', '--')}"
    return any((folder / name).is_dir() for folder in hub_caches())


def hash_file_beside(path):
    """Where `fetch` writes the hash of a file whose name holds none."""
    return path.with_name(f"{path.name}.sha256")


def stated_hash(path):
    """Return the sha256, or its beginning, that a file should have, or None.

    It stands beside the file; or in its name, as in ``resnet18-f37072fd.pth``; or it is
    the name of what the hub's cache links to.
    """
    beside = hash_file_beside(path)
    if beside.is_file():
        words = beside.read_text(encoding="utf-8", errors="replace").split()
        # A note that was torn or mistyped is no licence to skip the check.
        return words[0].lower() if words else "nothing"
    if path.is_symlink() and re.fullmatch("[0-9a-f]{64}", path.resolve().name):
        return path.resolve().name
    return hash_in_name(path.name)


def hash_in_name(filename):
    """Return the beginning of a sha256 that a file's name ends in, or None."""
    found = re.search(r"-([0-9a-f]{8,64})\.[^.]+$", filename)
    return found[1] if found else None


def check_hash(path):
    """Check a file against the hash that is stated for it, if there is one.

    Raises
    ------
    ValueError
        If it has another.
    """
    stated = stated_hash(path)
    if stated and not hash_file(path).startswith(stated):
        raise ValueError(
            f"The weights file {path} should have a sha256 that starts with "
            f"{stated[:8]}. Got {hash_file(path)[:8]}; it is damaged or incomplete, "
            "download it again."
        )
