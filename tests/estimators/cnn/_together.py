"""What each process of test_team.py does; it writes its results as PREFIX-RANK.npz.

Started with a folder as its one argument, by itself or by torch.distributed.run.
"""

import os
import sys
import warnings
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits
from skorch.callbacks import Callback

from imgfeat.estimators import CNNClassifier
from tests.estimators.cnn._tiny_net import TinyNet

N_TRAIN, N_TEST = 205, 100


class StopAfterTwo(Callback):
    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == 2:
            raise KeyboardInterrupt


def main(folder):
    rank = os.environ.get("RANK", "0")
    is_alone = os.environ.get("WORLD_SIZE", "1") == "1"
    digits = load_digits()
    images = (digits.images * (255 / 16)).astype(np.uint8)
    X, y = images[:N_TRAIN], digits.target[:N_TRAIN]
    common = {
        "device": "accelerate",
        "max_epochs": 3,
        "batch_size": 50,
        "dropout": 0.0,
        # Adam makes steps of one size from gradients near zero, whatever their sign.
        "optimizer": "sgd",
        "lr": 0.1,
        "n_jobs": 1,
    }

    def fit(name, backbone, X=X, y=y, **options):
        cnn = CNNClassifier(backbone, **(common | options)).fit(X, y)
        tensors = cnn.net_.module_.state_dict()
        np.savez(
            folder / f"{name}-{rank}.npz",
            probabilities=cnn.predict_proba(images[N_TRAIN : N_TRAIN + N_TEST]),
            history=cnn.history_.drop(columns="dur").astype(float).to_numpy(),
            **{f"net.{key}": tensor.numpy() for key, tensor in tensors.items()},
        )

    watched = {"random_state": 0, "early_stopping": 2}
    fit("frozen norms", TinyNet(), trainable="all", **watched)
    fit("staged", TinyNet(), class_weight="balanced", random_state=0)
    fit("head", TinyNet(), trainable="head", **watched)
    # Every process may draw a seed of its own; that of the first counts.
    fit("norms", "simple_cnn", augment="light", random_state=None if rank == "1" else 0)
    whole = {"trainable": "all", "random_state": 0}
    fit("whole", TinyNet(), **whole)
    stored = {"checkpoint_dir": folder / "checkpoints", **whole}
    with warnings.catch_warnings(action="ignore"):  # it says that it was interrupted
        fit("stored", TinyNet(), callbacks=[StopAfterTwo()], **stored)
    fit("resumed", TinyNet(), resume=True, **stored)
    if is_alone:
        return
    mistakes = {
        "labels": {"y": y[::-1] if rank == "1" else y},
        "skip": {"on_error": "skip"},
    }
    for name, options in mistakes.items():
        try:
            fit(name, TinyNet(), **options)
        except ValueError as error:
            (folder / f"{name}-{rank}.txt").write_text(str(error))
        else:
            raise AssertionError(f"{name} was not refused")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
        # Threads of gloo that are still there at the exit of Python, as on a busy
        # machine, would abort it; all results are on disk by now.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
