"""Exact search for similar images, against faiss and scikit-learn; and usearch.

The ten nearest of 100,000 rows of 1,280 random numbers, by the cosine, for 100 queries
and for one: `SimilarImages` once its gallery is described (features pass through it as
they are), faiss's ``IndexFlatIP`` and scikit-learn's ``NearestNeighbors(brute,
cosine)``, which has to bring its rows to unit length in every search. All threads.
``memory_gib`` is the largest resident set of a process of its own beyond that of the
same process before it searched.

With ``--graph`` also usearch's graph (``engine="usearch"``), on fewer rows, of noise and
of points around 200 middles: seconds to make it, to search, and the share of the ten
nearest that it finds. Noise has no structure that a graph could follow.

    python -m benchmarks.bench_similar --graph --json results/bench_similar.json

faiss and usearch are left out where they are not installed.
"""

import argparse
import json
import subprocess
import sys
import time

import numpy as np
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import FunctionTransformer

from benchmarks._timing import measure_interleaved, peak_gib, save
from imgfeat._optional import has_module
from imgfeat.evaluation import SimilarImages

N_FEATURES, N_FOUND = 1280, 10


def vectors(n, seed, n_middles=None):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, N_FEATURES), dtype=np.float32)
    if n_middles:
        middles = np.random.default_rng(99).standard_normal((n_middles, N_FEATURES))
        X += 2 * middles.astype(np.float32)[rng.integers(n_middles, size=n)]
    return X


def as_images(X):
    """Rows in the shape of images, which `flat` makes rows of again."""
    return X.reshape(len(X), 32, -1)


def flat():
    return FunctionTransformer(lambda images: images.reshape(len(images), -1))


def imgfeat_search(gallery, **options):
    index = SimilarImages(flat(), batch_size=10_000, **options).fit(as_images(gallery))

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


def graph_case(n_rows, n_middles):
    gallery, queries = vectors(n_rows, 0, n_middles), vectors(100, 1, n_middles)
    exact = imgfeat_search(gallery)
    start = time.perf_counter()
    graph = imgfeat_search(gallery, engine="usearch", n_jobs=-1)
    build_s = time.perf_counter() - start
    pairs = zip(graph(queries), exact(queries), strict=True)
    recall = np.mean([len(np.intersect1d(*pair)) / N_FOUND for pair in pairs])
    timings = measure_interleaved(
        {"exact": lambda: exact(queries), "graph": lambda: graph(queries)}
    )
    seconds = {name: timing["median_s"] for name, timing in timings.items()}
    return {"build_s": build_s, "recall": float(recall), "search_s": seconds}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", metavar="PATH", help="also save the results here")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--graph", action="store_true", help="usearch, too")
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
            pause_s=0.2,
        )
        for name, timing in timings.items():
            ratio = timing["median_s"] / timings["imgfeat"]["median_s"]
            same = float(np.mean(found[name] == found["imgfeat"]))
            row = {"name": name, "n_queries": n_queries, **timing, **takes[name]}
            results.append({**row, "imgfeat_is_faster_by": ratio, "same_rows": same})
            print(
                f"{n_queries:4} queries  {name:14} {timing['median_s']:.4f} s", end=" "
            )
            print(f"{ratio:6.2f}  same {same:.4f}  {takes[name]}", flush=True)
    if args.graph and has_module("usearch"):
        for n_middles in (None, 200):
            found = graph_case(20_000, n_middles)
            case = "noise" if n_middles is None else f"{n_middles} middles"
            results.append({"name": f"usearch, 20,000 rows, {case}", **found})
            print(results[-1], flush=True)
    if args.json:
        save(args.json, results)


if __name__ == "__main__":
    main()
