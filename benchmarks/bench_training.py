"""Seconds of a training epoch: CNNClassifier against a training loop by hand.

The same net, images, augmentation, batch size, optimizer and precision, in one process
on all cores, in turns.

- "arrays": resnet9 on uint8 images of 32 pixels in memory. The loop by hand is what a
  page of torch looks like: index, augment, forward, backward, step.
- "files": efficientnet_lite0 on JPEG files of about 500 x 375 pixels at 160 pixels. The
  loop by hand has torchvision's transforms in a DataLoader with two workers, which
  stay between epochs.

An epoch of ours is a call of `partial_fit`, everything included. It runs the norms of
pretrained nets inside their convolutions; the loop by hand runs them as torch does.

    IMGFEAT_DATA=FOLDER python -m benchmarks.bench_training --json PATH
"""

import argparse
import copy
import tempfile

import numpy as np
import torch
from PIL import Image
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

from benchmarks._cifar10 import cifar10_files
from benchmarks._timing import race, save
from benchmarks.bench_embedding import photographs
from imgfeat.estimators import CNNClassifier
from imgfeat.preprocess import find_policy
from imgfeat.sources import ImageReader

N_ARRAYS, N_FILES, SIDE = 4000, 224, 160


class Files(Dataset):
    """What the page of torch reads files with."""

    def __init__(self, paths, targets):
        self.paths, self.targets = paths, targets
        self.transform = v2.Compose(
            [
                v2.RandomResizedCrop(SIDE, scale=(0.7, 1)),
                v2.RandomHorizontalFlip(),
                v2.PILToTensor(),
            ]
        )

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, row):
        with Image.open(self.paths[row]) as image:
            return self.transform(image.convert("RGB")), self.targets[row]


def by_hand(net, batches, **rates):
    """One epoch of a plain loop."""
    net.train()
    optimizer = torch.optim.AdamW(net.parameters(), **rates)
    for images, targets in batches:
        optimizer.zero_grad()
        loss = cross_entropy(net(images), targets)
        loss.backward()
        optimizer.step()


def trained(cnn, X, y):
    """A classifier after one epoch, and its torch module as it is by hand."""
    cnn.partial_fit(X, y)
    net = copy.deepcopy(cnn.net_.module_)
    for module in net.modules():  # norms run by themselves again
        vars(module).pop("forward", None)
    return cnn, net


def arrays_case(images, targets):
    cnn = CNNClassifier(
        "resnet9", augment="light", batch_size=64, dropout=0.0, random_state=0
    )
    cnn, net = trained(cnn, images, targets)
    whole = torch.from_numpy(images)
    labels = torch.from_numpy(targets)
    policy = find_policy("light")
    generator = torch.Generator().manual_seed(0)

    def batches():
        for rows in torch.randperm(len(whole)).split(64):
            some = whole[rows].permute(0, 3, 1, 2)
            yield policy.batch(some, generator, translate=True), labels[rows]

    return {
        "imgfeat": (len(images), lambda: cnn.partial_fit(images, targets)),
        "by hand": (len(images), lambda: by_hand(net, batches(), lr=1e-3)),
    }


def files_case(paths):
    targets = np.arange(len(paths)) % 2
    cnn = CNNClassifier(
        size=SIDE, trainable="all", augment="light", batch_size=32, random_state=0
    )
    cnn, net = trained(cnn, paths, targets)
    loader = DataLoader(
        Files(paths, targets),
        batch_size=32,
        shuffle=True,
        num_workers=2,
        persistent_workers=True,
    )

    def one_epoch():
        in_channels_last = (
            (images.contiguous(memory_format=torch.channels_last), y)
            for images, y in loader
        )
        by_hand(net, in_channels_last, lr=1e-4)

    return {
        "imgfeat": (len(paths), lambda: cnn.partial_fit(paths, targets)),
        "by hand": (len(paths), one_epoch),
    }


def measure(case, contenders):
    rows = race(case, contenders)
    for row in rows:
        del row["imgfeat_is_faster_by"]
    ratio = rows[0]["median_s"] / rows[1]["median_s"]
    rows[0]["of_by_hand"] = ratio
    print(f"{case}: an epoch costs {ratio:.3f} of one by hand", flush=True)
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", metavar="PATH", help="also save the results here")
    args = parser.parse_args()

    with cifar10_files(N_ARRAYS) as (paths, labels, _):
        images = ImageReader(mode="rgb", n_jobs=-1).transform(paths)
    targets = np.unique(labels, return_inverse=True)[1].astype(np.int64)
    results = measure("arrays", arrays_case(images, targets))
    with tempfile.TemporaryDirectory() as folder:
        _, paths = photographs(folder, N_FILES)
        results += measure("files", files_case(paths))
    if args.json:
        save(args.json, results)


if __name__ == "__main__":
    main()
