"""Memory and time an image, from a thousand files to all 60,000 of CIFAR-10.

Two pipelines: HOG kept by `CachedFeatures`, and dense SIFT kept by it with a Fisher
vector behind. Every measurement is a process of its own that starts with an empty
cache ("cold") or the one that this left ("warm"). Peak memory is the largest resident
set of that process, with Python and all libraries; what these take alone is the row
"imports". Dense SIFT is timed as three parts: descriptors (from files or the cache to
places on disk), the vocabulary (from a sample of fixed size), and the encoding.

    IMGFEAT_DATA=FOLDER python -m benchmarks.bench_memory --json PATH
    IMGFEAT_DATA=FOLDER python -m benchmarks.bench_memory --n 4000    # a short run

Must be: below 2 GiB, and the time an image the same for few and for many.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

from sklearn.pipeline import make_pipeline

from benchmarks._cifar10 import N_FILES, cifar10_files
from benchmarks._timing import peak_gib, save
from imgfeat.features import HOG, CachedFeatures, DenseSIFT, FisherVector
from imgfeat.sources import ImageReader

N_FEW = 1000
LIMIT_GIB = 2


def run_imports(paths, location):
    return {}


def run_hog(paths, location):
    hog = make_pipeline(ImageReader(mode="gray"), HOG(pixels_per_cell=(4, 4)))
    X, seconds = timed(CachedFeatures(hog, location).fit_transform, paths)
    return {"describe_s": seconds, "output_gib": X.nbytes / 2**30}


def run_sift_fisher(paths, location):
    sift = DenseSIFT(step=2, bin_size=4)
    encoder = FisherVector(16, n_components_pca=32, random_state=0)
    found = {}
    X, found["describe_s"] = timed(CachedFeatures(sift, location).fit_transform, paths)
    _, found["learn_s"] = timed(encoder.fit, X)
    codes, found["encode_s"] = timed(encoder.transform, X)
    return {
        **found,
        "descriptors_gib": X.nbytes / 2**30,
        "output_gib": codes.nbytes / 2**30,
    }


CASES = {"imports": run_imports, "hog": run_hog, "sift_fisher": run_sift_fisher}


def timed(function, X):
    start = time.perf_counter()
    result = function(X)
    return result, time.perf_counter() - start


def run_child(case, list_file, location):
    """Measure one case in this process and print what was found as JSON."""
    paths = Path(list_file).read_text().splitlines()
    run = CASES[case]
    if paths:
        run(paths[:4], Path(location, "warm-up"))  # compiles
    for path in paths:
        Path(path).read_bytes()  # a disk's first reading of a file is not the question
    found = run(paths, Path(location, case))
    print(json.dumps({**found, "peak_gib": peak_gib()}))


def measure(case, paths, folder):
    list_file = folder / "paths.txt"
    list_file.write_text("\n".join(paths))
    command = [sys.executable, "-m", "benchmarks.bench_memory", "--child", case]
    command += [str(list_file), str(folder / f"cache-{len(paths)}")]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", metavar="PATH", help="also save the results here")
    parser.add_argument("--n", type=int, default=N_FILES, help="number of files")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.n <= N_FEW or args.n % 10:
        parser.error(f"--n must be a multiple of ten above {N_FEW}. Got {args.n}.")
    if args.child:
        run_child(*args.child)
        return

    results = []
    with cifar10_files(args.n) as (paths, _, folder):
        base = measure("imports", [], folder)
        print(f"imports                          {base['peak_gib']:6.2f} GiB")
        results.append({"name": "imports", **base})
        for case in ("hog", "sift_fisher"):
            for n in (N_FEW, args.n):
                for state in ("cold", "warm"):
                    found = measure(case, paths[:n], folder)
                    results.append({"name": case, "n": n, "cache": state, **found})
                    print(line(results[-1]), flush=True)
    for case in ("hog", "sift_fisher"):
        few, many = (r for r in results if r["name"] == case and r["cache"] == "cold")
        growth = (many["describe_s"] / many["n"]) / (few["describe_s"] / few["n"])
        print(f"{case:12} {growth:5.2f} x the time an image with {many['n']} files")
    peak = max(result["peak_gib"] for result in results)
    print(f"largest peak {peak:.2f} GiB of {LIMIT_GIB} GiB")
    if args.json:
        save(args.json, results)


def line(result):
    parts = [
        f"{key.removesuffix('_s')} {1e6 * result[key] / result['n']:8.1f} us an image"
        for key in ("describe_s", "encode_s")
        if key in result
    ]
    if "learn_s" in result:
        parts.append(f"learn {result['learn_s']:.1f} s")
    return (
        f"{result['name']:12} {result['n']:6} files {result['cache']}  "
        f"{result['peak_gib']:6.2f} GiB  {', '.join(parts)}"
    )


if __name__ == "__main__":
    main()
