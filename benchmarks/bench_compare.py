"""Seconds until the main job answers: ``imgfeat compare`` on a folder of photos.

IMGFEAT_DATA=... python -m benchmarks.bench_compare [--photos N] [--before CHECKOUT]
    [--json PATH]

300 photos of ants and bees (hymenoptera.tar), 5 folds, from an empty store, and again
with what the first run has left there; CPU seconds are those of all its processes. With
``--before``, another checkout runs the default set too, by its own command. Both have
run on a few of the photos before, for what is made once a computer. Where
``--photos`` asks for more than there are, the others are crops of the same photos at
random, of 70 to 95 % of each side: two thirds of the pixels, and near copies, so that
the scores of such a run say nothing. Only the default set runs then, once.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from benchmarks._data import unpacked
from benchmarks._timing import children_cpu_s, save

HERE = Path(__file__).resolve().parent.parent
N_A_CLASS = 75  # of each class of each split: 300 in all, or a few less


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--before", help="folder of another checkout")
    parser.add_argument("--photos", type=int, default=300, help="at most 300 are whole")
    parser.add_argument("--json", metavar="PATH", help="also save the results here")
    options = parser.parse_args()
    results = {}
    with unpacked("hymenoptera.tar") as folder, tempfile.TemporaryDirectory() as work:
        photos = gather(folder, Path(work, "photos"))
        more = options.photos - 4 * N_A_CLASS
        add_crops(photos, more)
        some = few(photos, Path(work, "few"))
        checkouts = {"warm": HERE}
        if options.before:
            checkouts["warm-before"] = options.before
        # Compiled kernels and exported nets are made once a computer.
        for home, checkout in checkouts.items():
            run(checkout, some, work, home, [], home)
        sets = [("quick", ["--quick"]), ("default", [])]
        for name, flags in sets if more <= 0 else sets[1:]:
            home = f"home-{name}"
            keep_models(Path(work, "warm"), Path(work, home))
            results[name] = run(HERE, photos, work, name, flags, home)
            if more > 0:
                continue
            again = f"{name}, again"
            results[again] = run(HERE, photos, work, again, flags, home)
        if options.before:
            keep_models(Path(work, "warm-before"), Path(work, "home-before"))
            checkout, home = options.before, "home-before"
            results["before"] = run(checkout, photos, work, "before", [], home)
    for name, found in results.items():
        print(name, {key: round(value, 1) for key, value in found.items()})
    if options.json:
        save(options.json, results)


def gather(folder, photos):
    """One folder a class, of both splits; unreadable files are what they are."""
    for kind in ("ants", "bees"):
        (photos / kind).mkdir(parents=True)
        for split in ("train", "val"):
            for path in sorted(folder.rglob(f"{split}/{kind}/*"))[:N_A_CLASS]:
                shutil.copy(path, photos / kind / f"{split}-{path.name}")
    return photos


def few(photos, folder):
    """Some of them, enough to warm up with."""
    for kind in ("ants", "bees"):
        (folder / kind).mkdir(parents=True)
        for path in sorted((photos / kind).iterdir())[:40]:
            shutil.copy(path, folder / kind / path.name)
    return folder


def add_crops(photos, n_crops):
    """Add crops of the photos in turn, each of another place and size."""
    rng = np.random.default_rng(0)
    paths = sorted(photos.glob("*/*.jpg"))
    number = 0
    while number < n_crops:
        path = paths[number % len(paths)]
        try:
            with Image.open(path) as image:
                part = crop(image.convert("RGB"), rng)
        except UnidentifiedImageError:  # as the photos are; it has no crop
            paths.remove(path)
            continue
        part.save(path.parent / f"crop-{number:05}.jpg", quality=92)
        number += 1


def crop(image, rng):
    """A part of 70 to 95 % of each side."""
    width, height = (round(side * rng.uniform(0.7, 0.95)) for side in image.size)
    left = rng.integers(image.width - width + 1)
    top = rng.integers(image.height - height + 1)
    return image.crop((left, top, left + width, top + height))


def keep_models(warm, home):
    """What does not depend on the photos; the store of features begins empty."""
    shutil.copytree(warm, home, ignore=shutil.ignore_patterns("features"))


def run(checkout, photos, work, name, flags, home):
    """Seconds to the first line, to the end, and of CPU."""
    command = [sys.executable, "-m", "imgfeat", "compare", str(photos), *flags]
    command += ["--out", str(Path(work, f"out-{name}")), "--skip-unreadable"]
    environment = os.environ | {
        "PYTHONPATH": str(checkout),
        "IMGFEAT_HOME": str(Path(work, home)),
    }
    # What Python compiles of the package is kept, as it usually is.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    before = children_cpu_s()
    start = time.perf_counter()
    child = subprocess.Popen(
        command, env=environment, cwd=work, text=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    first = None
    for line in child.stderr:
        if first is None and " of " in line:
            first = time.perf_counter() - start
    if child.wait():
        sys.exit(f"{' '.join(command)} ended with {child.returncode}")
    total = time.perf_counter() - start
    found = {"total_s": total, "cpu_s": children_cpu_s() - before}
    return found if first is None else {"first_row_s": first, **found}


if __name__ == "__main__":
    main()
