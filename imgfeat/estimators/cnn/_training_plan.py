"""What one training of a net is to do, and how it goes on."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field

import torch

from imgfeat.estimators.cnn._head import parameter_groups
from imgfeat.estimators.cnn._lr_schedules import rate
from imgfeat.estimators.cnn._mixing import unmixed
from imgfeat.estimators.cnn._team import Alone, Launched

_MOMENTUM = 0.9


@dataclass(frozen=True, kw_only=True)
class Job:
    """Everything that a training step needs to know.

    Parameters
    ----------
    lr : float
        The highest rate, of the head or of a net from scratch.
    n_epochs, n_steps : int
        Of the whole training.
    schedule : {"onecycle", "cosine", None}
    optimizer : {"adamw", "sgd"}
    body_factor : float
        Share of `lr` that pretrained layers get.
    weight_decay : float
    in_stages : bool
        Lower rates for earlier layers.
    label_smoothing : float
    multilabel : bool
        Whether an image may have several labels, each of which is a decision of its
        own.
    mixing : callable
        As `find_mixing` returns it.
    autocast : callable
        Returns the context that the net runs in.
    compiled : bool
    must_be_finite : bool
        End the training when a loss is not.
    seed : int
    n_before : int
        Epochs of earlier trainings of the same net.
    team : Alone or Launched
        The processes that train.
    """

    lr: float
    n_epochs: int
    n_steps: int
    schedule: str | None = "onecycle"
    optimizer: str = "adamw"
    body_factor: float = 1.0
    weight_decay: float = 0.0
    in_stages: bool = False
    label_smoothing: float = 0.0
    multilabel: bool = False
    mixing: Callable = unmixed
    autocast: Callable = nullcontext
    compiled: bool = False
    must_be_finite: bool = True
    seed: int = 0
    n_before: int = 0
    team: Alone | Launched = field(default_factory=lambda: Alone("cpu"))

    def make_optimizer(self, net):
        groups = parameter_groups(
            net,
            lr=self.lr,
            body_factor=self.body_factor,
            weight_decay=self.weight_decay,
            in_stages=self.in_stages,
        )
        if self.optimizer == "adamw":
            return torch.optim.AdamW(groups)
        return torch.optim.SGD(groups, momentum=_MOMENTUM, nesterov=True)

    def set_rates(self, optimizer, step):
        """Give every group of parameters its rate at a step of the training."""
        share = rate(self.schedule, step / max(1, self.n_steps - 1))
        for group in optimizer.param_groups:
            group["lr"] = self.lr * group["factor"] * share
