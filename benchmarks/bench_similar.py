"""Exact search for similar images, against faiss and scikit-learn.

The ten nearest of 100,000 rows of 1,280 random numbers, by the cosine, for 100 queries
and for one: `SimilarImages` once its gallery is described (features pass through it as
they are), faiss's ``IndexFlatIP`` and scikit-learn's ``NearestNeighbors(brute,
cosine)``, which has to bring its rows to unit length in every search. All threads.
``memory_gib`` is the largest resident set of a process of its own beyond that of the
same process before it searched.

    python -m benchmarks.bench_similar --json results/bench_similar.json

faiss is left out where it is not installed.
"""

import argparse
import json
import subprocess
import sys

import numpy as np
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import FunctionTransformer

from benchmarks._timing import measure_interleaved, peak_gib, save
from imgfeat._optional import has_module
from imgfeat.evaluation import SimilarImages

N_FEATURES, N_FOUND = 1280, 10


def vectors(n, seed):
    shape = (n, N_FEATURES)
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


def as_images(X):
    """Rows in the shape of images, which `flat` makes rows of again."""
    return X.reshape(len(X), 32, -1)


def flat():
    return FunctionTransformer(lambda images: images.reshape(len(images), -1))


def imgfeat_search(gallery):
    index = SimilarImages(flat(), batch_size=10_000).fit(as_images(gallery))

    def search(queries):
        found = index.search(as_images(queries), N_FOUND)
        return found["row"].to_numpy().reshape(len(queries), -1)

    return search


def faiss_search(gallery):
    import faiss

    index = faiss.IndexFlatIP(N_FEATURES)
    unit = gallery / np.linalg.norm(gallery, axis=1, keepdims=True)
    index.add(unit)

    def search(queries):
        unit = queries / np.linalg.norm(queries, axis=1, keepdims=True)
        return index.search(unit, N_FOUND)[1]

    return search


def sklearn_search(gallery):
    brute = {"algorithm": "brute", "metric": "cosine", "n_jobs": -1}
    index = NearestNeighbors(n_neighbors=N_FOUND, **brute).fit(gallery)
    return lambda queries: index.kneighbors(queries, return_distance=False)


CONTENDERS = {"imgfeat": imgfeat_search, "scikit-learn": sklearn_search}
if has_module("faiss"):
    CONTENDERS["faiss"] = faiss_search


def run_child(name, n_rows):
    """Print what one search takes beyond the index, in this process, as JSON."""
    search = CONTENDERS[name](vectors(n_rows, 0))
    queries = vectors(100, 1)
    search(queries[:1])
    before = peak_gib()
    search(queries)
    print(json.dumps({"index_gib": before, "search_gib": peak_gib() - before}))


def memory(name, n_rows):
    command = [sys.executable, "-m", "benchmarks.bench_similar"]
    command += ["--child", name, "--rows", str(n_rows)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", metavar="PATH", help="also save the results here")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        run_child(args.child, args.rows)
        return
    results = [{"n_rows": args.rows, "n_features": N_FEATURES, "n_found": N_FOUND}]
    takes = {name: memory(name, args.rows) for name in CONTENDERS}
    gallery = vectors(args.rows, 0)
    searches = {name: make(gallery) for name, make in CONTENDERS.items()}
    for n_queries in (100, 1):
        queries = vectors(n_queries, 1)
        found = {name: search(queries) for name, search in searches.items()}
        timings = measure_interleaved(
            {
                name: lambda search=search, queries=queries: search(queries)
                for name, search in searches.items()
            },
            min_repeats=args.rounds,
            min_seconds=0,
            pause_s=0.2,
        )
        for name, timing in timings.items():
            ratio = timing["median_s"] / timings["imgfeat"]["median_s"]
            same = float(np.mean(found[name] == found["imgfeat"]))
            row = {"name": name, "n_queries": n_queries, **timing, **takes[name]}
            results.append({**row, "imgfeat_is_faster_by": ratio, "same_rows": same})
            line = f"{n_queries:4} queries  {name:14} {timing['median_s']:.4f} s"
            print(f"{line} {ratio:6.2f}  same {same:.4f}  {takes[name]}", flush=True)
    if args.json:
        save(args.json, results)


if __name__ == "__main__":
    main()
