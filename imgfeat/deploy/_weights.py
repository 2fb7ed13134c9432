"""The weights of nets in a saved file, as safetensors.

A net says itself whether it needs weights that no installed package has. They are named
by a hash of their tensors, which is checked, and by that alone they are found again: no
file can replace the weights that another model runs with.
"""

import safetensors.torch

from imgfeat._nesting import walk
from imgfeat.deploy._errors import BundleError, one_clear_error
from imgfeat.nets.catalog._tensors import hash_state_dict


def dump_weights(pipeline):
    """Return the weights that loading `pipeline` elsewhere needs.

    Returns
    -------
    names : dict of str to str
        From what a net needs to the hash of the tensors.
    parts : dict of str to bytes
        ``"weights/HASH.safetensors"`` of each.
    """
    names, parts = {}, {}
    for need, net in _in_need(pipeline):
        if need in names:
            continue
        # Copies, because safetensors refuses tensors that share memory.
        tensors = {
            name: tensor.detach().cpu().contiguous().clone()
            for name, tensor in net._weights().items()
        }
        names[need] = content = _hash(tensors)
        parts[f"weights/{content}.safetensors"] = safetensors.torch.save(tensors)
    return names, parts


def read_weights(pipeline, names, parts, path):
    """Return the tensors in `parts` that the nets of `pipeline` need, by their hash.

    Parameters
    ----------
    pipeline : estimator, as loaded
    names, parts : as `dump_weights` gave them

    Raises
    ------
    BundleError
        If weights are missing, unreadable, or not what their name says.
    """
    with one_clear_error(f"{path} has weights that cannot be used"):
        needed = {need for need, _ in _in_need(pipeline)}
        return {
            content: _read(f"weights/{content}.safetensors", content, parts, path)
            for name, content in dict(names).items()
            if name in needed
        }


def use_weights(pipeline, names, tensors):
    """Make the nets of a loaded `pipeline` find these tensors."""
    for need, net in list(_in_need(pipeline)):
        if need in names:
            net._use_weights(names[need], tensors[names[need]])


def _in_need(pipeline):
    """Yield ``(need, net)`` for nets whose weights no installed package has."""
    for _, item in walk(pipeline):
        if hasattr(item, "_weights_needed") and (need := item._weights_needed()):
            yield need, item


def _read(name, content, parts, path):
    if name not in parts:
        raise BundleError(f"{path} has no {name}; save the pipeline again.")
    with one_clear_error(f"{path}: {name} is not readable"):
        tensors = safetensors.torch.load(parts[name])
    if _hash(tensors) != content:
        raise BundleError(f"{path}: {name} holds other tensors than it says.")
    return tensors


def _hash(tensors):
    """Hash tensors in the order of their names; safetensors keeps no order."""
    return hash_state_dict(dict(sorted(tensors.items())))
