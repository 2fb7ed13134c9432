"""Ants or bees in AutoGluon, with the net that the others have.

WEIGHTS=FILE python autogluon_multimodal.py TRAIN VAL OUT

Its version 1.6.3 needs torch < 2.14, timm < 1.0.7 and pandas < 2.4: an environment of
its own, in which it was run with torch 2.12.1 and torchvision 0.27.1.
"""

import json
import os
import sys
from pathlib import Path

import matplotlib
import pandas as pd
import timm
import torch
from autogluon.multimodal import MultiModalPredictor
from sklearn.metrics import ConfusionMatrixDisplay, classification_report

matplotlib.use("agg")
NET, MINUTES = "tf_efficientnet_lite0", 5


def list_photos(folder):
    paths = sorted(path for path in folder.glob("*/*") if path.is_file())
    labels = [path.parent.name for path in paths]
    return pd.DataFrame({"path": list(map(str, paths)), "label": labels})


def local_net(folder):
    """The net as AutoGluon reads one from disk, as it cannot download it here."""
    folder.mkdir(parents=True)
    net = timm.create_model(NET, num_classes=0)
    tensors = torch.load(os.environ["WEIGHTS"], weights_only=True)
    kept = {name: tensors[name] for name in net.state_dict()}
    torch.save(kept, folder / "pytorch_model.bin")
    config = net.default_cfg | {"architecture": NET, "num_features": net.num_features}
    (folder / "config.json").write_text(json.dumps(config))
    return str(folder)


def main():
    train, val, out = map(Path, sys.argv[1:])
    data, held_out = list_photos(train), list_photos(val)
    predictor = MultiModalPredictor(label="label", path=str(out / "model"))
    net = local_net(out / "net")
    predictor.fit(
        data,
        presets="medium_quality",
        time_limit=MINUTES * 60,
        hyperparameters={
            "model.names": ["timm_image"],
            "model.timm_image.checkpoint_name": net,
        },
    )
    predicted = predictor.predict(held_out.drop(columns="label"))
    report = classification_report(held_out["label"], predicted)
    (out / "report.txt").write_text(report)
    ConfusionMatrixDisplay.from_predictions(held_out["label"], predicted)
    matplotlib.pyplot.savefig(out / "confusion.png")
    table = held_out.assign(label=list(predicted))
    table.to_csv(out / "predictions.csv", index=False)
    print(report)


if __name__ == "__main__":
    main()
