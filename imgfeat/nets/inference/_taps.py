"""Outputs of a net's inner modules, by their dotted names."""

import difflib
import threading

import torch


class LayerTaps:
    """Runs a net and keeps what some of its modules gave.

    A module that runs several times, as a shared activation does, counts with its last
    output. In eager torch the net is left as soon as all outputs are there.

    Parameters
    ----------
    net : Module
        Hooks stay on its modules.
    names : sequence of str
        As in ``net.named_modules()``.

    Raises
    ------
    ValueError
        If there is no such module; close names are offered.
    """

    def __init__(self, net, names):
        self._net = net
        self._names = tuple(names)
        # Threads run the same net at the same time.
        self._seen = threading.local()
        self._n_calls = None  # of tapped modules in one run; known after the first
        for name in self._names:
            find_module(net, name).register_forward_hook(self._hook(name))

    def __call__(self, x):
        """Return a list of outputs, in the order of the names."""
        self._seen.outputs, self._seen.n_calls = {}, 0
        try:
            self._net(x)
        except _AllSeen:
            pass
        else:
            self._n_calls = self._seen.n_calls
        outputs = self._seen.outputs
        self._seen.outputs = {}
        missing = [name for name in self._names if name not in outputs]
        if missing:
            raise ValueError(
                f"layer={missing[0]!r} is part of the net but does not run when it "
                "classifies an image; name another layer (see list_layers)."
            )
        return [outputs[name] for name in self._names]

    def _hook(self, name):
        def keep(module, args, output):
            if isinstance(output, (tuple, list)):
                output = output[0]  # attention gives its weights too
            self._seen.outputs[name] = output
            self._seen.n_calls += 1
            if self._seen.n_calls == self._n_calls and not _is_traced():
                raise _AllSeen

        return keep


class _AllSeen(Exception):
    """Leaves a net in the middle."""


def _is_traced():
    is_exporting = getattr(torch.compiler, "is_exporting", None)  # not in torch 2.6
    return torch.compiler.is_compiling() or (is_exporting and is_exporting())


def find_module(net, name):
    """Return the module of a dotted name, or say which names are close."""
    modules = dict(net.named_modules())
    if name and name in modules:
        return modules[name]
    names = [known for known in modules if known]
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    top = [known for known in names if "." not in known]
    hint = f"Did you mean {' or '.join(map(repr, close))}? " if close else ""
    raise ValueError(
        f"There is no layer {name!r} in {type(net).__name__}. {hint}Its parts are "
        f"{', '.join(top)}; list_layers(backbone) lists all."
    )
