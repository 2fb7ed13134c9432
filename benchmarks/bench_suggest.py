"""How much faster a model learns if the images to label are suggested, not drawn.

Embeddings of 3,000 CIFAR-10 images: 1,500 to test on, the others without labels, all of
them ("even") or with classes that become rare, down to 6 % of what they were
("uneven"), as they are where people collect. Logistic regression learns from 50 that
are drawn, and in each round 50 more get their label: drawn at random, or those that
`suggest` names. Mean balanced accuracy over the seeds after each round, and the
standard error of the difference, seed by seed. The even pool is there because it shows
no clear gain: in a run of six seeds the difference was -0.011 to 0.009 with up to 300
labels.

    IMGFEAT_DATA=... python -m benchmarks.bench_suggest --json PATH
"""

import argparse
from pathlib import Path

import numpy as np
from sklearn.metrics import balanced_accuracy_score
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
N_ROUNDS = 3
SEEDS = range(4)
KEPT = {
    "uneven": [1, 1, 0.5, 0.5, 0.25, 0.25, 0.12, 0.12, 0.06, 0.06],
    "even": [1] * 10,
}


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


def by_suggest(model, X, rng):
    seed = int(rng.integers(2**31))
    return suggest(model, X, N_A_ROUND, random_state=seed)["row"].to_numpy()


def pool_of(y, kept, rng):
    """Rows without labels; of each class, in random order, a share."""
    shares = dict(zip(rng.permutation(np.unique(y)), kept, strict=True))
    return np.flatnonzero(rng.random(N_POOL) < [shares[name] for name in y[:N_POOL]])


def curve(X, y, kept, choose, seed):
    """Balanced accuracy on the test rows with 50, 100, 150 ... labels."""
    rng = np.random.default_rng(seed)
    pool = pool_of(y, kept, rng)
    labelled = rng.choice(pool, N_A_ROUND, replace=False)
    scores = []
    while True:
        model = make_pipeline(StandardScaler(), LinearProbe(C=0.01))
        model.fit(X[labelled], y[labelled])
        predicted = model.predict(X[N_POOL:])
        scores.append(balanced_accuracy_score(y[N_POOL:], predicted))
        if len(scores) > N_ROUNDS:
            return scores
        rest = np.setdiff1d(pool, labelled)
        labelled = np.concatenate([labelled, rest[choose(model, X[rest], rng)]])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", metavar="PATH", help="also save the results here")
    parser.add_argument("--keep", type=Path, help="a file for embeddings, .npz")
    options = parser.parse_args()
    X, y = embeddings(options.keep)
    results = {"n_labels": [N_A_ROUND * (i + 1) for i in range(N_ROUNDS + 1)]}
    for name, kept in KEPT.items():
        with threadpool_limits(1):
            drawn, suggested = (
                np.array([curve(X, y, kept, choose, seed) for seed in SEEDS])
                for choose in (at_random, by_suggest)
            )
        gain = suggested - drawn
        results[name] = {
            "at_random": drawn.mean(axis=0).tolist(),
            "suggested": suggested.mean(axis=0).tolist(),
            "gain": gain.mean(axis=0).tolist(),
            "gain_standard_error": (gain.std(axis=0) / len(SEEDS) ** 0.5).tolist(),
        }
        print(name, results[name], flush=True)
    if options.json:
        save(options.json, results)


if __name__ == "__main__":
    main()
