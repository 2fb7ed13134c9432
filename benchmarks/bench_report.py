"""Seconds and megabytes of the pages that people look at.

IMGFEAT_DATA=... python -m benchmarks.bench_report [--json PATH]

Photos of ants and bees (hymenoptera.tar), again and again where there are too few; what
eleven candidates say of them is made up, for no model is needed to write a page. The
page of a comparison evaluates all of them; that of an evaluation draws its intervals.
"""

import argparse
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks._data import unpacked
from benchmarks._timing import save
from imgfeat._target import Target
from imgfeat.evaluation import Comparison, evaluate
from imgfeat.evaluation.comparison._shared_mistakes import OutOfFold
from imgfeat.evaluation.comparison._verdict import judge

N_CANDIDATES = 11
N_FOLDS = 5
CASES = [(500, 2), (10_000, 2), (10_000, 40), (10_000, 1000)]  # images, classes


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", metavar="PATH", help="also save the results here")
    options = parser.parse_args()
    results = []
    with unpacked("hymenoptera.tar") as folder, tempfile.TemporaryDirectory() as work:
        photos = sorted(map(str, folder.rglob("*.jpg")))
        page = Path(work, "report.html")
        compare_made_up(photos[:50], 2).save_html(page)  # kernels are compiled
        for n_images, n_classes in CASES:
            images = list(islice(cycle(photos), n_images))
            found = compare_made_up(images, n_classes)
            case = {"images": n_images, "classes": n_classes}
            start = clocks()
            found.save_html(page)
            results.append(row(case, f"comparison of {N_CANDIDATES}", start, page))
            first = next(iter(found.probabilities.values()))
            labels = found._labels
            start = clocks()
            model = OutOfFold(np.unique(labels), first)
            evaluate(model, images, labels).save_html(page)
            results.append(row(case, "evaluation", start, page))
    if options.json:
        save(options.json, results)


def row(case, name, start, page):
    seconds, cpu_s = clocks() - start
    megabytes = page.stat().st_size / 1e6
    print(
        f"{case} {name:20} {seconds:6.1f} s, {cpu_s:6.1f} of CPU, {megabytes:5.2f} MB",
        flush=True,
    )
    found = {"page": name, "seconds": seconds, "cpu_s": cpu_s, "megabytes": megabytes}
    return case | found


def clocks():
    """Seconds that have passed, and those of CPU, which a busy machine spares."""
    return np.array([time.perf_counter(), time.process_time()])


def compare_made_up(images, n_classes):
    """A Comparison of candidates that are right on 60 to 90 % of the images."""
    rng = np.random.default_rng(0)
    n_images = len(images)
    code = rng.permutation(np.arange(n_images) % n_classes)
    fold = np.arange(n_images) % N_FOLDS
    probabilities, splits, rows = {}, {}, {}
    for number in range(N_CANDIDATES):
        name = f"candidate {number}"
        wrong = rng.random(n_images) < 0.1 + 0.03 * number
        wrong[: n_images // 50] = True  # in all of them
        found = rng.random((n_images, n_classes), dtype=np.float32) / n_classes
        found[np.arange(n_images), (code + wrong) % n_classes] += 1.5
        probabilities[name] = found / found.sum(axis=1, keepdims=True)
        scores = 1 - np.bincount(fold, wrong) / np.bincount(fold)
        splits[name] = {f"split{f}_test_accuracy": s for f, s in enumerate(scores)}
        rows[name] = {
            "mean_test_accuracy": scores.mean(),
            "std_test_accuracy": scores.std(),
            "mean_fit_time": 1.0 + number,
            "predict_images_per_s": 300.0 / (1 + number),
            "n_folds": N_FOLDS,
        }
    table = pd.DataFrame.from_dict(rows, orient="index")
    splits = pd.DataFrame.from_dict(splits, orient="index")
    verdict = judge(
        splits,
        n_train=0.8 * n_images,
        n_test=0.2 * n_images,
        seconds=1 / table["predict_images_per_s"],
    )
    return Comparison(
        table=table,
        cv_results_=splits,
        verdict=verdict,
        probabilities=probabilities,
        errors=pd.DataFrame([], columns=["candidate", "fold", "reason"]),
        unfinished=[],
        _images=images,
        _target=Target.of(
            np.array([f"class {number:04}" for number in code], dtype=object), "compare"
        ),
    )


if __name__ == "__main__":
    main()
