"""Ants or bees in fastai, as its quick start does it.

WEIGHTS=FILE python fastai_finetune.py TRAIN VAL OUT
"""

import os
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import torch
from fastai.vision.all import (
    ClassificationInterpretation,
    ImageDataLoaders,
    Resize,
    accuracy,
    aug_transforms,
    get_image_files,
    set_seed,
    vision_learner,
)

matplotlib.use("agg")


def main():
    train, val, out = map(Path, sys.argv[1:])
    out.mkdir(parents=True, exist_ok=True)
    set_seed(0)
    loaders = ImageDataLoaders.from_folder(
        train,
        valid_pct=0.2,
        seed=0,
        item_tfms=Resize(256),
        batch_tfms=aug_transforms(size=224, min_scale=0.75),
        bs=32,
    )
    learner = vision_learner(
        loaders,
        "tf_efficientnet_lite0",
        metrics=accuracy,
        pretrained_cfg_overlay={"file": os.environ["WEIGHTS"]},
    )
    learner.fine_tune(4)
    ClassificationInterpretation.from_learner(learner).plot_confusion_matrix()
    matplotlib.pyplot.savefig(out / "confusion.png")
    # learner.export() of fastai 2.8 fails beside torch 2.14: a lock cannot be pickled.
    kept = {"net": learner.model.state_dict(), "classes": list(loaders.vocab)}
    torch.save(kept, out / "model.pt")
    files = get_image_files(val)
    shares, _ = learner.get_preds(dl=loaders.test_dl(files))
    labels = np.array(loaders.vocab)[shares.argmax(1).numpy()]
    table = pd.DataFrame({"path": list(map(str, files)), "label": labels})
    table.to_csv(out / "predictions.csv", index=False)


if __name__ == "__main__":
    main()
