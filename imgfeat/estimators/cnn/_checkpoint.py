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
from imgfeat.estimators.cnn._training_identity import OF_DATA, training_key

LAST, BEST = "last.safetensors", "best.safetensors"
_FORMAT = "imgfeat training 2"
# Of trainings in this process: folds and candidates are no mistakes of the user's.
_written = set()


class Checkpoints(Callback):
    """Writes the state of a training after every epoch, and reads it at the start.

    Weights and the optimizer's numbers are tensors, all else is JSON in the header of a
    safetensors file, so nothing in it can run.

    Parameters
    ----------
    folder : path
        Of all trainings; each has a folder of its own in it.
    facts : dict
        What the training is, from `training_facts`.
    team : Alone or Launched
        The processes that train.
    best : Best, optional
        Of the same training.
    resume : bool
        Go on from ``last.safetensors`` of the same training, if there is one.

    Raises
    ------
    ValueError
        If that file is damaged.
    """

    def __init__(self, folder, facts, team, best=None, *, resume):
        self.folder = folder
        self.facts = facts
        self.team = team
        self.best = best
        self.resume = resume

    def initialize(self):
        self.is_full_ = False
        self.own_folder_ = Path(self.folder, training_key(self.facts))
        self.own_folder_.mkdir(parents=True, exist_ok=True)
        return self

    def on_train_begin(self, net, **kwargs):
        path = self.own_folder_ / LAST
        if self.resume and path.is_file():
            self._go_on(net, path)
        elif self.resume and self.team.is_main:
            self._say_what_differs()
        _written.add(path.resolve())

    def on_epoch_end(self, net, **kwargs):
        if not self.team.is_main:
            return
        state = {f"net.{n}": t for n, t in net.module_.state_dict().items()}
        tensors, numbers = _flatten(net.optimizer_.state_dict())
        state |= {f"optimizer.{name}": tensor for name, tensor in tensors.items()}
        best = self.best
        if best is not None and best.weights_ is not None:
            state |= {f"best.{n}": t for n, t in best.weights_.items()}
        record = {
            "format": _FORMAT,
            "facts": self.facts,
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
            write_atomic(self.own_folder_ / name, content)
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
        if record["facts"] != self.facts:
            raise _damaged(path)
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

    def _say_what_differs(self):
        """Warn if the same images were trained on before, in another way."""
        nearest = None
        for path in Path(self.folder).glob(f"*/{LAST}"):
            if path.resolve() in _written or (facts := _facts_in(path)) is None:
                continue
            names = facts.keys() | self.facts.keys()
            other = sorted(n for n in names if facts.get(n) != self.facts.get(n))
            if not OF_DATA & set(other) and (not nearest or len(other) < len(nearest)):
                nearest = other
        if nearest:
            warnings.warn(
                f"{self.folder} holds no checkpoint of this training, so it begins "
                f"anew. The nearest differs in: {', '.join(nearest)}.",
                stacklevel=2,
            )


def _read(path):
    try:
        with safe_open(path, framework="pt") as file:
            record = json.loads((file.metadata() or {})["record"])
            names = file.keys()
            state = {name: file.get_tensor(name) for name in names}
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise _damaged(path) from error
    if not isinstance(record, dict) or record.get("format") != _FORMAT:
        raise ValueError(
            f"The checkpoint {path} is of another version of imgfeat; use resume=False."
        )
    return state, record


def _facts_in(path):
    """What a checkpoint says of its training; None if it cannot be read."""
    try:
        with safe_open(path, framework="pt") as file:
            record = json.loads((file.metadata() or {})["record"])
    except (SafetensorError, OSError, KeyError, ValueError):
        return None
    return record.get("facts") if isinstance(record, dict) else None


def _damaged(path):
    return ValueError(
        f"The checkpoint {path} cannot be read; it is damaged or no checkpoint. "
        "Delete it, or use resume=False."
    )


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
