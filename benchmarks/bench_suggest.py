"""How much faster a model learns if the images to label are suggested, not drawn.

Embeddings of 3,000 CIFAR-10 images: 1,500 without labels, of which 50 are drawn, and
1,500 to test on. Logistic regression learns from the 50, and in each round 50 more get
their label: drawn at random, those of the smallest margin, or those that `suggest`
names, margin and diversity together. Mean accuracy over the seeds after each round, and
the standard error of the difference to random choice, seed by seed.

    IMGFEAT_DATA=... python -m benchmarks.bench_suggest --json PATH
"""

import argparse
from pathlib import Path

import numpy as np
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from benchmarks._cifar10 import cifar10_files
from benchmarks._timing import save
from imgfeat.estimators import LinearProbe
from imgfeat.evaluation import suggest
from imgfeat.features import CNNEmbedding

N_POOL = 1500
N_A_ROUND = 50
N_ROUNDS = 5
SEEDS = range(6)


def embeddings(kept):
    """Embeddings and classes, from the file `kept` if there is one."""
    if kept and kept.exists():
        with np.load(kept) as file:
            return file["E"], file["y"]
    with cifar10_files(3000) as (paths, y, _):
        E = CNNEmbedding(size=96).fit_transform(list(paths))
    if kept:
        np.savez(kept, E=E, y=y)
    return E, y


def at_random(model, X, rng):
    return rng.choice(len(X), N_A_ROUND, replace=False)


def by_margin(model, X, rng):
    best = np.sort(model.predict_proba(X), axis=1)
    return np.argsort(best[:, -1] - best[:, -2])[:N_A_ROUND]


def by_suggest(model, X, rng):
    seed = int(rng.integers(2**31))
    return suggest(model, X, N_A_ROUND, random_state=seed)["row"].to_numpy()


def curve(X, y, choose, seed):
    """Accuracy on the test rows with 50, 100, 150 ... labels."""
    rng = np.random.default_rng(seed)
    labelled = rng.choice(N_POOL, N_A_ROUND, replace=False)
    accuracies = []
    while True:
        model = make_pipeline(StandardScaler(), LinearProbe(C=0.01))
        model.fit(X[labelled], y[labelled])
        accuracies.append(model.score(X[N_POOL:], y[N_POOL:]))
        if len(accuracies) > N_ROUNDS:
            return accuracies
        rest = np.setdiff1d(np.arange(N_POOL), labelled)
        labelled = np.concatenate([labelled, rest[choose(model, X[rest], rng)]])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", metavar="PATH", help="also save the results here")
    parser.add_argument("--keep", type=Path, help="a file for embeddings, .npz")
    options = parser.parse_args()
    X, y = embeddings(options.keep)
    results = {"n_labels": [N_A_ROUND * (i + 1) for i in range(N_ROUNDS + 1)]}
    baseline = None
    for choose in (at_random, by_margin, by_suggest):
        with threadpool_limits(1):
            curves = np.array([curve(X, y, choose, seed) for seed in SEEDS])
        baseline = curves if baseline is None else baseline
        gain = curves - baseline
        results[choose.__name__] = {
            "accuracy": curves.mean(axis=0).tolist(),
            "gain": gain.mean(axis=0).tolist(),
            "gain_standard_error": (gain.std(axis=0) / len(SEEDS) ** 0.5).tolist(),
        }
        print(choose.__name__, results[choose.__name__], flush=True)
    if options.json:
        save(options.json, results)


if __name__ == "__main__":
    main()
