"""What a net computes: its weights, its code, and all else that its modules hold."""

import hashlib
import sys

from imgfeat.features.cache._code_identity import version_of
from imgfeat.sources._source import hash_parts

_HOOKS = (
    "_forward_hooks",
    "_forward_pre_hooks",
    "_forward_hooks_with_kwargs",
    "_forward_pre_hooks_with_kwargs",
    "_forward_hooks_always_called",
)


def is_net(value):
    """Whether a value is a torch module."""
    # Who holds a net has imported torch already; nobody else should wait for it.
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.nn.Module)


def is_tensor(value):
    """Whether a value is a torch tensor."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def tensor_facts(tensor):
    """A tensor's kind and values, ready for JSON."""
    facts = f"{tensor.dtype} {tuple(tensor.shape)}"
    return {"tensor": facts, "values": hash_parts(b"tensor", _bytes_of(tensor)).hex()}


def net_facts(net, owner, describe):
    """What a net computes, ready for JSON.

    Parameters
    ----------
    net : Module
    owner : str
        What messages call it.
    describe : callable
        Describes what the net's modules hold; gets it and what messages call it.
    """
    digest = hashlib.blake2b(digest_size=16, person=b"net")
    # Some buffers are no part of the state that is saved, and used all the same.
    tensors = dict(net.named_buffers(remove_duplicate=False)) | dict(
        net.named_parameters(remove_duplicate=False)
    )
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(_bytes_of(tensor))
    return {
        "layers": repr(net),
        "weights": digest.hexdigest(),
        "modules": [
            [name, *_module_facts(module, f"{owner}.{name}".strip("."), describe)]
            for name, module in net.named_modules()
        ],
    }


def _module_facts(module, owner, describe):
    """A module's class, hooks and plain attributes."""
    kind = type(module)
    # Hooks have numbers that count all hooks of the process.
    hooks = [list(_values(getattr(module, name, ()))) for name in _HOOKS]
    found = [describe(kind, owner)]
    if any(hooks):
        found.append(describe(hooks, f"a hook of {owner}"))
    # Whether it trains is set by who runs it.
    usual = vars(sys.modules["torch"].nn.Module()).keys()
    attributes = {k: v for k, v in sorted(vars(module).items()) if k not in usual}
    if version_of(kind.__module__) is None:
        return [*found, describe(attributes, owner)]
    # What a packaged layer holds beside numbers and text is told by its class, its
    # version and how it prints itself.
    plain = {k: v for k, v in attributes.items() if isinstance(v, _PLAIN)}
    return [*found, describe(plain, owner)]


_PLAIN = (bool, int, float, str)


def _values(hooks):
    return hooks.values() if hasattr(hooks, "values") else hooks


def _bytes_of(tensor):
    torch = sys.modules["torch"]
    plain = tensor.detach().cpu().contiguous().flatten().view(torch.uint8)
    return plain.numpy()
