"""The weights of nets in a saved file, as safetensors.

Those of the default net are installed with imgfeat and stay out of the file. Others are
named by a hash of their tensors, which is checked, and by that alone they are found
again: no file can replace the weights that another model runs with.
"""

import safetensors.torch
import torch

from imgfeat.deploy._errors import BundleError, one_clear_error
from imgfeat.deploy._walk import walk
from imgfeat.features import CNNEmbedding
from imgfeat.nets import register_weights
from imgfeat.nets._weights import hash_state_dict

INSTALLED = "efficientnet_lite0", "imagenet1k"


def dump_weights(pipeline):
    """Return the weights that loading `pipeline` elsewhere needs.

    Returns
    -------
    names : dict of str to str
        From what a net needs, see `_need`, to the hash of the tensors.
    parts : dict of str to bytes
        ``"weights/HASH.safetensors"`` of each.
    """
    names, parts = {}, {}
    for net in _fitted_nets(pipeline):
        info = net.weights_info_
        if (info["name"], info["tag"]) == INSTALLED or _need(net) in names:
            continue
        backbone = net._find_backbone(info["sha256"])
        # Copies, because safetensors refuses tensors that share memory.
        tensors = {
            name: tensor.detach().cpu().contiguous().clone()
            for name, tensor in backbone.state_dict().items()
        }
        names[_need(net)] = content = _hash(tensors)
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
        needed = {_need(net) for net in _fitted_nets(pipeline)}
        return {
            content: _read(f"weights/{content}.safetensors", content, parts, path)
            for name, content in dict(names).items()
            if name in needed
        }


def use_weights(pipeline, names, tensors):
    """Make the nets of a loaded `pipeline` find these tensors, and a device."""
    weights = {
        content: register_weights(content, state_dict)
        for content, state_dict in tensors.items()
    }
    for net in _fitted_nets(pipeline):
        if _need(net) in names:
            content = names[_need(net)]
            net.weights_info_ = {**net.weights_info_, "sha256": content}
            net._held_weights = weights[content]  # as long as it is held, it is found
        if str(net.device).startswith("cuda") and not torch.cuda.is_available():
            # Trained on a GPU, serves without; half precision would crawl.
            net.device = "auto"
            if net.precision in ("float16", "bfloat16"):
                net.precision = "auto"


def _need(net):
    """The hash of a net's weights; inner layers need those of its head as well."""
    sha256 = net.weights_info_["sha256"]
    return sha256 if net.layer is None else f"{sha256} with head"


def _fitted_nets(pipeline):
    for _, item in walk(pipeline):
        if isinstance(item, CNNEmbedding) and hasattr(item, "weights_info_"):
            yield item


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
