"""Datasets by the million: how fast, in how much memory, and read back how fast.

- photos: images/s of `CachedFeatures`, of `embed_dataset` in this process and by two
  workers of Ray, each from files to vectors on disk, in turn. What comes before the
  first part (the net loaded, workers started) is left out, and said.
- CIFAR-10: peak memory of a process and time an image, for few files and for many.
- a manifest of a million rows with a transformer that reads nothing: what is left is
  the plumbing.
- reading back 60,000 x 1,280 numbers from the page cache, in one thread: summed where
  they lie, and copied into one array.

Every measurement of memory is a process of its own.

    IMGFEAT_DATA=FOLDER python -m benchmarks.bench_scale --json PATH
    IMGFEAT_DATA=FOLDER python -m benchmarks.bench_scale --photos 600 --images 10000

Must be: Ray >= 0.8 of local, local >= 0.95 of CachedFeatures; below 2 GiB, the time an
image the same for few and for many; <= 1 ms a row of plumbing, memory flat; >= 2 GB/s.
"""

import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from benchmarks._cifar10 import N_FILES, cifar10_files
from benchmarks._data import unpacked
from benchmarks._timing import measure, peak_gib, save
from imgfeat.deploy import embed_dataset, load_embeddings
from imgfeat.features import CachedFeatures, CNNEmbedding

N_FEW, N_WORKERS, WIDTH = 5000, 2, 1280
SIDE = 96  # pixels that the net sees of an image of CIFAR-10


class Blank(TransformerMixin, BaseEstimator):
    """Gives a vector of each image without a look at it."""

    def __init__(self, width=8):
        self.width = width

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return np.ones((len(X), self.width), dtype=np.float32)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        return tags


def many_photos(photos, folder, n):
    """A folder of `n` photos, each of the few there are under many names."""
    found = sorted(photos.glob("**/*.jpg"))
    folder.mkdir()
    for number in range(n):
        os.link(found[number % len(found)], folder / f"{number:06}.jpg")
    return folder


def race_engines(folder, n, rounds, place):
    """Images/s of each way to have the vectors of a folder on disk."""
    paths = sorted(map(str, folder.iterdir()))
    net = CNNEmbedding().fit(paths)
    net.transform(paths[:64])  # exports it, and warms up

    def cached(to):
        start = time.perf_counter()
        CachedFeatures(net, to).fit_transform(paths)
        return time.perf_counter() - start, 0

    def dataset(to, **options):
        done = embed_dataset(folder, net, to, part_rows=part_rows, **options)
        assert done.n_errors == 0
        return done.working_s, done.startup_s

    part_rows = max(1, min(500, n // (4 * N_WORKERS)))
    ways = {
        "CachedFeatures": cached,
        "local": dataset,
        f"ray, {N_WORKERS} workers": lambda to: dataset(
            to, engine="ray", n_workers=N_WORKERS
        ),
    }
    found = {name: [] for name in ways}
    for number in range(rounds):
        for name, run in ways.items():
            found[name].append(run(place / f"{name}-{number}"))
    rows = []
    for name, times in found.items():
        working, startup = (
            statistics.median(each) for each in zip(*times, strict=True)
        )
        rows.append(
            {
                "case": "photos",
                "name": name,
                "n": n,
                "images_per_s": n / working,
                "startup_s": startup,
                "rounds_s": [took for took, _ in times],
            }
        )
        before = rows[-2]["images_per_s"] if len(rows) > 1 else n / working
        rows[-1]["of_the_one_before"] = rows[-1]["images_per_s"] / before
        show(rows[-1])
    return rows


def embed_cifar(list_file, to):
    net = CNNEmbedding(size=SIDE).fit(["any"])
    net.transform([np.zeros((SIDE, SIDE, 3), np.uint8)] * 8)  # exports it
    done = embed_dataset(list_file, net, to)
    return {"n": done.n_rows, "us_per_row": 1e6 * done.working_s / done.n_rows}


def embed_blank(list_file, to):
    start = time.perf_counter()
    done = embed_dataset(list_file, Blank(), to, part_rows=10_000)
    spent = time.perf_counter() - start  # the listing, too
    return {"n": done.n_rows, "us_per_row": 1e6 * spent / done.n_rows}


CASES = {"cifar": embed_cifar, "manifest": embed_blank}


def in_a_process(case, list_file, to):
    """Run a case in a process of its own; return what it found, and its peak memory."""
    command = [sys.executable, "-m", "benchmarks.bench_scale", "--child", case]
    command += [str(list_file), str(to)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    row = {"case": case, **json.loads(done.stdout)}
    show(row)
    return row


def run_child(case, list_file, to):
    print(json.dumps({**CASES[case](list_file, to), "peak_gib": peak_gib()}))


def write_manifest(path, rows):
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "path"])
        writer.writerows(rows)
    return path


def grow_cifar(n, place):
    """Few files and many; where there are fewer, each under several ids."""
    n_files = min(N_FILES, 10 * -(-n // 10))
    with cifar10_files(n_files) as (paths, _, _):
        for path in paths:
            Path(path).read_bytes()  # a disk's first reading is not the question
        rows = [(f"{row:07}", paths[row % len(paths)]) for row in range(n)]
        found = []
        for count in (min(N_FEW, n // 2), n):
            list_file = write_manifest(place / f"cifar-{count}.csv", rows[:count])
            found.append(in_a_process("cifar", list_file, place / f"cifar-{count}"))
    return found


def grow_manifest(n, place):
    found = []
    for count in (n // 10, n):
        rows = ((f"{row:07}", f"nowhere/{row:07}.jpg") for row in range(count))
        list_file = write_manifest(place / f"manifest-{count}.csv", rows)
        found.append(in_a_process("manifest", list_file, place / f"rows-{count}"))
    return found


def read_back(place):
    """GB/s of vectors that the page cache holds, in one thread."""
    rows = ((f"{row:07}", f"nowhere/{row:07}.jpg") for row in range(N_FILES))
    list_file, found = write_manifest(place / "back.csv", rows), []
    for part_rows in (1000, 10_000):
        to = place / f"back-{part_rows}"
        embed_dataset(list_file, Blank(WIDTH), to, part_rows=part_rows, n_jobs=1)
        vectors, _ = load_embeddings(to)
        n_bytes = 4 * N_FILES * WIDTH

        def summed(vectors=vectors):
            return sum(float(chunk.sum()) for chunk in vectors.chunks(1000))

        def copied(vectors=vectors):
            return np.array(vectors)

        assert summed() == N_FILES * WIDTH
        for name, read in (("summed", summed), ("copied", copied)):
            timing = measure(read)
            found.append(
                {
                    "case": "read back",
                    "name": name,
                    "part_rows": part_rows,
                    "gb_per_s": n_bytes / 1e9 / timing["median_s"],
                    **timing,
                }
            )
            show(found[-1])
    return found


def show(row):
    parts = [
        f"{value:,.2f}" if isinstance(value, float) else f"{value}"
        for value in row.values()
        if not isinstance(value, list)
    ]
    print("  ".join(parts), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", metavar="PATH", help="also save the results here")
    parser.add_argument("--photos", type=int, default=5000, help="0: leave them out")
    parser.add_argument(
        "--images", type=int, default=N_FILES, help="of CIFAR-10; 0: none"
    )
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the manifest")
    parser.add_argument("--rounds", type=int, default=2, help="of the race of engines")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        run_child(*args.child)
        return
    results = []
    with tempfile.TemporaryDirectory() as place:
        place = Path(place)
        # Processes first: each inherits the peak of this one.
        if args.rows:
            results += grow_manifest(args.rows, place)
        if args.images:
            results += grow_cifar(args.images, place)
        results += read_back(place)
        if args.photos:
            with unpacked("hymenoptera.tar") as photos:
                folder = many_photos(photos, place / "photos", args.photos)
                results += race_engines(folder, args.photos, args.rounds, place)
    if args.json:
        save(args.json, results)


if __name__ == "__main__":
    main()
