"""Read weights files, hash them, and give their tensors to a net."""

import hashlib
import os
import pickle
import struct
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from weakref import WeakValueDictionary

import torch

from imgfeat.nets.catalog._safetensors import read_safetensors

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

# Averages over training, which are better, come first, as in timm.
_WRAPPERS = ("state_dict_ema", "model_ema", "state_dict", "model")

# Weights that came with a saved file: sha256 -> state dict of a net's trunk. They live
# as long as an estimator that runs with them.
_registered = WeakValueDictionary()


class RegisteredWeights(dict):
    """A state dict that is found by its hash as long as somebody holds it."""


def register_weights(
    sha256: str, state_dict: Mapping[str, torch.Tensor]
) -> "RegisteredWeights":
    """Let nets find weights that are on no disk, such as those of a saved file.

    They are found until nobody holds what this returns, nor a net that has found them.

    Parameters
    ----------
    sha256 : str
        As in ``weights_info_["sha256"]`` of the estimator that will ask for them.
    state_dict : dict of str to Tensor
        What ``Backbone.state_dict`` gave when the file was saved.

    Returns
    -------
    RegisteredWeights
        A dict; the one that is known already by this hash, if there is one.

    Examples
    --------
    >>> import torch
    >>> from imgfeat.nets import register_weights
    >>> weights = register_weights("0" * 64, {"conv1.weight": torch.zeros(8, 3, 3, 3)})
    >>> list(weights)
    ['conv1.weight']
    """
    return _registered.setdefault(sha256, RegisteredWeights(state_dict))


def registered_weights(sha256):
    """Return the state dict that was registered, or None."""
    return _registered.get(sha256)


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
    """Read a safetensors file, or one of torch's (``.pth``); code is never run.

    Parameters
    ----------
    path : path
        Of a state dict, alone or as training scripts keep it: as item "state_dict" or
        "model", its averages over training first, with the names that
        ``DataParallel`` gives.

    Returns
    -------
    dict of str to Tensor

    Raises
    ------
    ValueError
        If it is not a state dict, or holds more than tensors.
    """
    path = Path(path)
    if path.suffix == ".safetensors":
        return _unwrap(read_safetensors(path))
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except _READ_ERRORS as error:
        raise ValueError(
            f"The weights file {path} cannot be read as tensors; it is damaged or "
            "holds code, which is not run. Download it again."
        ) from error
    state = _unwrap(state)
    if not isinstance(state, dict) or not all(
        isinstance(tensor, torch.Tensor) for tensor in state.values()
    ):
        raise ValueError(
            f"The weights file {path} needs to hold a state dict, names to tensors. "
            f"Got {type(state).__name__}; save net.state_dict()."
        )
    return state


def _unwrap(state):
    """The state dict in what a training script or ``DataParallel`` saved."""
    if isinstance(state, dict):
        for key in _WRAPPERS:
            if isinstance(state.get(key), dict):
                state = state[key]
                break
        if state and all(str(name).startswith("module.") for name in state):
            state = {name.removeprefix("module."): x for name, x in state.items()}
    return state


def load_into(net, state_dict, *, source, by_order=False):
    """Give `net` the tensors of a state dict, without a copy if they are float32.

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
    # Files in half precision become what the net computes in.
    state_dict = {
        name: tensor.to(own[name].dtype) if tensor.is_floating_point() else tensor
        for name, tensor in state_dict.items()
    }
    net.load_state_dict(state_dict, assign=True)


def _shape(tensor):
    return "missing" if tensor is None else "x".join(map(str, tensor.shape)) or "scalar"
