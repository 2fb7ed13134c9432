"""RidgeProbe by chunks against all rows at once: how far apart, how long, what memory.

60,000 rows of 1,280 features lie in a file, as embeddings of a net do. Each way runs in
a process of its own, since memory counts by its peak. ``fit`` reads the file whole;
``partial_fit`` and ``choose_alpha`` have 1,000 rows of it at a time. Peaks are of what
a process has beyond those pages of the file that the system may drop at will.

    python -m benchmarks.bench_streaming --json results/streaming.json
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from benchmarks._timing import save
from imgfeat.estimators import RidgeProbe

N_SAMPLES, N_FEATURES, N_CLASSES = 60_000, 1280, 10
CHUNK = 1000
WAYS = "fit", "partial_fit"


def write_rows(folder, n_samples, n_features):
    """Blobs whose columns differ in size as those of embeddings do, off the origin."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, N_CLASSES, n_samples)
    centres = 0.1 * rng.standard_normal((N_CLASSES, n_features))
    shape = (n_samples, n_features)
    X = np.lib.format.open_memmap(folder / "X.npy", "w+", np.float64, shape)
    for start in range(0, n_samples, CHUNK):
        rows = slice(start, start + CHUNK)
        X[rows] = rng.standard_normal(X[rows].shape) + centres[y[rows]]
        X[rows] *= np.geomspace(3, 0.1, n_features)
        X[rows] += 1
    X.flush()
    np.save(folder / "y.npy", y)


class Chunks:
    """Pairs of rows and labels, each read when its turn comes."""

    def __init__(self, folder):
        self.folder = folder

    def __iter__(self):
        y = np.load(self.folder / "y.npy")
        for start in range(0, len(y), CHUNK):
            rows = slice(start, start + CHUNK)
            X = np.load(self.folder / "X.npy", mmap_mode="r")  # mapped anew: let go
            yield np.array(X[rows]), y[rows]


def fit(folder):
    return RidgeProbe().fit(np.load(folder / "X.npy"), np.load(folder / "y.npy"))


def partial_fit(folder):
    probe, chunks = RidgeProbe(), Chunks(folder)
    for X, y in chunks:
        probe.partial_fit(X, y, classes=range(N_CLASSES))
    return probe.choose_alpha(chunks)


def own_mib():
    """Memory of this process that is no page of a file, in MiB (Linux)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) / 1024
    raise SystemExit("bench_streaming needs Linux: /proc/self/status has no RssAnon.")


def measure_here(way, folder):
    """Fit in this process; keep what was learned, print seconds and MiB."""
    before, peak, done = own_mib(), [0.0], threading.Event()

    def watch():
        while not done.wait(0.01):
            peak[0] = max(peak[0], own_mib())

    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.perf_counter()
    probe = globals()[way](folder)
    seconds = time.perf_counter() - start
    done.set()
    watcher.join()
    learned = {name: value for name, value in vars(probe).items() if name[-1] == "_"}
    np.savez(folder / f"{way}.npz", **learned)
    print(json.dumps({"seconds": seconds, "added_peak_mib": peak[0] - before}))


def compare(folder, n_samples, n_features):
    rows = []
    for way in WAYS:
        command = [sys.executable, "-m", "benchmarks.bench_streaming"]
        command += ["--way", way, "--folder", str(folder)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        rows.append({"way": way, **json.loads(done.stdout)})
    whole, chunked = (np.load(folder / f"{way}.npz") for way in WAYS)
    for row in rows:
        row |= {
            "n_samples": n_samples,
            "n_features": n_features,
            "chunk_rows": n_samples if row["way"] == "fit" else CHUNK,
            "gram_mib": n_features**2 * 8 / 2**20,
            "chunk_mib": CHUNK * n_features * 8 / 2**20,
            "alpha": float(whole["alpha_"]),
        }
        print(f"{row['way']:12}{row['seconds']:8.1f} s{row['added_peak_mib']:9.0f} MiB")
    apart = {
        name: float(np.abs(chunked[name] - whole[name]).max())
        for name in ("alpha_", "coef_", "intercept_", "loo_decisions_", "loo_scores_")
    }
    rows[1]["largest_difference"] = apart
    print(*(f"{name} {value:.1e} apart" for name, value in apart.items()), sep="\n")
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", metavar="PATH", help="also save the results here")
    parser.add_argument("--shrink", type=int, default=1, help="divide both lengths")
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.way:
        measure_here(args.way, args.folder)
        return
    n_samples, n_features = N_SAMPLES // args.shrink, N_FEATURES // args.shrink
    with tempfile.TemporaryDirectory() as folder:
        write_rows(Path(folder), n_samples, n_features)
        results = compare(Path(folder), n_samples, n_features)
    if args.json:
        save(args.json, results)


if __name__ == "__main__":
    main()
