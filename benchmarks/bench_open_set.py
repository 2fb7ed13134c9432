"""What `OpenSet` promises and keeps, on embeddings of CIFAR-10.

Promises: coverage and false alarms over random splits of all ten classes, calibrated on
a fifth of the training images, and on five folds of them. Strangers: three classes left
out, several draws, and handwritten digits; how well distance tells them from images of
known classes (AUROC), beside the highest probability of the same classifier.

    IMGFEAT_DATA=... python -m benchmarks open_set
"""

import argparse
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks._cifar10 import cifar10_files
from benchmarks._data import data_file
from benchmarks._timing import save
from imgfeat.estimators import OpenSet, RidgeProbe
from imgfeat.features import CNNEmbedding

N_IMAGES, N_DIGITS, N_TRAIN, N_TEST = 6000, 500, 2000, 2000
N_SPLITS, N_DRAWS, N_LEFT_OUT = 20, 5, 3
COVERAGE, FALSE_ALARMS = 0.95, 0.05


def embeddings(kept):
    """Of CIFAR-10 with labels, and of digits; from the file `kept` if it is there."""
    if kept is not None and Path(kept).is_file():
        with np.load(kept) as arrays:
            return arrays["X"], arrays["labels"], arrays["digits"]
    with cifar10_files(N_IMAGES) as (paths, labels, _):
        X = CNNEmbedding(n_jobs=2).fit_transform(list(paths))
    with np.load(data_file("mnist.npz")) as mnist:
        digits = CNNEmbedding(n_jobs=2).fit_transform(mnist["x_test"][:N_DIGITS])
    if kept is not None:
        np.savez(kept, X=X, labels=labels, digits=digits)
    return X, labels, digits


def open_set(seed, **options):
    pipeline = make_pipeline(StandardScaler(), RidgeProbe())
    promises = {"coverage": COVERAGE, "false_alarms": FALSE_ALARMS}
    return OpenSet(pipeline, **promises, random_state=seed, **options)


def promises(X, y, n_splits=N_SPLITS, **options):
    """What is found of coverage and false alarms, averaged over splits."""
    found = []
    for seed in range(n_splits):
        rows = np.random.default_rng(seed).permutation(len(X))
        train, test = rows[:N_TRAIN], rows[-N_TEST:]
        model = open_set(seed, **options).fit(X[train], y[train])
        answer = model.predict_open(X[test])
        place = np.searchsorted(model.classes_, y[test])
        found.append(
            {
                "coverage": answer.sets[np.arange(len(test)), place].mean(),
                "false_alarms": 1 - answer.known.mean(),
                "labels_a_set": answer.sets.sum(axis=1).mean(),
                "accuracy": (answer.proba.argmax(axis=1) == place).mean(),
            }
        )
    row = {"n_splits": n_splits, "n_calibration": model.n_calibration_}
    for name in found[0]:
        values = [split[name] for split in found]
        row[name] = float(np.mean(values))
        row[f"{name}_sd"] = float(np.std(values))
    return row


def strangers(X, y, digits):
    """AUROC of distance and of probability, averaged over classes left out."""
    classes, rng = np.unique(y), np.random.default_rng(0)
    found = []
    for seed in range(N_DRAWS):
        left_out = np.isin(y, rng.choice(classes, N_LEFT_OUT, replace=False))
        rows = rng.permutation(np.flatnonzero(~left_out))
        model = open_set(seed).fit(X[rows[:N_TRAIN]], y[rows[:N_TRAIN]])
        known = model.predict_open(X[rows[-1000:]])
        row = {}
        for name, other in (("classes", X[left_out]), ("digits", digits)):
            answer = model.predict_open(other)
            strange = np.arange(len(known.scores) + len(other)) >= len(known.scores)
            row[f"{name}_auroc"] = roc_auc_score(
                strange, np.append(known.scores, answer.scores)
            )
            highest = np.append(known.proba.max(axis=1), answer.proba.max(axis=1))
            row[f"{name}_auroc_probability"] = roc_auc_score(strange, -highest)
            row[f"{name}_found"] = 1 - answer.known.mean()
        found.append(row)
    names = found[0]
    return {
        "n_draws": N_DRAWS,
        **{name: float(np.mean([row[name] for row in found])) for name in names},
        **{f"{name}_sd": float(np.std([row[name] for row in found])) for name in names},
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", metavar="PATH", help="also save the results here")
    parser.add_argument("--embeddings", metavar="NPZ", help="keep them in this file")
    options = parser.parse_args()
    X, y, digits = embeddings(options.embeddings)
    results = {
        "promised": {"coverage": COVERAGE, "false_alarms": FALSE_ALARMS},
        "share": promises(X, y),
        "folds": promises(X, y, n_splits=5, calibration=5),
        "few_references": promises(X, y, n_splits=5, max_references=200),
        "strangers": strangers(X, y, digits),
    }
    for name, row in results.items():
        print(name, {key: round(value, 4) for key, value in row.items()}, flush=True)
    if options.json:
        save(options.json, results)


if __name__ == "__main__":
    main()
