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
from imgfeat.nets.inference._engines import ENGINES, Engine, Job
from imgfeat.nets.inference._export import ExportError, explain
from imgfeat.nets.inference._fallback import FallbackEngine
from imgfeat.nets.inference._plan import Plan, explained_fork

_KEEP = 4  # nets; the one used longest ago goes first
_engines = OrderedDict()
_of_modules = weakref.WeakKeyDictionary()
_KEEP_NOTES = 256
_not_exported = OrderedDict()  # keys of nets that "auto" runs in torch
_lock = threading.RLock()


def open_engine(
    backbone: Any, readout: Readout, plan: Plan, verbose: bool | int = False
) -> Engine | FallbackEngine:
    """Return the engine that runs a Backbone, from this process's stock if it is there.

    Weights are loaded, and nets exported, at the first call; all estimators of a
    process share them. An export is announced when `verbose`.
    """
    key = (
        *net_identity(backbone, readout),
        backbone.code,
        plan.engine,
        plan.device,
        plan.precision,
        plan.check,
        plan.compile,
        plan.batch_size if plan.has_fixed_batches else None,
    )

    kind = ENGINES[plan.engine]

    def give_way(error):
        if not isinstance(error, ExportError):
            error = explain(error, f"needs a net that {kind.title} can run", kind.name)
        with _lock:
            _keep(_not_exported, key, True, _KEEP_NOTES)
            _engines.pop(key, None)
            warnings.warn(
                f"{backbone.name} runs in torch, as it cannot be exported for "
                f"{kind.title}, or does not run there. {error}",
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
        _keep(_engines, key, make_engine(backbone, readout, plan, verbose), _KEEP)
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
        return make_engine(backbone, readout, plan, verbose)
    kept = _of_modules.get(backbone.module)
    if kept is None or kept[0] != key:
        kept = key, make_engine(backbone, readout, plan, verbose)
        _of_modules[backbone.module] = kept
    return kept[1]


def net_identity(backbone, readout):
    """All that the outputs depend on."""
    return backbone.name, backbone.sha256, backbone.preprocessing, readout


def make_engine(backbone, readout, plan, verbose=False):
    """Return a new engine, which the stock knows nothing of."""

    def embedder():
        return Embedder(backbone.load(), backbone.preprocessing, readout)

    is_own = backbone.module is not None or backbone.code is not None
    cache_key = None if is_own else net_identity(backbone, readout)
    job = Job(embedder, backbone.name, backbone.preprocessing, cache_key, plan, verbose)
    with explained_fork(plan.device):
        return ENGINES[plan.engine].make(job)


@after_fork_in_child
def _forget():
    """Drop all engines and locks: neither survives a fork."""
    global _lock  # noqa: PLW0603
    _lock = threading.RLock()
    leave_behind(*_engines.values(), *_of_modules.values())
    _engines.clear()
    _of_modules.clear()
    _not_exported.clear()
