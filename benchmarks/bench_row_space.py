"""Seconds to fit linear classifiers on few rows of many features, folded or not.

``LinearSVC`` and ``LogisticRegression`` of scikit-learn on standardized HOG of photos
of ants and bees, 150 rows of 8,100 features, as they are and behind `RowSpace` (whose
own fit counts); and `LinearProbe`, which chooses among three C besides, against
``GridSearchCV`` over the same C and folds. Decisions are those on other photos.

    IMGFEAT_DATA=... python -m benchmarks.bench_row_space --json results/row_space.json
"""

import argparse

import numpy as np
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from benchmarks._data import unpacked
from benchmarks._timing import measure_interleaved, save
from imgfeat import load_image_folder
from imgfeat.estimators import LinearProbe, PlannedFolds, RowSpace
from imgfeat.features import HOG
from imgfeat.sources import ImageReader, list_unreadable

N_ROWS = 150
CANDIDATES = [1e-4, 1e-3, 1e-2]


def features():
    with unpacked("hymenoptera.tar") as folder:
        photos = load_image_folder(folder, split="train", class_names=["ants", "bees"])
        unread = set(list_unreadable(photos.images)["row"])
        rows = [row for row in range(len(photos.images)) if row not in unread]
        rows = np.random.default_rng(0).permutation(rows)
        describe = make_pipeline(ImageReader((128, 128), mode="gray"), HOG())
        described = describe.fit_transform(photos.images[rows])
    X = StandardScaler().fit(described[:N_ROWS]).transform(described)
    return X.astype(np.float64), photos.target[rows]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", metavar="PATH", help="also save the results here")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    X, y = features()
    train, test = slice(N_ROWS), slice(N_ROWS, None)
    folds = PlannedFolds(3, random_state=0)
    learners = {
        "svm": LinearSVC(C=1e-3, tol=1e-8, max_iter=100_000, random_state=0),
        "logistic": LogisticRegression(C=1e-2, tol=1e-8, max_iter=10_000),
    }
    results = {"n_rows": N_ROWS, "n_features": X.shape[1]}
    for kind, learner in learners.items():
        models = {
            "plain": learner,
            "row_space": make_pipeline(RowSpace(), clone(learner)),
            "search": GridSearchCV(clone(learner), {"C": CANDIDATES}, cv=folds),
            "probe": LinearProbe(kind, C=CANDIDATES, cv=folds),
        }
        fits = {
            name: lambda model=model: model.fit(X[train], y[train])
            for name, model in models.items()
        }
        timings = measure_interleaved(fits, min_repeats=options.rounds, min_seconds=0)
        ours, theirs = models["row_space"], models["plain"]
        decisions = ours.decision_function(X[test]), theirs.decision_function(X[test])
        results[kind] = {
            **timings,
            "row_space_ratio": ratio(timings, "plain", "row_space"),
            "probe_ratio": ratio(timings, "search", "probe"),
            "same_labels": bool(
                np.array_equal(ours.predict(X[test]), theirs.predict(X[test]))
            ),
            "largest_difference": float(np.abs(decisions[0] - decisions[1]).max()),
            "largest_decision": float(np.abs(decisions[1]).max()),
        }
        print(kind, results[kind])
    if options.json:
        save(options.json, results)


def ratio(timings, slow, fast):
    return timings[slow]["median_s"] / timings[fast]["median_s"]


if __name__ == "__main__":
    main()
