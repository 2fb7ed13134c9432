"""The skorch net inside CNNClassifier: its steps, its record, what it calls back."""

import math
import time

import numpy as np
import torch
from skorch import NeuralNetClassifier
from skorch.callbacks import Callback, EpochTimer, PassthroughScoring
from skorch.dataset import unpack_data
from skorch.hf import AccelerateMixin
from torch.nn.functional import cross_entropy

from imgfeat.estimators._team import plain
from imgfeat.nets._rates import rate


class _Steps:
    """What skorch's nets do with the batches of `TrainingData`.

    Before it is initialized, `CNNClassifier` sets ``job``, a `Job`.
    """

    job = None

    @property
    def _default_callbacks(self):
        return [
            ("epoch_timer", EpochTimer()),
            ("train_loss", PassthroughScoring(name="train_loss", on_train=True)),
            ("valid_loss", PassthroughScoring(name="valid_loss")),
            ("valid_acc", PassthroughScoring("valid_acc", lower_is_better=False)),
        ]

    def initialize_optimizer(self, *args, **kwargs):
        self.optimizer_ = self.job.make_optimizer(self.module_)
        return self

    def get_iterator(self, dataset, training=False):
        return _Batches(dataset, training)

    def train_step_single(self, batch, **fit_params):
        self._set_training(True)
        inputs, targets = unpack_data(batch)
        images, own = self.job.mixing(inputs["images"], self.job.rng)
        with self.job.autocast():
            logits = self.job.run(self.module_, images)
            loss = self._loss(logits, targets, inputs)
            if own < 1:
                others = self._loss(logits, targets.roll(1, 0), inputs)
                loss = own * loss + (1 - own) * others
        if self.job.must_be_finite and not torch.isfinite(loss):
            self.job.say_diverged(len(self.history))
        # Of several processes, some may have one image more of a batch than others.
        share = inputs["share"][0] if "share" in inputs else 1
        self.job.team.backward(loss * share)
        return {"loss": loss, "y_pred": logits}

    def train_step(self, batch, **fit_params):
        try:
            return super().train_step(batch, **fit_params)
        except torch.OutOfMemoryError as error:
            inputs, targets = unpack_data(batch)
            n_fitting = self._n_fitting(inputs["images"])
            raise ValueError(
                f"A training step needs more memory than the device has. Got "
                f"batch_size={len(targets)}; {n_fitting} images would fit."
            ) from error

    def _n_fitting(self, images):
        """How many of these images a step can take, by halving; 0 if not even one."""
        n = len(images) // 2
        while n:
            self._zero_grad_optimizer()
            if images.is_cuda:
                torch.cuda.empty_cache()
            try:
                plain(self.module_)(images[:n]).float().sum().backward()
            except torch.OutOfMemoryError:
                n //= 2
            else:
                break
        return n

    def validation_step(self, batch, **fit_params):
        self._set_training(False)
        inputs, targets = unpack_data(batch)
        with torch.no_grad(), self.job.autocast():
            logits = plain(self.module_)(inputs["images"])
            loss = self._loss(logits, targets, inputs, label_smoothing=0.0)
        right = (logits.argmax(dim=1) == targets).float().mean()
        self.history.record_batch("valid_acc", right.item())
        return {"loss": loss, "y_pred": logits}

    def _loss(self, logits, targets, inputs, label_smoothing=None):
        if label_smoothing is None:
            label_smoothing = self.job.label_smoothing
        losses = cross_entropy(
            logits.float(), targets, reduction="none", label_smoothing=label_smoothing
        )
        weights = inputs.get("weights")
        return losses.mean() if weights is None else (losses * weights).mean()


class SkorchNet(_Steps, NeuralNetClassifier):
    """A skorch classifier that trains in one process."""


class SharedNet(_Steps, AccelerateMixin, NeuralNetClassifier):
    """A skorch classifier that trains in all processes that accelerate started.

    Every process sees its share of each batch; gradients are averaged over all.
    """

    def _initialize_accelerator(self):
        # A loss has no gradients of its own that could be averaged; without a GPU,
        # accelerate would not see that.
        criteria, self._criteria = self._criteria, []
        super()._initialize_accelerator()
        self._criteria = criteria
        return self

    def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params):
        if not training:  # the epoch's training is over
            self.job.team.share_buffers(plain(self.module_))
        return super().run_single_epoch(
            iterator, training, prefix, step_fn, **fit_params
        )


class _Batches:
    """What skorch iterates over, once an epoch."""

    def __init__(self, data, training):
        self._data = data
        self._training = training

    def __iter__(self):
        if self._training:
            return self._data.training_batches()
        return self._data.evaluation_batches()

    def __len__(self):
        return self._data.n_batches()


class Course(Callback):
    """Seeds every epoch and sets the rates of every step, by their numbers alone."""

    def on_epoch_begin(self, net, dataset_train=None, **kwargs):
        job = net.job
        n_done = len(net.history) - 1
        epoch = dataset_train.epoch = job.n_before + n_done
        # Dropout and mixing: as they would be without an interruption before.
        torch.manual_seed(
            int(np.random.default_rng([job.seed, epoch, 3]).integers(2**62))
        )
        job.rng = np.random.default_rng([job.seed, epoch, 4])
        job.step = n_done * dataset_train.n_batches()

    def on_batch_begin(self, net, batch=None, training=False, **kwargs):
        if not training:
            return
        job = net.job
        share = rate(job.schedule, job.step / max(1, job.n_steps - 1))
        for group in net.optimizer_.param_groups:
            group["lr"] = job.lr * group["factor"] * share
        job.step += 1

    def on_epoch_end(self, net, **kwargs):
        net.history.record("lr", max(g["lr"] for g in net.optimizer_.param_groups))


class Agree(Callback):
    """Replaces each process's own figures of an epoch by those of all."""

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
                net.history.record(name, net.job.team.mean(own, data.n_own()))


class Best(Callback):
    """Keeps the weights of the best epoch, and ends a training that gets no better.

    Parameters
    ----------
    patience : int or None
        Epochs without a lower loss after which training ends; None for never.
    """

    def __init__(self, patience=None):
        self.patience = patience

    def on_train_begin(self, net, **kwargs):
        self.loss_, self.epoch_, self.weights_ = math.inf, 0, None
        self.is_over_ = False

    def on_epoch_end(self, net, **kwargs):
        loss, epoch = net.history[-1, "valid_loss"], len(net.history)
        if loss < self.loss_:
            self.loss_, self.epoch_ = loss, epoch
            self.weights_ = {
                name: tensor.detach().cpu().clone()
                for name, tensor in plain(net.module_).state_dict().items()
            }
        net.history.record("is_best", self.epoch_ == epoch)
        if self.patience is not None and epoch - self.epoch_ >= self.patience:
            self.is_over_ = True
            raise KeyboardInterrupt  # skorch's way to end a training early

    def restore(self, net):
        """Give the net its best weights back."""
        if self.weights_ is not None:
            plain(net.module_).load_state_dict(self.weights_)


def find_best(net):
    """The Best of a skorch net, or None if it has none."""
    return dict(net.callbacks_).get("best")


class Report(Callback):
    """Prints a line an epoch, with the time that is left."""

    def on_train_begin(self, net, **kwargs):
        self.start_, self.n_before_ = time.perf_counter(), len(net.history)

    def on_epoch_end(self, net, **kwargs):
        last, n_epochs = net.history[-1], net.job.n_epochs
        done = len(net.history) - self.n_before_
        left = (time.perf_counter() - self.start_) / done * (n_epochs - last["epoch"])
        parts = [
            f"epoch {last['epoch']:3}/{n_epochs}",
            f"loss {last['train_loss']:.4f}",
        ]
        if "valid_loss" in last:
            parts.append(f"valid loss {last['valid_loss']:.4f}")
            parts.append(f"valid accuracy {100 * last['valid_acc']:.2f} %")
        parts += [f"{last['dur']:.1f} s", f"{left / 60:.1f} min left"]
        print("  ".join(parts), flush=True)
