"""The loop that trains a net, and tells skorch's callbacks how it goes.

It is our own: inside skorch's, steps that mix images, weigh losses and share gradients
take as many lines, in private methods of its net. Its EarlyStopping ends a training as
Ctrl-C does; its schedules and checkpoints do not bring back the rates, the order and
the draws of an epoch, which here follow from the number of the epoch alone.
"""

from contextlib import suppress

import numpy as np
import torch
from skorch.callbacks import EarlyStopping
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from imgfeat._interrupts import noticing_interrupts


class Loop:
    """Trains the module of a skorch net, and writes the net's history.

    Parameters
    ----------
    net : SkorchNet
        Its callbacks are told of everything, as skorch would tell them.
    job : Job
    best : Best, optional
        The one of the callbacks that says when to end early.

    Attributes
    ----------
    is_interrupted : bool
        Whether the user has pressed Ctrl-C.
    """

    def __init__(self, net, job, best=None):
        self.net = net
        self.job = job
        self.best = best
        self.is_interrupted = False
        self._parameters = list(net.get_all_learnable_params())
        module = job.team.share_gradients(net.module_)
        self._forward = torch.compile(module) if job.compiled else module

    def train(self, data, valid=None):
        """Train until all epochs are done, or bring nothing more.

        Parameters
        ----------
        data : TrainingData
        valid : TrainingData, optional
            What epochs are judged by.

        Returns
        -------
        bool
            False if Ctrl-C or one of the callbacks ended it before.
        """
        net = self.net
        with noticing_interrupts() as interrupts:
            net.notify("on_train_begin", X=data, y=None)
            with suppress(KeyboardInterrupt):  # the user's, or a callback's way to end
                while not self._is_over():
                    self._epoch(data, valid)
            self.is_interrupted = interrupts.came
        if not self.is_interrupted:  # the others may never come
            self.job.team.wait()
        net.notify("on_train_end", X=data, y=None)
        if net.history and "dur" not in net.history[-1]:
            del net.history[-1]  # an epoch that was only begun
        return self._is_over()

    def train_step(self, batch):
        """Take a step; return the loss, a float, and what callbacks are told."""
        try:
            return self._learn(batch)
        except ValueError as error:  # of a batch norm
            if len(batch[1]) > 1 or "more than 1 value" not in str(error):
                raise
            raise ValueError(
                "Batch norms learn from the differences between images, so this net "
                "needs two at least in every training step. Got one; add images, or "
                "take a pretrained net, whose norms keep their statistics."
            ) from error
        except torch.OutOfMemoryError as error:
            inputs, targets = batch
            n_fitting = self._n_fitting(inputs["images"])
            raise ValueError(
                f"A training step needs more memory than the device has. Got "
                f"batch_size={len(targets)}; {n_fitting} images would fit."
            ) from error

    def _is_over(self):
        net, best = self.net, self.best
        return (
            len(net.history) >= self.job.n_epochs
            or (best is not None and best.is_over(net))
            or any(
                isinstance(callback, EarlyStopping)
                and callback.misses_ >= callback.patience
                for _, callback in net.callbacks_
            )
        )

    def _epoch(self, data, valid):
        net, job = self.net, self.job
        n_done = len(net.history)
        sets = {"dataset_train": data, "dataset_valid": valid}
        net.notify("on_epoch_begin", **sets)
        data.epoch = job.n_before + n_done
        # Dropout and mixing: as they would be without an interruption before.
        key = [job.seed, data.epoch, 3]
        torch.manual_seed(int(np.random.default_rng(key).integers(2**62)))
        net.module_.train()
        batches = self._in_pace(data.training_batches(), n_done * data.n_batches())
        self._run(batches, self.train_step, "train")
        net.history.record("lr", max(g["lr"] for g in net.optimizer_.param_groups))
        job.team.share_buffers(net.module_)
        if valid is not None:
            net.module_.eval()
            self._run(valid.evaluation_batches(), self._validation_step, "valid")
        net.notify("on_epoch_end", **sets)

    def _in_pace(self, batches, n_before):
        """The same batches, with the learning rates of each set."""
        for step, batch in enumerate(batches, n_before):
            self.job.set_rates(self.net.optimizer_, step)
            yield batch

    def _run(self, batches, step, name):
        net, count = self.net, 0
        for batch in batches:
            told = {"batch": batch, "training": name == "train"}
            net.notify("on_batch_begin", **told)
            loss, found = step(batch)
            net.history.record_batch(f"{name}_loss", loss)
            net.history.record_batch(f"{name}_batch_size", len(batch[1]))
            net.notify("on_batch_end", **told, **found)
            count += 1
        net.history.record(f"{name}_batch_count", count)

    def _learn(self, batch):
        net, job, (inputs, targets) = self.net, self.job, batch
        if not net.module_.training:  # a callback has looked at predictions
            net.module_.train()
        net.optimizer_.zero_grad()
        images, labels = job.mixing(inputs["images"], targets)
        with job.autocast():
            logits = self._forward(images)
            loss = self._loss(logits, labels, inputs, job.label_smoothing)
        value = loss.item()
        if job.must_be_finite and not np.isfinite(value):
            self._say_diverged()
        # Of several processes, some may have one image more of a batch than others.
        (loss * inputs["share"][0] if "share" in inputs else loss).backward()
        net.notify(
            "on_grad_computed",
            named_parameters=self._parameters,
            batch=batch,
            training=True,
        )
        net.optimizer_.step()
        return value, {"loss": loss, "y_pred": logits}

    def _validation_step(self, batch):
        net, (inputs, targets) = self.net, batch
        with torch.no_grad(), self.job.autocast():
            logits = net.module_(inputs["images"])
            loss = self._loss(logits, targets, inputs)
        if self.job.multilabel:
            right = ((logits > 0) == (targets > 0)).float().mean()
        else:
            right = (logits.argmax(dim=1) == targets).float().mean()
        net.history.record_batch("valid_acc", right.item())
        return loss.item(), {"loss": loss, "y_pred": logits}

    def _loss(self, logits, labels, inputs, label_smoothing=0.0):
        weights = inputs.get("weights")
        if self.job.multilabel:
            labels = labels.float() * (1 - label_smoothing) + label_smoothing / 2
            losses = binary_cross_entropy_with_logits(
                logits.float(), labels, reduction="none"
            )
            if weights is None or weights.ndim == 1:
                losses = losses.mean(dim=1)
        else:
            losses = cross_entropy(
                logits.float(),
                labels,
                reduction="none",
                label_smoothing=label_smoothing,
            )
        return losses.mean() if weights is None else (losses * weights).mean()

    def _n_fitting(self, images):
        """How many of these images a step can take, by halving; 0 if not even one."""
        n = len(images) // 2
        while n:
            self.net.optimizer_.zero_grad()
            if images.is_cuda:
                torch.cuda.empty_cache()
            try:
                self.net.module_(images[:n]).float().sum().backward()
            except torch.OutOfMemoryError:
                n //= 2
            else:
                break
        return n

    def _say_diverged(self):
        raise ValueError(
            "Training needs finite losses. Got NaN or infinity in epoch "
            f"{len(self.net.history)}, with lr={self.job.lr:g}; use a lower lr "
            "(find_lr suggests one), schedule='onecycle', which begins slowly, or "
            "precision='float32'."
        )
