"""What a grid search over the classifier costs, when features come out of a cache.

40 values of C x 5 folds over logistic regression on HOG of CIFAR-10 files: 200 fits,
each of a whole pipeline that starts at file names. Contenders:

- ``extract``: the features of all files, computed once;
- ``fits``: the search over these features, ready in memory. No search can be quicker
  than these two together;
- ``cached``: the search over a pipeline with `CachedFeatures`, from an empty folder;
- ``again``: the same with a full folder, as the next run finds it;
- ``memory``: for comparison, the search over a pipeline with scikit-learn's
  ``memory=``. It keeps what fit_transform gave for each training part, not rows, so
  each fold is extracted anew, and test parts at every candidate.

They take turns at every two candidates, A B C A B C, in one process and one thread, so
that a busy moment hits all alike. Decodes are counted at `decode_image`. All scores
are equal; that is checked.

    IMGFEAT_DATA=FOLDER python -m benchmarks.bench_search --json PATH
"""

import argparse
import time
from collections import Counter
from unittest import mock

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from benchmarks._cifar10 import cifar10_files
from benchmarks._timing import save
from imgfeat.features import HOG, CachedFeatures
from imgfeat.sources import ImageReader, _source

CANDIDATES = np.logspace(-5, -1, 40)
TURNS = 20
N_FOLDS = 5


def features():
    return make_pipeline(ImageReader(mode="gray"), HOG(pixels_per_cell=(4, 4)))


def pipeline(*front, memory=None):
    return make_pipeline(
        *front, StandardScaler(), LogisticRegression(max_iter=100), memory=memory
    )


class Contender:
    """Adds up the seconds of its turns, and the decodes of each file."""

    def __init__(self, name):
        self.name = name
        self.seconds = 0.0
        self.decodes = Counter()

    def run(self, function):
        decode = _source.decode_image

        def count(source, **options):
            self.decodes[source] += 1
            return decode(source, **options)

        with mock.patch.object(_source, "decode_image", count):
            start = time.perf_counter()
            result = function()
            self.seconds += time.perf_counter() - start
        return result


def search(model, X, y, candidates):
    grid = {"logisticregression__C": candidates}
    found = GridSearchCV(model, grid, cv=N_FOLDS, refit=False).fit(X, y)
    return found.cv_results_["mean_test_score"]


def compete(paths, y, folder):
    """Run all contenders; return them by name."""
    names = ["extract", "fits", "cached", "again", "memory"]
    contenders = {name: Contender(name) for name in names}
    X = contenders["extract"].run(lambda: features().fit_transform(paths))
    cached = pipeline(CachedFeatures(features(), folder / "cache"))
    searches = {
        "fits": (pipeline(), X),
        "cached": (cached, paths),
        "again": (cached, paths),
        "memory": (pipeline(features(), memory=str(folder / "joblib")), paths),
    }
    for candidates in np.array_split(CANDIDATES, TURNS):
        scores = [
            contenders[name].run(lambda: search(*job, y, candidates))  # noqa: B023
            for name, job in searches.items()
        ]
        for other in scores[1:]:
            np.testing.assert_array_equal(other, scores[0])
    return contenders


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", metavar="PATH", help="also save the results here")
    parser.add_argument("--n", type=int, default=2000, help="number of files")
    args = parser.parse_args()

    with cifar10_files(args.n) as (paths, y, folder), threadpool_limits(1):
        features().fit_transform(paths)  # compiles, and reads the files from disk
        contenders = compete(paths, y, folder)

    floor = contenders["extract"].seconds + contenders["fits"].seconds
    results = []
    for contender in contenders.values():
        result = {
            "name": contender.name,
            "seconds": contender.seconds,
            "ratio": contender.seconds / floor,
            "files": args.n,
            "candidates": len(CANDIDATES),
            "folds": N_FOLDS,
            "decodes": contender.decodes.total(),
            "most_of_a_file": max(contender.decodes.values(), default=0),
        }
        results.append(result)
        print(
            f"{result['name']:8} {result['seconds']:8.2f} s {result['ratio']:6.2f} x "
            f"{result['decodes']:6} decodes, at most {result['most_of_a_file']} a file"
        )
    print(f"1 x is extract + fits, {floor:.2f} s; cached must stay below 1.15 x")
    if args.json:
        save(args.json, results)


if __name__ == "__main__":
    main()
