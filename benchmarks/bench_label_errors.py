"""How many wrong labels of MNIST are found, and how many right ones are suspected.

The first 12,000 training images; of 5 % the label is replaced by any other one
("uniform"), by the one that it is most easily taken for ("confusable": 4 and 9, 3 and
5, ...), or of none ("clean", where all findings are false alarms, or errors of MNIST
itself). Judged by our linear model on HOG (cells of 4 pixels), as an audit judges
embeddings. For each:

- the share of the planted errors among the 7 % of images of highest score;
- precision and recall of what `label_issues` lists, and of cleanlab's default filter.

    IMGFEAT_DATA=... python -m benchmarks.bench_label_errors --json PATH
"""

import argparse
import time

import numpy as np
from cleanlab.filter import find_label_issues

from benchmarks._data import data_file
from benchmarks._timing import save
from imgfeat.evaluation.audit._label_errors import label_issues, label_scores
from imgfeat.evaluation.audit._out_of_fold import out_of_fold
from imgfeat.features import HOG

N_IMAGES = 12_000
SHARE = 0.05
LOOKED_AT = 0.07
MISTAKEN_FOR = np.array([6, 7, 7, 5, 9, 3, 0, 1, 3, 4])
SEEDS = range(2)


def wrong_labels(y, noise, seed):
    rng = np.random.default_rng(seed)
    y = y.copy()
    rows = rng.choice(len(y), round(SHARE * len(y)), replace=False)
    if noise == "uniform":
        y[rows] = (y[rows] + rng.integers(1, 10, len(rows))) % 10
    elif noise == "confusable":
        y[rows] = MISTAKEN_FOR[y[rows]]
    return y


def measure(features, true, noise, seed):
    y = wrong_labels(true, noise, seed)
    wrong = y != true
    start = time.perf_counter()
    probabilities = out_of_fold(features, y).probabilities
    judged = time.perf_counter()
    listed = np.zeros(len(y), dtype=bool)
    listed[label_issues(y, probabilities, np.arange(10))["row"]] = True
    found = time.perf_counter()
    scores = label_scores(y, probabilities, np.arange(10))
    row = {
        "noise": noise,
        "seed": seed,
        "accuracy": float((probabilities.argmax(axis=1) == true).mean()),
        "judge_s": judged - start,
        "label_issues_s": found - judged,
        "n_listed": int(listed.sum()),
    }
    if noise != "clean":
        first = np.argsort(-scores)[: round(LOOKED_AT * len(y))]
        row["recall_in_first_7_percent"] = float(wrong[first].sum() / wrong.sum())
        row |= rates("listed", listed, wrong)
        theirs = find_label_issues(y, probabilities, n_jobs=1)
        row |= rates("cleanlab_filter", theirs, wrong)
    return row


def rates(name, listed, wrong):
    return {
        f"{name}_precision": float(wrong[listed].mean()),
        f"{name}_recall": float(listed[wrong].mean()),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", metavar="PATH", help="also save the results here")
    options = parser.parse_args()
    mnist = np.load(data_file("mnist.npz"))
    true = mnist["y_train"][:N_IMAGES].astype(int)
    features = HOG(pixels_per_cell=(4, 4)).transform(mnist["x_train"][:N_IMAGES])
    results = []
    for noise in ("uniform", "confusable", "clean"):
        for seed in SEEDS if noise != "clean" else SEEDS[:1]:
            results.append(measure(features, true, noise, seed))
            print(results[-1], flush=True)
    if options.json:
        save(options.json, results)


if __name__ == "__main__":
    main()
