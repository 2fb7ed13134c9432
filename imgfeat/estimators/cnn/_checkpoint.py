"""Checkpoints of a training: what it needs to go on as if nothing had happened."""

import json
import warnings
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from skorch.callbacks import Callback

from imgfeat._files import write_atomic

LAST, BEST = "last.safetensors", "best.safetensors"
_FORMAT = "imgfeat training 1"


class Checkpoints(Callback):
    """Writes the state of a training after every epoch, and reads it at the start.

    Weights and the optimizer's numbers are tensors, all else is JSON in the header of a
    safetensors file, so nothing in it can run.

    Parameters
    ----------
    folder : path
        Made if it is not there.
    classes : ndarray
        Labels of the classes.
    job : Job
    best : Best, optional
        Of the same training.
    resume : bool
        Go on from ``last.safetensors``, if there is one.

    Raises
    ------
    ValueError
        If that file is damaged, or of another net, other classes or other settings.
    """

    def __init__(self, folder, classes, job, best=None, *, resume):
        self.folder = folder
        self.classes = classes
        self.job = job
        self.best = best
        self.resume = resume

    def initialize(self):
        self.is_full_ = False
        Path(self.folder).mkdir(parents=True, exist_ok=True)
        return self

    def on_train_begin(self, net, **kwargs):
        path = Path(self.folder, LAST)
        if self.resume and path.is_file():
            self._go_on(net, path)

    def on_epoch_end(self, net, **kwargs):
        if not self.job.team.is_main:
            return
        state = {f"net.{n}": t for n, t in net.module_.state_dict().items()}
        tensors, numbers = _flatten(net.optimizer_.state_dict())
        state |= {f"optimizer.{name}": tensor for name, tensor in tensors.items()}
        best = self.best
        if best is not None and best.weights_ is not None:
            state |= {f"best.{n}": t for n, t in best.weights_.items()}
        record = {
            "format": _FORMAT,
            "identity": self._identity(net),
            "history": [
                {key: value for key, value in row.items() if key != "batches"}
                for row in net.history
            ],
            "optimizer": numbers,
            "best": None if best is None else [best.loss_, best.epoch_],
        }
        self._write(LAST, state, record)
        if net.history[-1].get("is_best"):
            weights = {n: t for n, t in state.items() if n.startswith("net.")}
            self._write(BEST, weights, record | {"optimizer": None})

    def _write(self, name, state, record):
        state = {n: t.detach().cpu().contiguous().clone() for n, t in state.items()}
        content = save(state, metadata={"record": json.dumps(record, default=float)})
        try:
            write_atomic(Path(self.folder, name), content)
        except OSError as error:
            if not self.is_full_:
                warnings.warn(
                    f"A checkpoint could not be written to {self.folder}: {error}. "
                    "Training goes on; make room, and the next epoch is written.",
                    stacklevel=2,
                )
            self.is_full_ = True

    def _go_on(self, net, path):
        state, record = _read(path)
        expected = self._identity(net)
        for what, mine in expected.items():
            theirs = record["identity"].get(what)
            if theirs != mine:
                raise ValueError(
                    f"The checkpoint {path} is of another training: its {what} is "
                    f"{_short(theirs)}, here it is {_short(mine)}. Use another "
                    "checkpoint_dir, or resume=False to begin anew."
                )
        net.module_.load_state_dict(_part(state, "net."))
        numbers = _unflatten(_part(state, "optimizer."), record["optimizer"])
        net.optimizer_.load_state_dict(numbers)
        best = self.best
        if best is not None and record["best"] is not None:
            best.loss_, best.epoch_ = record["best"]
            best.weights_ = _part(state, "best.") or None
        for row in record["history"]:
            net.history.new_epoch()
            for key, value in row.items():
                net.history.record(key, value)

    def _identity(self, net):
        job, tensors = self.job, net.module_.state_dict()
        return {
            "classes": [str(label) for label in self.classes],
            "net": {name: list(tensor.shape) for name, tensor in tensors.items()},
            "random state": job.seed,
            "number of steps": job.n_steps,
            "optimizer": job.optimizer,
            "learning rate": job.lr,
            "schedule": job.schedule,
        }


def _read(path):
    try:
        with safe_open(path, framework="pt") as file:
            record = json.loads((file.metadata() or {})["record"])
            names = file.keys()
            state = {name: file.get_tensor(name) for name in names}
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise ValueError(
            f"The checkpoint {path} cannot be read; it is damaged or no checkpoint. "
            "Delete it, or use resume=False."
        ) from error
    if not isinstance(record, dict) or record.get("format") != _FORMAT:
        raise ValueError(
            f"The checkpoint {path} is of another version of imgfeat; use resume=False."
        )
    return state, record


def _part(state, prefix):
    return {n.removeprefix(prefix): t for n, t in state.items() if n.startswith(prefix)}


def _flatten(state):
    """An optimizer's state as tensors by name, and the numbers that remain."""
    tensors = {}
    for index, entries in state["state"].items():
        for name, value in entries.items():
            if not isinstance(value, torch.Tensor):
                value = torch.tensor(np.nan if value is None else value)
            tensors[f"{index}.{name}"] = value
    groups = [
        {key: value for key, value in group.items() if not isinstance(value, tuple)}
        | {key: list(value) for key, value in group.items() if isinstance(value, tuple)}
        for group in state["param_groups"]
    ]
    return tensors, groups


def _unflatten(tensors, groups):
    state = {}
    for name, tensor in tensors.items():
        index, _, key = name.partition(".")
        state.setdefault(int(index), {})[key] = tensor
    return {"state": state, "param_groups": groups}


def _short(value):
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."
