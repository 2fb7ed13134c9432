"""What each process of test_launched.py does, started by ``accelerate launch``.

With a folder as its one argument: trains a net, and another one that keeps checkpoints
and is killed after two epochs. The next time it goes on from there.
"""

import os
import signal
import sys
from pathlib import Path

import numpy as np
import torch
from skorch.callbacks import Callback

from imgfeat.estimators import CNNClassifier
from tests.estimators.cnn._tiny_net import TinyNet


class DieAfterTwo(Callback):
    def on_epoch_end(self, net, **kwargs):
        torch.distributed.barrier()
        if len(net.history) == 3:  # the checkpoint of the second is written
            os.kill(os.getpid(), signal.SIGKILL)


def main(folder):
    X = np.random.default_rng(0).integers(0, 256, (61, 8, 8), np.uint8)
    y = np.arange(61) % 3

    def fit(name, **options):
        cnn = CNNClassifier(
            TinyNet(),
            device="accelerate",
            max_epochs=4,
            batch_size=16,
            trainable="all",
            random_state=0,
            n_jobs=1,
            **options,
        ).fit(X, y)
        rank, size = torch.distributed.get_rank(), torch.distributed.get_world_size()
        np.savez(
            folder / f"{name}-{rank}.npz",
            size=size,
            probabilities=cnn.predict_proba(X),
            losses=cnn.history_["train_loss"].to_numpy(),
        )

    kept = {"checkpoint_dir": folder / "checkpoints"}
    if (folder / "whole-0.npz").exists():
        fit("resumed", resume=True, **kept)
    else:
        fit("whole")
        torch.distributed.barrier()
        fit("killed", callbacks=[DieAfterTwo()], **kept)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
    torch.distributed.destroy_process_group()
    os._exit(0)  # as in _together.py
