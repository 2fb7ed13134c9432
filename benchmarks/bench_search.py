"""What a grid search over the classifier costs, when features come out of a cache.

40 values of C x 5 folds over logistic regression on HOG of CIFAR-10 files: 200 fits,
each of a whole pipeline that starts at file names. In turn in one process:

- ``extract``: the features of all files, computed once;
- ``fits``: the same search over these features, ready in memory. No search can be
  quicker than these two together;
- ``cached``: the search over a pipeline with `CachedFeatures`, from an empty folder;
- ``again``: that search once more, as the next run would;
- ``memory``: for comparison, the search over a pipeline with scikit-learn's
  ``memory=``. It keeps what fit_transform gave for each training part, not rows, so
  each fold is extracted anew, and test parts at every candidate. Only once: it is slow.

One thread. Decodes are counted at `decode_image`. All scores are equal, and checked.

    IMGFEAT_DATA=FOLDER python -m benchmarks.bench_search --json PATH
"""

import argparse
import statistics
import time
from collections import Counter
from unittest import mock

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from benchmarks._cifar10 import cifar10_files
from benchmarks._timing import save
from imgfeat.features import HOG, CachedFeatures
from imgfeat.sources import ImageReader, _reader

CANDIDATES = np.logspace(-5, -1, 40)
N_FOLDS = 5


def features():
    return make_pipeline(ImageReader(mode="gray"), HOG(pixels_per_cell=(4, 4)))


def learner():
    return [
        ("scaler", StandardScaler()),
        ("classifier", LogisticRegression(max_iter=100)),
    ]


def search(pipeline, X, y):
    grid = {"classifier__C": CANDIDATES}
    return GridSearchCV(pipeline, grid, cv=N_FOLDS).fit(X, y)


def scores(found):
    return found.cv_results_["mean_test_score"]


def timed(function):
    """Seconds, decodes of each file, and what the function returned."""
    decode, seen = _reader.decode_image, Counter()

    def count(source, **options):
        seen[source] += 1
        return decode(source, **options)

    with mock.patch.object(_reader, "decode_image", count):
        start = time.perf_counter()
        result = function()
        return time.perf_counter() - start, seen, result


def run_once(paths, y, folder):
    """Every contender in turn; seconds and decodes by name."""
    location = folder / "cache"
    cached = Pipeline([("features", CachedFeatures(features(), location)), *learner()])
    found = {"extract": timed(lambda: features().fit_transform(paths))}
    X = found["extract"][2]
    found["fits"] = timed(lambda: search(Pipeline(learner()), X, y))
    for name in ("cached", "again"):
        found[name] = timed(lambda: search(cached, paths, y))
        np.testing.assert_array_equal(scores(found[name][2]), scores(found["fits"][2]))
    return {name: (seconds, seen) for name, (seconds, seen, _) in found.items()}


def run_memory(paths, y, folder):
    steps = [("features", features()), *learner()]
    pipeline = Pipeline(steps, memory=str(folder / "joblib"))
    seconds, seen, _ = timed(lambda: search(pipeline, paths, y))
    return seconds, seen


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", metavar="PATH", help="also save the results here")
    parser.add_argument("--n", type=int, default=2000, help="number of files")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--skip-memory", action="store_true")
    args = parser.parse_args()

    with cifar10_files(args.n) as (paths, y, folder), threadpool_limits(1):
        features().fit_transform(paths[:16])  # compiles
        rounds = []
        for number in range(args.rounds):
            rounds.append(run_once(paths, y, folder / str(number)))
        results = [
            summary(name, [found[name] for found in rounds]) for name in rounds[0]
        ]
        if not args.skip_memory:
            results.append(summary("memory", [run_memory(paths, y, folder)]))

    seconds = {result["name"]: result["median_s"] for result in results}
    floor = seconds["extract"] + seconds["fits"]
    for result in results:
        if result["name"] in ("cached", "again", "memory"):
            result["ratio"] = result["median_s"] / floor
    for result in results:
        ratio = f"{result['ratio']:6.2f} x" if "ratio" in result else " " * 8
        print(
            f"{result['name']:8} {result['median_s']:8.2f} s {ratio}  "
            f"{result['decodes']:6} decodes, at most {result['most_of_a_file']} a file"
        )
    print(f"the floor, extract + fits, is {floor:.2f} s; cached must stay below 1.15 x")
    if args.json:
        save(args.json, results)


def summary(name, found):
    seen = found[-1][1]
    return {
        "name": name,
        "median_s": statistics.median(seconds for seconds, _ in found),
        "repeats": len(found),
        "candidates": len(CANDIDATES),
        "folds": N_FOLDS,
        "decodes": seen.total(),
        "most_of_a_file": max(seen.values(), default=0),
    }


if __name__ == "__main__":
    main()
