"""How CNNClassifier trains and predicts: from its parameters to a skorch net."""

import warnings
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch
from sklearn.base import clone
from sklearn.utils import check_random_state
from torch import nn

from imgfeat._frames import make_frame
from imgfeat._target import is_several
from imgfeat._threads import usable_threads
from imgfeat.estimators.cnn import _nets as choice
from imgfeat.estimators.cnn._checkpoint import Checkpoints
from imgfeat.estimators.cnn._data import TrainingData
from imgfeat.estimators.cnn._fitted import NetChoice, check_same_net
from imgfeat.estimators.cnn._head import choose_trainable, suit_norms
from imgfeat.estimators.cnn._judging import autocast
from imgfeat.estimators.cnn._labels import encode_labels, hold_out, weigh
from imgfeat.estimators.cnn._linear_head import fit_head, frozen_features
from imgfeat.estimators.cnn._loop import Loop
from imgfeat.estimators.cnn._mixing import find_mixing
from imgfeat.estimators.cnn._resident import TrainingImages
from imgfeat.estimators.cnn._skorch import Agree, Best, Report, make_net
from imgfeat.estimators.cnn._team import Alone, Launched, find_team
from imgfeat.estimators.cnn._training_identity import first_weights, training_facts
from imgfeat.estimators.cnn._training_plan import Job
from imgfeat.nets import Preprocessing
from imgfeat.nets.inference._torch import torch_threads
from imgfeat.preprocess._augment import Policy, find_policy

# Highest rates for 64 images a batch: from scratch, and for a new head.
_RATES = {"adamw": (1e-2, 1e-3), "sgd": (1e-1, 1e-2)}
_USUAL_BATCH = 64
_PATIENCE = 5
# Images from which a net from scratch learns the statistics of pixels.
_N_FOR_STATISTICS = 2000


@dataclass
class _Prepared:
    """A net and the data that it is going to be trained on."""

    images: TrainingImages
    names: np.ndarray
    module: nn.Module
    seen: Preprocessing
    data: TrainingData
    valid: TrainingData | None
    team: Alone | Launched
    seed: int
    weight_scale: float = 1.0


def train(
    cnn,
    X,
    y,
    sample_weight,
    *,
    n_epochs,
    go_on,
    groups=None,
    classes=None,
    is_partial=False,
):
    """Train a CNNClassifier; see its `fit` and `partial_fit`.

    Parameters
    ----------
    cnn : CNNClassifier
    X, y, sample_weight
    n_epochs : int
    go_on : bool
        Keep the weights and classes that it has.
    groups : array-like of shape (n_samples,), optional
        What early stopping may not part.
    classes : array-like, optional
    is_partial : bool
        At a constant rate, on all images.

    Returns
    -------
    CNNClassifier
    """
    is_watched = bool(cnn.early_stopping) and not is_partial
    with torch.random.fork_rng(), torch_threads(usable_threads(cnn.n_jobs)):
        ready = _prepare(cnn, X, y, sample_weight, go_on, classes, is_watched, groups)
        # Of partial_fit, every call would be a training of its own.
        keeps = cnn.checkpoint_dir is not None and not is_partial
        start = first_weights(cnn, ready.module, go_on=go_on) if keeps else None
        if not choice.is_new(cnn.backbone, cnn.weights):
            _begin_with_head(cnn, ready, is_new=not go_on, is_partial=is_partial)
        job = _job(
            cnn,
            ready,
            n_epochs,
            schedule=None if is_partial else cnn.schedule,
            n_before=len(cnn.history_) if go_on else 0,
        )
        if not is_partial:  # many short calls may be one long training
            suit_norms(ready.module, job.n_steps)
        best = None
        if ready.valid is not None:
            patience = _PATIENCE if cnn.early_stopping is True else cnn.early_stopping
            best = Best(patience)
        net = make_net(
            ready.module,
            job,
            len(ready.names),
            callbacks=_callbacks(cnn, ready, job, best, start, keeps),
            verbose=cnn.verbose if ready.team.is_main else 0,
        )
        loop = Loop(net, job, best)
        is_over = loop.train(ready.data, ready.valid)
    chosen = NetChoice.of(cnn)
    if go_on:
        chosen = replace(NetChoice.of_fitted(cnn), trainable=chosen.trainable)
    cnn.classes_, cnn.multilabel_ = ready.names, ready.data.targets.ndim == 2
    cnn._net, cnn._seen, cnn._chosen = net, ready.seen.as_dict(), chosen.as_dict()
    cnn.history_ = _history(net, cnn.history_ if go_on else None)
    errors = ready.data.errors | (ready.valid.errors if ready.valid else {})
    cnn.errors_ = ready.images.error_table(errors)
    epoch = f"epoch {min(len(net.history) + 1, n_epochs)} of {n_epochs}"
    if loop.is_interrupted:  # whoever called `fit` may have a search to end
        raise KeyboardInterrupt(
            f"Training was interrupted in {epoch}; this {type(cnn).__name__} keeps "
            "what it has learned, and can predict."
        )
    if not is_over:
        warnings.warn(
            f"Training was interrupted in {epoch} by a callback; the net keeps what it "
            "has learned.",
            stacklevel=4,
        )
    return cnn


def try_rates(cnn, X, y, rates):
    """Yield the loss of a training step at each rate; `cnn` stays unfitted."""
    cnn = clone(cnn)
    cnn._validate_params()
    with torch.random.fork_rng(), torch_threads(usable_threads(cnn.n_jobs)):
        ready = _prepare(cnn, X, y, None, False, None, False)
        job = _job(cnn, ready, 1, schedule=None, must_be_finite=False)
        net = make_net(ready.module, job, len(ready.names))
        loop = Loop(net, job)
        torch.manual_seed(ready.seed)
        net.module_.train()
        batches = iter(())
        for rate in rates:
            for group in net.optimizer_.param_groups:
                group["lr"] = rate * group["factor"]
            batch = next(batches, None)
            if batch is None:
                batches = ready.data.training_batches()
                ready.data.epoch += 1
                batch = next(batches)
            yield loop.train_step(batch)[0]


def _begin_with_head(cnn, ready, *, is_new, is_partial):
    """Fit a new head on frozen features, and keep these if nothing else learns."""
    is_new = is_new and cnn.trainable in ("head", "staged")
    is_frozen = (
        cnn.trainable == "head"
        and find_policy(cnn.augment) == Policy()
        and not (cnn.mixup or cnn.cutmix or is_partial)
    )
    if not (is_new or is_frozen):
        return
    data, module = ready.data, ready.module

    def features_of(data):
        return frozen_features(
            module, data, autocast(cnn, ready.team.device), ready.team
        )

    X, rows = features_of(data)
    if is_new:
        weights = data.weights
        if weights is not None:  # on the user's scale, as they work against the penalty
            weights = weights.numpy()[rows] * ready.weight_scale
        fit_head(module, X, data.targets.numpy()[rows], weights)
    if is_frozen:
        ready.data = data.of_features(X, rows)
        if ready.valid is not None:
            ready.valid = ready.valid.of_features(*features_of(ready.valid))


def _prepare(cnn, X, y, sample_weight, go_on, classes, is_watched, groups=None):
    if cnn.resume and cnn.random_state is None:
        raise ValueError(
            "resume=True needs a random_state, as without one no two trainings are "
            "the same. Got random_state=None; use an int."
        )
    images = TrainingImages(cnn, X, reset=not go_on)
    if go_on and is_several(y) != cnn.multilabel_:
        raise ValueError(
            "CNNClassifier goes on with labels of the kind that it was fitted on. Got "
            f"{'several labels' if is_several(y) else 'one label'} an image; fit a new "
            "net with warm_start=False."
        )
    known = cnn.classes_ if go_on else classes
    names, targets = encode_labels(y, len(images), known)
    weights, scale = weigh(images, sample_weight, cnn.class_weight, names, targets)
    team, threads = find_team(cnn.device), usable_threads(cnn.n_jobs)
    _check_team(team, cnn, targets)
    seed = team.agree(int(check_random_state(cnn.random_state).randint(2**31 - 1)))
    rows, held_out = np.arange(len(images)), None
    if is_watched:
        rows, held_out = hold_out(targets, cnn.validation_fraction, seed, groups)
    if go_on:
        seen = Preprocessing(**cnn._seen)
        check_same_net(cnn, seen.size)
        module = cnn.net_.module_
    else:
        seen = choice.stated_preprocessing(
            cnn.backbone, cnn.weights, cnn.size, images.first_shape()
        )
    resident = images.resident(seen, team.device)
    if resident is None and cnn.on_error == "raise":
        resident = images.decode_small(seen, team.device, threads)

    def data_of(some, **options):
        return TrainingData(
            images.read,
            some,
            targets,
            preprocessing=seen,
            policy=find_policy(cnn.augment),
            batch_size=cnn.batch_size,
            seed=seed,
            n_threads=threads,
            device=team.device,
            weights=weights,
            resident=resident,
            on_error=cnn.on_error,
            **options,
        )

    if not go_on:
        module, seen = _first_net(cnn, seen, data_of, rows, len(names), seed)
    module.to(team.device, memory_format=torch.channels_last)
    choose_trainable(module, cnn.trainable)
    part = team.rank, team.size
    data = data_of(rows, part=part)
    valid = None if held_out is None else data_of(held_out, part=part)
    return _Prepared(images, names, module, seen, data, valid, team, seed, scale)


def _check_team(team, cnn, targets):
    """What several processes need before they train one net together."""
    if team.size == 1:
        return
    team.check_same(targets)
    if len(targets) < team.size:
        raise ValueError(
            f"{team.size} processes need as many images at least. Got {len(targets)}."
        )
    if cnn.on_error == "skip":
        raise ValueError(
            "Several processes wait for each other at every step, so none may leave "
            "images out. Got on_error='skip'; use 'raise', and leave out the images "
            "that it names before."
        )


def rebuild(cnn):
    """The skorch net of a classifier that was pickled or saved, on the CPU."""
    seen, chosen = Preprocessing(**cnn._seen), NetChoice.of_fitted(cnn)
    n_classes = len(cnn.classes_)
    module = _build(chosen, seen, n_classes, seed=0, is_empty=True)
    tensors = {name: torch.from_numpy(a.copy()) for name, a in cnn._tensors.items()}
    module.load_state_dict(tensors)
    choose_trainable(module, chosen.trainable)
    return make_net(module, Job(lr=_rate(cnn), n_epochs=1, n_steps=1), n_classes)


def as_arrays(module):
    """The tensors of a module as plain arrays, by name."""
    return {n: t.detach().cpu().numpy() for n, t in module.state_dict().items()}


def _first_net(cnn, seen, data_of, rows, n_classes, seed):
    """A net that has learned nothing yet, and what it is to see."""
    is_small = choice.is_from_scratch(cnn.backbone)
    if is_small:
        some = np.random.default_rng(seed).permutation(rows)[:_N_FOR_STATISTICS]
        batches = data_of(np.sort(some)).evaluation_batches()
        sample = torch.cat([inputs["images"].cpu() for inputs, _ in batches])
        seen = choice.learn_statistics(seen, sample)
    module = _build(NetChoice.of(cnn), seen, n_classes, seed=seed)
    if is_small:
        choice.whiten(module, sample)
    return module, seen


def _build(chosen, seen, n_classes, **options):
    return choice.build(
        chosen.backbone,
        chosen.weights,
        seen,
        n_classes,
        dropout=chosen.dropout,
        is_compiled=chosen.compile,
        **options,
    )


def _job(cnn, ready, n_epochs, **options):
    is_new = choice.is_new(cnn.backbone, cnn.weights)
    return Job(
        lr=_rate(cnn),
        n_epochs=n_epochs,
        n_steps=n_epochs * ready.data.n_batches(),
        optimizer=cnn.optimizer,
        body_factor=1.0 if is_new else cnn.backbone_lr_factor,
        weight_decay=cnn.weight_decay,
        in_stages=cnn.trainable == "staged" and not is_new,
        label_smoothing=cnn.label_smoothing,
        multilabel=ready.data.targets.ndim == 2,
        mixing=find_mixing(cnn.mixup, cnn.cutmix, len(ready.names)),
        autocast=lambda: autocast(cnn, ready.team.device),
        compiled=cnn.compile,
        seed=ready.seed,
        team=ready.team,
        **options,
    )


def _rate(cnn):
    if cnn.lr != "auto":
        return cnn.lr
    from_scratch, new_head = _RATES[cnn.optimizer]
    is_new = choice.is_new(cnn.backbone, cnn.weights)
    rate = from_scratch if is_new else new_head
    return rate * (cnn.batch_size / _USUAL_BATCH) ** 0.5


def _callbacks(cnn, ready, job, best, start, keeps):
    """Ours and the user's, in the order in which they are called."""
    found, team = [], ready.team
    if team.size > 1:
        found.append(("agree", Agree(team)))
    if best is not None:
        found.append(("best", best))
    if keeps:
        facts = training_facts(cnn, ready.images, ready.names, ready.data, job, start)
        checkpoints = Checkpoints(
            cnn.checkpoint_dir, facts, team, best, resume=cnn.resume
        )
        found.append(("checkpoints", checkpoints))
    if cnn.verbose and team.is_main:
        found.append(("report", Report(job.n_epochs)))
    return [*found, *(cnn.callbacks or ())]


def _history(net, before):
    """A row an epoch, numbered on from an earlier training."""
    names = ["epoch", "train_loss", "valid_loss", "valid_acc", "is_best", "lr", "dur"]
    rows = [{name: row[name] for name in names if name in row} for row in net.history]
    kept = rows[0] if rows else ("epoch", "train_loss", "lr", "dur")
    history = make_frame(rows, columns=[name for name in names if name in kept])
    if before is None or not len(before):
        return history
    if not rows:
        return before
    history["epoch"] += before["epoch"].max()
    return pd.concat([before, history], ignore_index=True)
