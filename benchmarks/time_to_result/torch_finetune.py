"""Ants or bees by fine-tuning a net in torch, as one writes it by hand.

WEIGHTS=FILE python torch_finetune.py TRAIN VAL OUT
"""

import os
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import timm
import torch
from sklearn.metrics import ConfusionMatrixDisplay, classification_report
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, Subset
from torchvision.datasets import ImageFolder

matplotlib.use("agg")
NET, BATCH, EPOCHS = "tf_efficientnet_lite0", 32, 4
RATES = [3e-4, 1e-3]
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def make_net(n_classes):
    # The weights of the package index; elsewhere timm downloads its own.
    overlay = {"file": os.environ["WEIGHTS"]}
    net = timm.create_model(
        NET, pretrained=True, pretrained_cfg_overlay=overlay, num_classes=n_classes
    )
    return net.to(DEVICE)


def load(data, shuffle=False):
    return DataLoader(data, BATCH, shuffle=shuffle, num_workers=2)


def fit(net, data, rate):
    loader = load(data, shuffle=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, rate, epochs=EPOCHS, steps_per_epoch=len(loader)
    )
    loss = nn.CrossEntropyLoss()
    for _ in range(EPOCHS):
        net.train()
        for images, labels in loader:
            optimizer.zero_grad()
            loss(net(images.to(DEVICE)), labels.to(DEVICE)).backward()
            optimizer.step()
            schedule.step()
    return net


@torch.inference_mode()
def predict(net, data):
    net.eval()
    outputs = [net(images.to(DEVICE)).argmax(1).cpu() for images, _ in load(data)]
    return torch.cat(outputs).numpy()


def main():
    train, val, out = sys.argv[1:]
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    config = timm.data.resolve_data_config({}, model=timm.create_model(NET))
    as_it_is = timm.data.create_transform(**config)
    changed = timm.data.create_transform(**config, is_training=True)
    augmented, plain = ImageFolder(train, changed), ImageFolder(train, as_it_is)
    held_out = ImageFolder(val, as_it_is)
    y, n_classes = np.array(plain.targets), len(plain.classes)

    # Folds would take a CPU half an hour, so the rate is chosen on a fifth.
    rows = np.arange(len(y))
    fitted, tested = train_test_split(rows, test_size=0.2, stratify=y, random_state=0)
    scores = {}
    for rate in RATES:
        net = fit(make_net(n_classes), Subset(augmented, fitted), rate)
        right = predict(net, Subset(plain, tested)) == y[tested]
        scores[rate] = right.mean()
    best = max(RATES, key=scores.get)
    print(scores, "best", best)

    net = fit(make_net(n_classes), augmented, best)
    names = np.array(plain.classes)
    predicted, true = names[predict(net, held_out)], names[held_out.targets]
    report = classification_report(true, predicted)
    (out / "report.txt").write_text(report)
    ConfusionMatrixDisplay.from_predictions(true, predicted)
    matplotlib.pyplot.savefig(out / "confusion.png")
    torch.save({"net": net.state_dict(), "classes": plain.classes}, out / "model.pt")
    paths = [path for path, _ in held_out.samples]
    table = pd.DataFrame({"path": paths, "label": predicted})
    table.to_csv(out / "predictions.csv", index=False)
    print(report)


if __name__ == "__main__":
    main()
