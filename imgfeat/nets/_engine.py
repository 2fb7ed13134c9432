"""Run a net over uint8 batches: by torch, or by ONNX Runtime."""

import os
import threading
import weakref
from collections import OrderedDict
from dataclasses import dataclass

import torch

from imgfeat._devices import find_device
from imgfeat._optional import has_module, import_optional
from imgfeat.nets._embedder import Embedder
from imgfeat.nets._onnx import OnnxEngine
from imgfeat.nets._torch import TorchEngine

PRECISIONS = {
    "float32": torch.float32,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
}

# On a CPU a few images fill the cores' caches; more of them at once run slower.
_CPU_PIECE = 4

_KEEP = 4  # nets; the one used longest ago goes first
_engines = OrderedDict()
_of_modules = weakref.WeakKeyDictionary()
_lock = threading.RLock()


@dataclass(frozen=True)
class Plan:
    """What runs a net, and how.

    Parameters
    ----------
    engine : {"torch", "onnx"}
    device : str
        As torch writes it.
    precision : {"float32", "float16", "bfloat16"}
    threads : int
        Most threads that are busy at once, decoding and net together.
    batch_size : int
        Most images in one run of the net.
    """

    engine: str
    device: str
    precision: str
    threads: int
    batch_size: int

    def split(self, n_rows):
        """How to share `n_rows` images out.

        On a CPU several threads each take images from file to vector, which needs no
        waiting for one another. Too few images for that are run by all threads
        together.

        Returns
        -------
        n_workers : int
            Threads that each run the net.
        n_intra : int
            Threads within each run of the net.
        pieces : list of slice
        """
        if self.device != "cpu":
            # Decoding wants all threads; the device takes one batch at a time.
            n_workers, n_intra = self.threads, self.threads
        elif n_rows >= 2 * self.threads:
            n_workers, n_intra = self.threads, 1
        else:
            n_workers, n_intra = 1, self.threads
        step = min(self.batch_size, -(-n_rows // n_workers))
        starts = range(0, n_rows, step)
        pieces = [slice(start, min(start + step, n_rows)) for start in starts]
        return min(n_workers, len(pieces)), n_intra, pieces


def plan_inference(*, engine, device, precision, threads, batch_size, own_module=False):
    """Choose what "auto" leaves open, and refuse what cannot be had.

    Parameters
    ----------
    engine : {"auto", "torch", "onnx"}
        "auto" is ONNX Runtime on a CPU when it is installed, else torch. A module of
        the user's own runs in torch, for it may change or not be exportable.
    device : str
        "auto" is CUDA where there is a device, else the CPU.
    precision : {"auto", "float32", "float16", "bfloat16"}
        "auto" is float16 autocast on CUDA, float32 elsewhere.
    threads, batch_size : int
    own_module : bool

    Returns
    -------
    Plan

    Raises
    ------
    ValueError
        If the device does not exist, or the choices exclude one another.
    ModuleNotFoundError
        If ``engine="onnx"`` and ONNX Runtime is not installed.
    """
    # ONNX Runtime is asked for by name, so its device is the one that it has.
    is_onnx = engine == "onnx" and device == "auto"
    device = "cpu" if is_onnx else find_device(device)
    if engine == "auto":
        # The exporter is needed once for each net, the runtime always.
        is_there = all(map(has_module, ("onnxruntime", "onnxscript")))
        wanted = device == "cpu" and precision in ("auto", "float32")
        engine = "onnx" if wanted and is_there and not own_module else "torch"
    if precision == "auto":
        precision = "float16" if device.startswith("cuda") else "float32"
    if engine == "onnx":
        if device != "cpu" or precision != "float32":
            raise ValueError(
                "engine='onnx' runs on device='cpu' with precision='float32'. Got "
                f"device={device!r} and precision={precision!r}; use engine='torch'."
            )
        for name in ("onnxruntime", "onnxscript"):
            import_optional(name, extra="onnx", purpose="engine='onnx'")
    if device == "cpu":
        batch_size = min(batch_size, _CPU_PIECE)
    return Plan(engine, device, precision, threads, batch_size)


def open_engine(backbone, readout, plan):
    """Return the engine that runs a Backbone, from this process's stock if it is there.

    Weights are loaded, and nets exported, at the first call; all estimators of a
    process share them.
    """
    key = (
        backbone.name,
        backbone.sha256,
        backbone.preprocessing,
        readout,
        plan.engine,
        plan.device,
        plan.precision,
    )
    with _lock:
        if backbone.module is not None:
            return _open_module(backbone, readout, plan, key)
        if key not in _engines:
            _engines[key] = _make(backbone, readout, plan, key)
            while len(_engines) > _KEEP:
                _engines.popitem(last=False)
        _engines.move_to_end(key)
        return _engines[key]


def _open_module(backbone, readout, plan, key):
    # Equal tensors do not make equal code, so an export belongs to one module; torch
    # runs a copy, which leaves the user's own in the mode that it is in.
    if plan.engine == "torch":
        return _make(backbone, readout, plan, key)
    kept = _of_modules.get(backbone.module)
    if kept is None or kept[0] != key:
        kept = key, _make(backbone, readout, plan, key)
        _of_modules[backbone.module] = kept
    return kept[1]


def _make(backbone, readout, plan, key):
    def embedder():
        return Embedder(backbone.load(), backbone.preprocessing, readout)

    if plan.engine == "torch":
        return TorchEngine(embedder(), plan.device, PRECISIONS[plan.precision])
    cache_key = None if backbone.module is not None else key
    return OnnxEngine(embedder, backbone.name, backbone.preprocessing.size, cache_key)


def _forget():
    """Drop all engines and locks: neither survives a fork."""
    global _lock  # noqa: PLW0603
    _lock = threading.RLock()
    _engines.clear()
    _of_modules.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
