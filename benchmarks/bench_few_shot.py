"""Accuracy with one to ten images a class, all on the same embeddings.

The recipe `prototype` against `cnn-lr` and `cnn-ridge`, each as the recipe has it
behind the default net, and scikit-learn's ``NearestCentroid`` on embeddings as they
are. ``centred`` is `prototype` with the mean of the few images subtracted before they
are brought to unit length; ``plain`` is `prototype` without its covariance.

CIFAR-10: ten classes, 1,000 test images. Hymenoptera: ants and bees, its `val` part, of
153. Images to learn from are drawn twenty times from the training part, the same for
all. `cnn-lr` chooses its C where a class has two images, as in a search; of one image
nothing can be held out. ``ahead`` is the mean difference to `prototype` in a draw, with
its standard error; below 0 the recipe is behind. Log loss is of probabilities, which
``NearestCentroid`` has none of that compare.

    IMGFEAT_DATA=FOLDER python -m benchmarks.bench_few_shot --json PATH
"""

import argparse
import warnings

import numpy as np
from sklearn.base import clone
from sklearn.metrics import log_loss
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer, StandardScaler

from benchmarks._data import unpacked
from benchmarks._timing import save
from imgfeat import load_image_folder, make_recipe
from imgfeat.estimators import PrototypeClassifier
from imgfeat.features import CNNEmbedding

ARCHIVES = {"cifar10": "cifar10-jpeg.tar.xz", "hymenoptera": "hymenoptera.tar"}
# Of CIFAR-10, files a class of each part.
N_POOL, N_TEST = 60, 100
N_EACH = 1, 2, 5, 10
N_DRAWS = 20
RECIPES = "prototype", "cnn-lr", "cnn-ridge"


def contenders(n_each):
    """What stands behind the embeddings, by name."""
    found = {name: make_recipe(name, search=n_each > 1)[1:] for name in RECIPES}
    center = StandardScaler(with_std=False)
    found["centred"] = make_pipeline(center, Normalizer(), PrototypeClassifier())
    found["plain"] = make_pipeline(Normalizer(), PrototypeClassifier(1.0))
    found["NearestCentroid"] = NearestCentroid()
    return found


def embed(name):
    """Embeddings and labels of both parts of a data set."""
    net = CNNEmbedding()
    with unpacked(ARCHIVES[name], lambda file: is_wanted(name, file.name)) as folder:
        parts = sorted(path for path in folder.iterdir() if path.is_dir())
        test, train = sorted(parts, key=lambda path: path.name == "train")
        found = [load_image_folder(part) for part in (train, test)]
        return [(net.fit_transform(part.images), part.labels) for part in found]


def is_wanted(name, file):
    if name != "cifar10":
        return True
    part, number = file.split("/")[0], file.rsplit("/", 1)[-1].partition(".")[0]
    return int(number) < (N_POOL if part == "train" else N_TEST)


def measure(name, n_each, train, test):
    """A row a contender."""
    (X, y), (X_test, y_test) = train, test
    models, scores, losses = contenders(n_each), {}, {}
    for draw in range(N_DRAWS):
        rng = np.random.default_rng([draw, n_each])
        rows = np.concatenate(
            [
                rng.choice(np.flatnonzero(y == one), n_each, replace=False)
                for one in np.unique(y)
            ]
        )
        for kind, model in models.items():
            # NearestCentroid complains of features that few images do not tell apart.
            with np.errstate(invalid="ignore"), warnings.catch_warnings():
                warnings.filterwarnings("ignore", "self.within_class_std_dev_")
                fitted = clone(model).fit(X[rows], y[rows])
            scores.setdefault(kind, []).append(fitted.score(X_test, y_test))
            if kind != "NearestCentroid":
                loss = log_loss(y_test, fitted.predict_proba(X_test))
                losses.setdefault(kind, []).append(loss)
    found = []
    for kind in models:
        ahead = np.subtract(scores["prototype"], scores[kind])
        row = {
            "data": name,
            "name": kind,
            "n_each": n_each,
            "accuracy": np.mean(scores[kind]),
            "standard_deviation": np.std(scores[kind], ddof=1),
            "ahead": ahead.mean(),
            "ahead_standard_error": ahead.std(ddof=1) / np.sqrt(N_DRAWS),
            "log_loss": np.mean(losses[kind]) if kind in losses else None,
            "draws": N_DRAWS,
        }
        found.append(row)
        loss = "" if row["log_loss"] is None else f"  log loss {row['log_loss']:.3f}"
        print(
            f"{name:12}{n_each:3} a class  {kind:16}{100 * row['accuracy']:6.2f} %  "
            f"prototype ahead by {100 * row['ahead']:+6.2f} +- "
            f"{100 * row['ahead_standard_error']:.2f}{loss}",
            flush=True,
        )
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", metavar="PATH", help="also save the results here")
    args = parser.parse_args()

    results = []
    for name in ARCHIVES:
        train, test = embed(name)
        for n_each in N_EACH:
            results += measure(name, n_each, train, test)
    if args.json:
        save(args.json, results)


if __name__ == "__main__":
    main()
