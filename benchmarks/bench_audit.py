"""What an audit of pixels takes, and how much of what is wrong it finds.

Four parts, on the data in the folder that IMGFEAT_DATA names:

planted    20 kinds of faults in photos of ants and bees (those that are 500 pixels
           long and no narrow strips): precision and recall of each kind, over a few
           draws. What is found on photos that
           nobody touched counts against precision. Turned and cropped copies are to be
           found as near duplicates. There are not enough photos for label errors, which
           `bench_label_errors` plants. Not planted, and mostly not found: blur by
           motion, copies turned by other angles or cropped by more than a sixth.
untouched  Findings on data as it is: 10,000 photos of CIFAR-10, 12,000 digits of MNIST,
           all of ants and bees.
near       Near duplicates among CIFAR-10's 10,000 test images, against a published
           list of 39 pairs. That list is not complete: it has each image's nearest
           neighbor by the features of one net, and lacks most copies in other colors or
           mirrored. So pairs that it lacks were looked at, shuffled among listed ones
           and others, without their values; what they are stands in
           ``results/cifar10_unlisted_pairs.csv``. "precision_looked_at" counts those
           that show the same picture, and neither what is unclear. Thresholds were
           chosen on pairs whose first image has an even number; "odd" are the others,
           which were looked at while the rank of the neighbor was chosen.
speed      Seconds and memory for 10,000 JPEG files: CIFAR-10, and photos of 500 pixels,
           the same ones over and over. Each in a process of its own; what 1,000 take
           says whether memory is flat.

With --peers FOLDER, cleanvision and imagededup do what they can of "planted" and
"near", from files to findings; `benchmarks._audit_peers` says how to install them.

    IMGFEAT_DATA=FOLDER python -m benchmarks.bench_audit --json PATH
"""

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks._audit_peers import (
    CLEANVISION,
    add_to_path,
    cleanvision_issues,
    peers,
)
from benchmarks._cifar10 import ARCHIVE, cifar10_files
from benchmarks._data import data_file, unpacked
from benchmarks._planted import NEAR, ordinary, plant
from benchmarks._timing import peak_gib, save
from imgfeat.evaluation.audit._duplicates import duplicate_issues, find_duplicates
from imgfeat.evaluation.audit._looks import look_at
from imgfeat.evaluation.audit._quality import quality_issues

N_JOBS = 2
N_FILES = 10_000
N_EACH = 12  # faults of a kind in a draw
SEEDS = (501, 502, 503)  # of the draws
JUDGED = Path(__file__).parent / "results" / "cifar10_unlisted_pairs.csv"
LISTED = "cifar10_test_near_duplicates.csv"


def audit(images, labels=None, splits=None):
    """All findings on pixels."""
    looks = look_at(images, n_jobs=N_JOBS)
    pairs = find_duplicates(looks, n_jobs=N_JOBS)
    issues = duplicate_issues(pairs, labels, splits)
    return pd.concat([quality_issues(looks), issues], ignore_index=True)


def planted(photos):
    counts = {}
    has_peer = importlib.util.find_spec("cleanvision") is not None
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        with tempfile.TemporaryDirectory() as folder:
            paths, labels, splits, truth = plant(Path(folder), photos, N_EACH, rng)
            issues = audit(paths, labels, splits)
            other = _by_cleanvision(paths) if has_peer else {}
        for kind, rows in truth.items():
            found_as = "near duplicate" if kind in NEAR else kind
            found = set(issues.loc[issues["kind"] == found_as, "row"])
            _count(counts, "imgfeat", kind, rows, found, truth[found_as])
            if found_as in other:
                found = other[found_as]
                right = truth[found_as]
                if kind == "exact duplicate":  # it has no word for one file twice
                    right = right | truth["listed twice"]
                _count(counts, "cleanvision", kind, rows, found, right)
    rows = []
    for (by, kind), row in counts.items():
        precision = row["right"] / max(row["found"], 1)
        rates = {"precision": precision, "recall": row["right"] / row["planted"]}
        rows.append({"case": "planted", "by": by, "kind": kind, **row, **rates})
        print(f"{by:11} {kind:26}", {**row, **rates}, flush=True)
    return rows


def _count(counts, by, kind, rows, found, right):
    """Add up; what is found rightly, but as another kind of copy, does not count."""
    row = counts.setdefault((by, kind), {"planted": 0, "found": 0, "right": 0})
    row["planted"] += len(rows)
    row["found"] += len(found & rows) + len(found - right)
    row["right"] += len(found & rows)


def _by_cleanvision(paths):
    """The rows that it finds of each kind; it reads what can be read, and once."""
    rows = {path: row for row, path in enumerate(paths)}
    table, _ = cleanvision_issues(_readable(rows))
    return {
        kind: {rows[path] for path in table.index[table[f"is_{name}_issue"]]}
        for kind, name in CLEANVISION.items()
    }


def _readable(paths):
    table = look_at(list(paths), n_jobs=N_JOBS).table
    return table.loc[table["error"] == "", "path"].tolist()


def untouched(name, images):
    counts = audit(images)["kind"].value_counts().sort_index()
    row = {"case": "untouched", "data": name, "n": len(images), **counts.to_dict()}
    print(row, flush=True)
    return row


def near(folder):
    paths = sorted(folder.glob("test/*/*.jpg"))
    looks = look_at(paths, n_jobs=N_JOBS)
    start = time.perf_counter()
    pairs = find_duplicates(looks, n_jobs=N_JOBS)
    seconds = time.perf_counter() - start
    names = [str(path.relative_to(folder)) for path in paths]
    found = {
        tuple(sorted((names[first], names[second])))
        for first, second in zip(pairs["first"], pairs["second"], strict=True)
    }
    row = {"case": "near", "by": "imgfeat", "seconds": seconds, **_against_list(found)}
    rows = [row]
    for name, find in peers():
        pairs, seconds = find([str(path) for path in paths])
        found = {
            tuple(str(Path(path).relative_to(folder)) for path in pair)
            for pair in pairs
        }
        row = {"case": "near", "by": name, "seconds": seconds, **_against_list(found)}
        rows.append(row)
    print(*rows, sep="\n", flush=True)
    return rows


def _against_list(found):
    listed, judged = _pairs(pd.read_csv(data_file(LISTED))), pd.read_csv(JUDGED)
    same = listed | _pairs(judged[judged["judgment"] == "same"])
    odd, odd_listed = _odd(found), _odd(listed)
    return {
        "found": len(found),
        "listed": len(listed),
        "precision_listed": len(found & listed) / max(len(found), 1),
        "recall_listed": len(found & listed) / len(listed),
        "precision_looked_at": len(found & same) / max(len(found), 1),
        "not_looked_at": len(found - listed - _pairs(judged)),
        "odd": len(odd),
        "odd_recall_listed": len(odd & odd_listed) / len(odd_listed),
        "odd_precision_looked_at": len(odd & same) / max(len(odd), 1),
    }


def _odd(pairs):
    """Those whose first image has an odd number in its class."""
    return {pair for pair in pairs if int(Path(pair[0]).stem) % 2}


def _pairs(table):
    return {tuple(sorted(pair)) for pair in zip(table["a"], table["b"], strict=True)}


def run_child(list_file):
    """Audit the files in a list in this process, and print what that takes as JSON."""
    paths = Path(list_file).read_text().splitlines()
    audit(paths[:4])  # compiles
    found = {"imports_gib": peak_gib()}
    start, cpu_start = time.perf_counter(), time.process_time()
    looks = look_at(paths, n_jobs=N_JOBS)
    found["look_s"] = time.perf_counter() - start
    quality_issues(looks)
    found["quality_s"] = time.perf_counter() - start
    found["quality_cpu_s"] = time.process_time() - cpu_start
    looks.table["place"] = ""  # so that the same file again is compared
    find_duplicates(looks, n_jobs=N_JOBS)
    found["duplicates_s"] = time.perf_counter() - start
    print(json.dumps({**found, "peak_gib": peak_gib()}))


def speed(name, paths, folder):
    rows = []
    for n in (N_FILES // 10, N_FILES):
        list_file = Path(folder, "paths.txt")
        list_file.write_text("\n".join(map(str, paths[:n])))
        command = [sys.executable, "-m", "benchmarks.bench_audit", "--child"]
        done = subprocess.run(
            [*command, str(list_file)], stdout=subprocess.PIPE, text=True, check=True
        )
        row = {"case": "speed", "data": name, "n": n, "n_jobs": N_JOBS}
        rows.append({**row, "by": "imgfeat", **json.loads(done.stdout)})
        print(rows[-1], flush=True)
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", metavar="PATH", help="also save the results here")
    parser.add_argument("--child", metavar="LIST", help=argparse.SUPPRESS)
    parser.add_argument("--peers", metavar="FOLDER", help="where the peers are")
    args = parser.parse_args()
    add_to_path(args.peers)
    if args.child:
        run_child(args.child)
        return

    results = []
    with unpacked("hymenoptera.tar") as folder:
        photos = ordinary(folder)
        results += planted(photos)
        everything = [str(path) for path in sorted(folder.rglob("*.*"))]
        results.append(untouched("ants and bees", everything))
        repeated = np.resize(photos, N_FILES)
        results += speed("photos of 500 pixels", repeated, folder)
    with unpacked(ARCHIVE, lambda file: "test/" in file.name) as folder:
        results += near(folder)
        tested = [str(path) for path in sorted(folder.rglob("*.jpg"))]
        results.append(untouched("CIFAR-10 test", tested))
    with cifar10_files(N_FILES) as (paths, _, folder):
        results += speed("CIFAR-10", paths, folder)
    digits = np.load(data_file("mnist.npz"))["x_train"][:12_000]
    results.append(untouched("MNIST", digits))
    if args.json:
        save(args.json, results)


if __name__ == "__main__":
    main()
