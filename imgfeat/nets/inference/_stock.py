"""The stock of engines of this process: made at first use, shared by all estimators."""

import threading
import warnings
import weakref
from collections import OrderedDict
from dataclasses import replace
from typing import Any

from imgfeat._forks import after_fork_in_child, leave_behind
from imgfeat.nets._pooling import Readout
from imgfeat.nets.inference._embedder import Embedder
from imgfeat.nets.inference._export import ExportError, explain
from imgfeat.nets.inference._fallback import FallbackEngine
from imgfeat.nets.inference._onnx import OnnxEngine
from imgfeat.nets.inference._plan import Plan, explained_fork
from imgfeat.nets.inference._torch import TorchEngine

_KEEP = 4  # nets; the one used longest ago goes first
_engines = OrderedDict()
_of_modules = weakref.WeakKeyDictionary()
_KEEP_NOTES = 256
_not_exported = OrderedDict()  # keys of nets that "auto" runs in torch
_lock = threading.RLock()


def open_engine(
    backbone: Any, readout: Readout, plan: Plan, verbose: bool | int = False
) -> TorchEngine | OnnxEngine | FallbackEngine:
    """Return the engine that runs a Backbone, from this process's stock if it is there.

    Weights are loaded, and nets exported, at the first call; all estimators of a
    process share them. An export is announced when `verbose`.
    """
    key = (
        *_identity(backbone, readout),
        backbone.code,
        plan.engine,
        plan.device,
        plan.precision,
        plan.compile,
        plan.batch_size if plan.has_fixed_batches else None,
    )

    def give_way(error):
        if not isinstance(error, ExportError):
            error = explain(error, "needs a net that ONNX Runtime can run")
        with _lock:
            _keep(_not_exported, key, True, _KEEP_NOTES)
            _engines.pop(key, None)
            warnings.warn(
                f"{backbone.name} runs in torch, as it cannot be exported for ONNX "
                f"Runtime, or does not run there. {error}",
                RuntimeWarning,
                stacklevel=3,
            )
            return open_engine(backbone, readout, _without_export(plan))

    with _lock:
        if plan.fallback is not None and key in _not_exported:
            return open_engine(backbone, readout, _without_export(plan))
        try:
            if backbone.module is not None:
                engine = _open_module(backbone, readout, plan, key, verbose)
            else:
                engine = _open_named(backbone, readout, plan, key, verbose)
        except ExportError as error:
            if plan.fallback is None:
                raise
            return give_way(error)
        return engine if plan.fallback is None else FallbackEngine(engine, give_way)


def _without_export(plan):
    return replace(plan, engine=plan.fallback, fallback=None)


def _open_named(backbone, readout, plan, key, verbose):
    if key not in _engines:
        _keep(_engines, key, _make(backbone, readout, plan, verbose), _KEEP)
    _engines.move_to_end(key)
    return _engines[key]


def _keep(recent, key, value, most):
    recent[key] = value
    while len(recent) > most:
        recent.popitem(last=False)


def _open_module(backbone, readout, plan, key, verbose):
    # Equal tensors do not make equal code, so what is exported, compiled or checked
    # belongs to one module; torch runs a copy, which leaves the user's own in the mode
    # that it is in.
    is_quick = plan.engine == "torch" and plan.device == "cpu" and not plan.compile
    if is_quick and plan.precision == "float32":
        return _make(backbone, readout, plan, verbose)
    kept = _of_modules.get(backbone.module)
    if kept is None or kept[0] != key:
        kept = key, _make(backbone, readout, plan, verbose)
        _of_modules[backbone.module] = kept
    return kept[1]


def _identity(backbone, readout):
    """All that the outputs depend on."""
    return backbone.name, backbone.sha256, backbone.preprocessing, readout


def _make(backbone, readout, plan, verbose):
    def embedder():
        return Embedder(backbone.load(), backbone.preprocessing, readout)

    if plan.engine == "torch":
        with explained_fork(plan.device):
            return TorchEngine(
                embedder(),
                plan.device,
                plan.precision,
                batch_size=plan.batch_size,
                compile=plan.compile,
            )
    is_own = backbone.module is not None or backbone.code is not None
    return OnnxEngine(
        embedder,
        backbone.name,
        backbone.preprocessing,
        None if is_own else _identity(backbone, readout),
        device=plan.device,
        precision=plan.precision,
        batch_size=plan.batch_size,
        verbose=verbose,
    )


@after_fork_in_child
def _forget():
    """Drop all engines and locks: neither survives a fork."""
    global _lock  # noqa: PLW0603
    _lock = threading.RLock()
    leave_behind(*_engines.values(), *_of_modules.values())
    _engines.clear()
    _of_modules.clear()
    _not_exported.clear()
