"""Where weights live, what their hashes are, and what to do when they are missing.

Nothing is ever downloaded here.
"""

import hashlib
import os
import pickle
import re
import struct
from functools import lru_cache
from pathlib import Path

import torch

from imgfeat._home import home

# Everything that torch's reader is known to raise on damaged or hostile files.
_READ_ERRORS = (
    pickle.UnpicklingError,
    RuntimeError,
    EOFError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    struct.error,
)

# Weights that came with a saved file: sha256 -> state dict of a net's trunk.
_registered = {}


def register_weights(sha256, state_dict):
    """Let nets find weights that are on no disk, such as those of a saved file.

    Parameters
    ----------
    sha256 : str
        As in ``weights_info_["sha256"]`` of the estimator that will ask for them.
    state_dict : dict of str to Tensor
        What ``Backbone.state_dict`` gave when the file was saved.

    Examples
    --------
    >>> import torch
    >>> from imgfeat.nets import register_weights
    >>> register_weights("0" * 64, {"conv1.weight": torch.zeros(8, 3, 3, 3)})
    """
    _registered[sha256] = dict(state_dict)


def registered_weights(sha256):
    """Return the state dict that was registered, or None."""
    return _registered.get(sha256)


def weights_folders():
    """The folders that are searched for weights, in this order."""
    return [home() / "weights", Path(torch.hub.get_dir()) / "checkpoints"]


def find_weights(filename, *, backbone, url):
    """Return the path of a weights file, hash checked, or say where it belongs.

    Raises
    ------
    FileNotFoundError
        If it is in none of the folders.
    ValueError
        If its content does not have the hash that its name ends in.
    """
    folders = weights_folders()
    for folder in folders:
        path = folder / filename
        if path.is_file():
            check_hash_in_name(path)
            return path
    raise FileNotFoundError(
        f"{backbone} needs the weights file {filename}, which is not on this machine. "
        f"Download {url} and put it into {folders[0]} or {folders[1]}; or pass "
        "weights=None for random weights."
    )


def check_hash_in_name(path):
    """Check a file like ``resnet18-f37072fd.pth`` against the hash in its name."""
    stated = re.search(r"-([0-9a-f]{8,64})\.[^.]+$", path.name)
    if stated and not hash_file(path).startswith(stated[1]):
        raise ValueError(
            f"The weights file {path} should have a sha256 that starts with "
            f"{stated[1]}. Got {hash_file(path)[:8]}; it is damaged or incomplete, "
            "download it again."
        )


def hash_file(path):
    """Return the sha256 of a file as hex; remembered until the file changes."""
    state = os.stat(path)
    return _hash_file(os.fspath(path), state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=64)
def _hash_file(path, size, mtime_ns):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hash_state_dict(state_dict):
    """Return a sha256 over the names, kinds and values of all tensors."""
    digest = hashlib.sha256()
    for name, tensor in state_dict.items():
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)};".encode())
        plain = tensor.detach().cpu().contiguous().flatten().view(torch.uint8)
        digest.update(plain.numpy())
    return digest.hexdigest()


def read_state_dict(path):
    """Read a ``.pth`` file; code in it is never run.

    Raises
    ------
    ValueError
        If it is not a state dict, or holds more than tensors.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except _READ_ERRORS as error:
        raise ValueError(
            f"The weights file {path} cannot be read as tensors; it is damaged or "
            "holds code, which is not run. Download it again."
        ) from error
    if not isinstance(state, dict) or not all(
        isinstance(tensor, torch.Tensor) for tensor in state.values()
    ):
        raise ValueError(
            f"The weights file {path} needs to hold a state dict, names to tensors. "
            f"Got {type(state).__name__}; save net.state_dict()."
        )
    return state


def load_into(net, state_dict, *, source, by_order=False):
    """Give `net` the tensors of a state dict, without a copy.

    Parameters
    ----------
    net : Module
        May be on the meta device.
    state_dict : dict of str to Tensor
    source : str or path
        Named in the error.
    by_order : bool, default=False
        Match by position instead of by name; shapes must agree all the same.

    Raises
    ------
    ValueError
        Naming the tensors that differ.
    """
    own = net.state_dict()
    if by_order and len(own) == len(state_dict):
        state_dict = dict(zip(own, state_dict.values(), strict=True))
    # Old files lack the counters that BatchNorm gained later; eval mode ignores them.
    for name, tensor in own.items():
        if name.endswith("num_batches_tracked") and name not in state_dict:
            state_dict = {**state_dict, name: torch.zeros_like(tensor, device="cpu")}
    wrong = [
        f"{name} ({_shape(own.get(name))} in the net, {_shape(state_dict.get(name))} "
        "in the file)"
        for name in {**own, **state_dict}
        if _shape(own.get(name)) != _shape(state_dict.get(name))
    ]
    if wrong:
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise ValueError(
            f"{source} holds the weights of another net; {len(wrong)} tensors differ: "
            f"{', '.join(wrong[:3])}{more}. Use the file that belongs to this backbone."
        )
    net.load_state_dict(state_dict, assign=True)


def _shape(tensor):
    return "missing" if tensor is None else "x".join(map(str, tensor.shape)) or "scalar"
