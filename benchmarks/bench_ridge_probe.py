"""Seconds to choose a ridge penalty by exact leave-one-out and fit with it.

RidgeProbe against ``RidgeClassifierCV``, both with the same 15 alphas, 10 classes and
the mean squared error as the score, so that both give the same errors for rows left
out. The peer decomposes X'X or XX' once, since scikit-learn 1.9, and with more rows
than features it multiplies all of X again for each alpha. ``sklearn_svd`` is
``RidgeCV(gcv_mode="svd")`` on the same +1 and -1, which is no classifier: it decomposes
X itself, and has little to do for each alpha. RidgeProbe calibrates its probabilities
in the same time. It is timed with float32 X too; the peers make float64 of that.

Features are Gaussian blobs whose columns differ in size as those of embeddings do. BLAS
has all cores, of which our decomposition uses one.

    python -m benchmarks.bench_ridge_probe --json results/ridge_probe.json
"""

import argparse

import numpy as np
from sklearn.base import clone
from sklearn.linear_model import RidgeClassifierCV, RidgeCV

from benchmarks._timing import measure_interleaved, save
from imgfeat.estimators import RidgeProbe

SIZES = [(10_000, 2048), (1000, 2048)]
N_CLASSES = 10
ALPHAS = np.logspace(-2, 5, 15)


def blobs(n_samples, n_features):
    rng = np.random.default_rng(0)
    y = rng.integers(0, N_CLASSES, n_samples)
    centres = 0.1 * rng.standard_normal((N_CLASSES, n_features))
    X = rng.standard_normal((n_samples, n_features)) + centres[y]
    return X * np.geomspace(3, 0.1, n_features), y


def compare(n_samples, n_features, n_rounds):
    X, y = blobs(n_samples, n_features)
    probe = RidgeProbe(ALPHAS, scoring="neg_mean_squared_error")
    targets = np.where(y[:, None] == np.unique(y), 1.0, -1.0)
    single = X.astype(np.float32)
    models = {
        "imgfeat": probe,
        "imgfeat_float32": clone(probe),
        "sklearn": RidgeClassifierCV(ALPHAS, store_cv_results=True),
        "sklearn_svd": RidgeCV(ALPHAS, gcv_mode="svd", store_cv_results=True),
    }
    fits = {
        "imgfeat": lambda: models["imgfeat"].fit(X, y),
        "imgfeat_float32": lambda: models["imgfeat_float32"].fit(single, y),
        "sklearn": lambda: models["sklearn"].fit(X, y),
        "sklearn_svd": lambda: models["sklearn_svd"].fit(X, targets),
    }
    timings = measure_interleaved(fits, min_repeats=n_rounds, min_seconds=0)

    ours = np.abs(targets - probe.loo_decisions_)
    rows = []
    for name, timing in timings.items():
        alpha = float(models[name].alpha_)
        # Errors of rows left out; there is no comparing those of another alpha.
        same = alpha == probe.alpha_
        errors = left_out(models[name], targets)
        difference = float(np.abs(errors - ours).max()) if same else None
        ratio = timing["median_s"] / timings["imgfeat"]["median_s"]
        rows.append(
            {
                "name": name,
                "n_samples": n_samples,
                "n_features": n_features,
                "alpha": alpha,
                "ratio": ratio,
                "largest_difference": difference,
                **timing,
            }
        )
        apart = "" if difference is None else f"{difference:10.1e} apart"
        print(
            f"{n_samples:7,} x {n_features:5,} {name:16}{timing['median_s']:8.2f} s "
            f"{ratio:7.2f} x  alpha {alpha:7.1f}{apart}",
            flush=True,
        )
    return rows


def left_out(model, targets):
    """Size of the errors for rows left out, with the chosen alpha."""
    if isinstance(model, RidgeProbe):
        return np.abs(targets - model.loo_decisions_)
    return np.sqrt(model.cv_results_[..., list(ALPHAS).index(model.alpha_)])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", metavar="PATH", help="also save the results here")
    parser.add_argument("--shrink", type=int, default=1, help="divide both lengths")
    parser.add_argument("--rounds", type=int, default=3, help="timed, of each")
    args = parser.parse_args()

    results = []
    for n_samples, n_features in SIZES:
        n_samples, n_features = n_samples // args.shrink, n_features // args.shrink
        results += compare(n_samples, n_features, args.rounds)
    if args.json:
        save(args.json, results)


if __name__ == "__main__":
    main()
