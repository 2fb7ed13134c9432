"""Are DenseSIFT's descriptors as good as OpenCV's? Accuracy with the same classifier.

OpenCV's SIFT describes the same grid of points with bins of the same width as our
DenseSIFT, which sums up gradients in flat windows and blurs nothing. Both give RootSIFT
(``root``) or plain SIFT of unit length, and both get what comes after in the same form:
PCA, a Fisher vector, and a ridge classifier whose alpha is chosen by leave-one-out on
the training images. Small bins suit images of 32 pixels; OpenCV's own favourites, wider
ones, have rows as well. Gray CIFAR-10 images, kept as JPEG files.

    IMGFEAT_DATA=FOLDER python -m benchmarks.accuracy_descriptors --json PATH
"""

import argparse
import time

import cv2
import numpy as np
from sklearn.linear_model import RidgeClassifierCV
from sklearn.model_selection import train_test_split

from benchmarks._cifar10 import cifar10_files
from benchmarks._timing import save
from imgfeat.features import DenseSIFT, Descriptors, FisherVector
from imgfeat.kernels.dense_sift import grid_starts
from imgfeat.sources import ImageReader

N_TRAIN, N_TEST = 5000, 5000
STEP, BIN_SIZES = 2, (3, 5)
ALPHAS = np.logspace(-2, 1, 7)


def by_opencv(images, bin_size, *, root):
    """Descriptors at the same points as DenseSIFT's, in the same form."""
    starts = grid_starts(images.shape[1], step=STEP, bin_size=bin_size)
    centres = starts + 1.5 * bin_size
    # The bins of OpenCV are 1.5 times the "size" of a keypoint.
    points = [
        cv2.KeyPoint(float(col), float(row), bin_size / 1.5, 0.0)
        for row in centres
        for col in centres
    ]
    sift = cv2.SIFT_create()
    values = [normalized(sift.compute(image, points)[1], root) for image in images]
    grid = np.stack(np.meshgrid(centres, centres, indexing="ij"), axis=-1)
    positions = (grid.reshape(-1, 2) + 0.5) / images.shape[1]
    return Descriptors.from_images(values, [positions.astype(np.float32)] * len(images))


def normalized(values, root):
    if root:
        return np.sqrt(values / np.maximum(values.sum(axis=1, keepdims=True), 1e-9))
    return values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-9)


def by_imgfeat(images, bin_size, *, root):
    feature = DenseSIFT(STEP, bin_size=bin_size, root=root, n_jobs=-1)
    return feature.transform(images)


def measure(describe, images, labels, bin_size, root):
    """One row: accuracy on the second half of the images."""
    start = time.perf_counter()
    described = describe(images, bin_size, root=root)
    describe_s = time.perf_counter() - start
    train, test = described[:N_TRAIN], described[N_TRAIN:]
    encoder = FisherVector(
        32, n_components_pca=64, spatial_pyramid=(1, 2), random_state=0, n_jobs=-1
    )
    X_train = encoder.fit_transform(train)
    classifier = RidgeClassifierCV(ALPHAS).fit(X_train, labels[:N_TRAIN])
    accuracy = classifier.score(encoder.transform(test), labels[N_TRAIN:])
    row = {
        "name": describe.__name__.removeprefix("by_"),
        "bin_size": bin_size,
        "root": root,
        "accuracy": accuracy,
        "alpha": classifier.alpha_,
        "n_train": N_TRAIN,
        "n_test": N_TEST,
        "describe_s": describe_s,
    }
    kind = "RootSIFT" if root else "SIFT"
    print(
        f"{100 * accuracy:.2f} %  {row['name']:8} bins of {bin_size} px, {kind:9}"
        f"({describe_s:.0f} s to describe)",
        flush=True,
    )
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", metavar="PATH", help="also save the results here")
    args = parser.parse_args()

    with cifar10_files(50_000) as (paths, labels, _):
        paths, _, labels, _ = train_test_split(
            paths, labels, train_size=N_TRAIN + N_TEST, stratify=labels, random_state=0
        )
        images = ImageReader(mode="gray", n_jobs=-1).transform(paths)
    results = [
        measure(describe, images, labels, bin_size, root)
        for bin_size in BIN_SIZES
        for root in (True, False)
        for describe in (by_imgfeat, by_opencv)
    ]
    if args.json:
        save(args.json, results)


if __name__ == "__main__":
    main()
