"""The skorch net inside CNNClassifier: what its loop and the user's callbacks share.

skorch's own EarlyStopping raises what Ctrl-C raises, and skips the callbacks after it;
so the callbacks here only record, and `Loop` asks them.
"""

import math
import time

import numpy as np
from skorch import NeuralNetClassifier
from skorch.callbacks import Callback, EpochTimer, PassthroughScoring
from torch import nn


class SkorchNet(NeuralNetClassifier):
    """A skorch classifier for `Loop` to train.

    Before it is initialized, `make_net` sets ``job``, a `Job`.
    """

    job = None

    def get_default_callbacks(self):
        return [
            ("epoch_timer", EpochTimer()),
            ("train_loss", PassthroughScoring("train_loss", on_train=True)),
            ("valid_loss", PassthroughScoring("valid_loss")),
            ("valid_acc", PassthroughScoring("valid_acc", lower_is_better=False)),
        ]

    def initialize_optimizer(self):
        self.optimizer_ = self.job.make_optimizer(self.module_)
        return self


def make_net(module, job, n_classes, *, callbacks=(), verbose=0):
    """Return an initialized SkorchNet.

    Parameters
    ----------
    module : TrainableNet
    job : Job
    n_classes : int
    callbacks : sequence of skorch callbacks
    verbose : int or bool
        Whether skorch's callbacks print.
    """
    net = SkorchNet(
        module,
        criterion=nn.CrossEntropyLoss,
        max_epochs=job.n_epochs,
        device=None,
        train_split=None,
        callbacks=list(callbacks),
        classes=np.arange(n_classes),
        verbose=int(verbose),
    )
    net.job = job
    return net.initialize()


class Agree(Callback):
    """Replaces each process's own figures of an epoch by those of all.

    Parameters
    ----------
    team : Launched
    """

    def __init__(self, team):
        self.team = team

    def on_epoch_end(self, net, dataset_train=None, dataset_valid=None, **kwargs):
        row = net.history[-1]
        for name, data in [
            ("train_loss", dataset_train),
            ("valid_loss", dataset_valid),
            ("valid_acc", dataset_valid),
        ]:
            if data is not None:
                # A process that had no image to validate has no figure.
                own = row.get(name, 0.0)
                net.history.record(name, self.team.mean(own, data.n_own()))


class Best(Callback):
    """Keeps the weights of the best epoch, and gives them back in the end.

    Parameters
    ----------
    patience : int
        Epochs without a lower loss after which training is over.
    """

    def __init__(self, patience):
        self.patience = patience

    def on_train_begin(self, net, **kwargs):
        self.loss_, self.epoch_, self.weights_ = math.inf, 0, None

    def on_epoch_end(self, net, **kwargs):
        loss, epoch = net.history[-1, "valid_loss"], len(net.history)
        if loss < self.loss_:
            self.loss_, self.epoch_ = loss, epoch
            self.weights_ = {
                name: tensor.detach().cpu().clone()
                for name, tensor in net.module_.state_dict().items()
            }
        net.history.record("is_best", self.epoch_ == epoch)

    def on_train_end(self, net, **kwargs):
        if self.weights_ is not None:
            net.module_.load_state_dict(self.weights_)

    def is_over(self, net):
        """Whether a training gets no better."""
        return len(net.history) - self.epoch_ >= self.patience


class Report(Callback):
    """Prints a line an epoch, with the time that is left.

    Parameters
    ----------
    n_epochs : int
        Of the whole training.
    """

    def __init__(self, n_epochs):
        self.n_epochs = n_epochs

    def on_train_begin(self, net, **kwargs):
        self.start_, self.n_before_ = time.perf_counter(), len(net.history)

    def on_epoch_end(self, net, **kwargs):
        last = net.history[-1]
        done = len(net.history) - self.n_before_
        to_do = self.n_epochs - last["epoch"]
        left = (time.perf_counter() - self.start_) / done * to_do
        parts = [
            f"epoch {last['epoch']:3}/{self.n_epochs}",
            f"loss {last['train_loss']:.4f}",
        ]
        if "valid_loss" in last:
            parts.append(f"valid loss {last['valid_loss']:.4f}")
            parts.append(f"valid accuracy {100 * last['valid_acc']:.2f} %")
        parts += [f"{last['dur']:.1f} s", f"{left / 60:.1f} min left"]
        print("  ".join(parts), flush=True)
