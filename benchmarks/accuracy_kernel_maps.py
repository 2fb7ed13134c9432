"""What to put between a histogram feature and a linear classifier, on two data sets.

Histograms are compared well by additive kernels, such as Hellinger's and chi squared,
which have maps that a linear classifier can work on [1]_; a radial one has an
approximate map. Each is measured behind each feature by cross-validation on training
images only, with a ridge classifier whose penalty is chosen by leave-one-out inside.

- as it is: no map, standardized
- Hellinger: square roots, rows of unit length
- chi squared: scikit-learn's `AdditiveChi2Sampler`, rows of unit length
- radial: rows of unit length, `Nystroem` with 1,000 components, or as many as there are
  images to learn from

CIFAR-10 (3,000 JPEG files, 32 pixels) and ants and bees (244 photos, 128 pixels).

.. [1] A. Vedaldi and A. Zisserman, "Efficient additive kernels via explicit feature
   maps", TPAMI 34(3), 2012, doi:10.1109/TPAMI.2011.153.

    IMGFEAT_DATA=FOLDER python -m benchmarks.accuracy_kernel_maps --json PATH
"""

import argparse
import time

import numpy as np
from sklearn.kernel_approximation import AdditiveChi2Sampler, Nystroem
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, Normalizer, StandardScaler

from benchmarks._cifar10 import cifar10_files
from benchmarks._data import unpacked
from benchmarks._timing import save
from imgfeat.estimators import RidgeProbe
from imgfeat.features import HOG, LBP, BagOfVisualWords, ColorHistogram, DenseSIFT
from imgfeat.sources import ImageReader, load_image_folder

N_CIFAR = 3000
ALPHAS = np.logspace(-4, 5, 19)
FOLDS = StratifiedKFold(3, shuffle=True, random_state=0)


def features(side):
    """Feature -> what describes images of `side` pixels by it, without labels."""
    cell = 4 if side < 64 else 8
    return {
        "hog": HOG(pixels_per_cell=(cell, cell), n_jobs=-1),
        "lbp": LBP((8, 16), (1, 2), grid=(3, 3), normalize="l1", n_jobs=-1),
        "color": ColorHistogram(4, grid=(2, 2), normalize="l1", n_jobs=-1),
        # Words are learned from all images, whose labels they do not see.
        "bovw": make_pipeline(
            DenseSIFT(step=cell // 2 + 1, bin_size=cell // 2 + 1, n_jobs=-1),
            BagOfVisualWords(
                256,
                power=1.0,
                norm="l1",
                spatial_pyramid=(1, 2),
                random_state=0,
                n_jobs=-1,
            ),
        ),
    }


MAPS = {
    "as it is": (StandardScaler(),),
    "Hellinger": (FunctionTransformer(np.sqrt), Normalizer()),
    "chi squared": (AdditiveChi2Sampler(sample_steps=2), Normalizer()),
    "radial": (Normalizer(), Nystroem(gamma=1.0, random_state=0)),
}


def measure(data, feature, X, y):
    rows = []
    n_components = min(1000, len(X) * 2 // 3)
    for name, steps in MAPS.items():
        start = time.perf_counter()
        classifier = make_pipeline(*steps, RidgeProbe(ALPHAS))
        if name == "radial":
            classifier.set_params(nystroem__n_components=n_components)
        scores = cross_val_score(classifier, X, y, cv=FOLDS)
        row = {
            "data": data,
            "feature": feature,
            "map": name,
            "accuracy": scores.mean(),
            "fold_accuracies": scores.tolist(),
            "n_samples": len(X),
            "n_features": X.shape[1],
            "seconds": time.perf_counter() - start,
        }
        print(
            f"{data:12} {feature:6} {name:12} {100 * row['accuracy']:.2f} %  "
            f"({row['seconds']:.0f} s)",
            flush=True,
        )
        rows.append(row)
    return rows


def load():
    """Data set -> images and labels."""
    with cifar10_files(50_000) as (paths, labels, _):
        cifar = ImageReader(mode="rgb", n_jobs=-1).transform(paths[:N_CIFAR])
        yield "cifar10", cifar, labels[:N_CIFAR]
    with unpacked("hymenoptera.tar") as folder:
        train = load_image_folder(folder / "train")
        reader = ImageReader((128, 128), mode="rgb", n_jobs=-1)
        yield "hymenoptera", reader.transform(train.images), train.target


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", metavar="PATH", help="also save the results here")
    args = parser.parse_args()

    results = []
    for data, images, y in load():
        for feature, describe in features(images.shape[1]).items():
            results += measure(data, feature, describe.fit_transform(images), y)
    if args.json:
        save(args.json, results)


if __name__ == "__main__":
    main()
