"""What one training of a net is to do, and how it goes on."""

from contextlib import nullcontext

import numpy as np
import torch

from imgfeat.estimators._team import Alone
from imgfeat.nets._head import parameter_groups
from imgfeat.nets._mixing import Mixing

_MOMENTUM = 0.9


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
    mixing : Mixing
    autocast : callable
        Returns the context that the net runs in.
    compiled : bool
    seed : int
    team : Alone or Launched, optional
        The processes that train.
    """

    def __init__(
        self,
        *,
        lr,
        n_epochs,
        n_steps,
        schedule="onecycle",
        optimizer="adamw",
        body_factor=1.0,
        weight_decay=0.0,
        in_stages=False,
        label_smoothing=0.0,
        mixing=None,
        autocast=nullcontext,
        compiled=False,
        seed=0,
        team=None,
    ):
        self.lr = lr
        self.n_epochs = n_epochs
        self.n_steps = n_steps
        self.schedule = schedule
        self.optimizer = optimizer
        self.body_factor = body_factor
        self.weight_decay = weight_decay
        self.in_stages = in_stages
        self.label_smoothing = label_smoothing
        self.mixing = Mixing() if mixing is None else mixing
        self.autocast = autocast
        self.compiled = compiled
        self.seed = seed
        self.team = Alone("cpu") if team is None else team
        self.n_before = 0  # epochs of earlier trainings of the same net
        self.must_be_finite = True
        self.step = 0
        self.rng = np.random.default_rng(seed)
        self._fast = None

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

    def run(self, net, images):
        """Run the net in training, compiled if that is wanted."""
        if not self.compiled:
            return net(images)
        if self._fast is None:
            self._fast = torch.compile(net)
        return self._fast(images)

    def say_diverged(self, epoch):
        raise ValueError(
            f"Training needs finite losses. Got NaN or infinity in epoch {epoch}, with "
            f"lr={self.lr:g}; use a lower lr (find_lr suggests one), schedule="
            "'onecycle', which begins slowly, or precision='float32'."
        )
