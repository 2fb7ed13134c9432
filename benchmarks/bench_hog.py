"""Images per second of HOG against scikit-image and OpenCV, and its first call.

All get the same crops of photographs that ship with scikit-image, as uint8 arrays in
memory, in one process and in turn, in one thread. Ours is the transformer with all its
checks; it takes the batch, the others an image a call, which is all they can do.
Features of scikit-image are equal to ours within 1e-6 (checked here before anything is
timed). OpenCV's are not: it shares votes among cells and bins and weighs them by place,
so that is a race to the same geometry, not to the same numbers.

OpenCV 5 has no HOGDescriptor. To race against 4.14, install it beside and name the
folder, here or in IMGFEAT_OPENCV4; without it these rows are left out.

    pip install --target /tmp/opencv414 --no-deps opencv-python-headless==4.14.0.94
    python -m benchmarks.bench_hog --opencv /tmp/opencv414 --json PATH

"First call" is a fresh process that describes two images: with an empty cache of
compiled kernels, then again with the cache that this left. Importing numpy,
scikit-learn and numba is not counted, it is the row "import".
"""

import argparse
import functools
import importlib
import os
import subprocess
import sys
import tempfile

import numpy as np
import skimage.data
from skimage.feature import hog

from benchmarks._timing import measure_interleaved, race, save
from imgfeat.features import HOG

# Name, side in pixels, side of a cell, what the images become.
CASES = [
    ("gray 128 px", 128, 8, lambda images: images[..., 1]),
    ("gray 32 px", 32, 4, lambda images: images[..., 1]),
    ("gray 28 px", 28, 4, lambda images: images[..., 1]),
    ("RGB 128 px", 128, 8, lambda images: images),
    ("gray 128 px float32", 128, 8, lambda images: np.float32(images[..., 1]) / 255),
]
# Pixels in a batch of ours; the others get as many images as are enough to time.
BATCH_PIXELS = 2048 * 128**2  # enough that waking a second thread does not count
N_SLOW = 8

FIRST_CALL = """
import time
start = time.perf_counter()
import numpy as np
from imgfeat.features import HOG
imported = time.perf_counter()
HOG().transform(np.eye(128, dtype=np.uint8)[None].repeat(2, axis=0))
print(imported - start, time.perf_counter() - imported)
"""


def crops(side, n, seed=0):
    """RGB crops of photographs, shape (n, side, side, 3), uint8."""
    rng = np.random.default_rng(seed)
    photographs = [skimage.data.astronaut(), skimage.data.coffee(), skimage.data.cat()]
    images = np.empty((n, side, side, 3), dtype=np.uint8)
    for image in images:
        photograph = photographs[rng.integers(len(photographs))]
        y, x = (rng.integers(length - side) for length in photograph.shape[:2])
        image[:] = photograph[y : y + side, x : x + side]
    return images


def with_skimage(images, cell):
    channel_axis = 2 if images.ndim == 4 else None
    params = {"pixels_per_cell": (cell, cell), "cells_per_block": (2, 2)}
    return np.stack(
        [hog(image, channel_axis=channel_axis, **params) for image in images]
    )


def with_opencv(cv2, images, cell):
    side, block = images.shape[1], 2 * cell
    describe = cv2.HOGDescriptor(
        (side, side), (block, block), (cell, cell), (cell, cell), 9
    ).compute
    return np.stack([describe(image) for image in images])


def compete(case, side, cell, convert, cv2):
    """Rows of one case: rates in images per second, and ours over theirs."""
    n = BATCH_PIXELS // side**2
    images = np.ascontiguousarray(convert(crops(side, n)))
    few = images[:N_SLOW]
    ours = HOG(pixels_per_cell=(cell, cell))
    error = np.abs(ours.transform(few) - with_skimage(few, cell)).max()
    assert error <= 1e-6, f"{case} differs from scikit-image by {error}"

    contenders = {
        "imgfeat": (n, lambda: ours.transform(images)),
        "scikit-image": (N_SLOW, lambda: with_skimage(few, cell)),
    }
    if cv2 is not None and images.dtype == np.uint8:
        contenders["OpenCV"] = (n, lambda: with_opencv(cv2, images, cell))
    rows = race(case, contenders)
    rows[0]["max_difference_from_skimage"] = float(error)
    return rows


def race_of_threads(side=128, n=4096):
    """Rows of one thread and of two. A tenth of a second of work, to start them for."""
    images = np.ascontiguousarray(crops(side, n)[..., 1])
    runs = {
        f"{n_jobs} thread(s)": functools.partial(HOG(n_jobs=n_jobs).transform, images)
        for n_jobs in (1, 2)
    }
    timings = measure_interleaved(runs, min_repeats=31)
    rows = []
    for name, timing in timings.items():
        rate = n / timing["median_s"]
        rows.append({"case": f"gray {side} px, {n} images", "name": name, **timing})
        rows[-1] |= {
            "images_per_s": rate,
            "faster_than_1_thread_by": rows[0]["median_s"] / timing["median_s"],
        }
        print(
            f"{rows[-1]['case']:20} {name:13} {rate:11,.0f} images/s "
            f"{rows[-1]['faster_than_1_thread_by']:8.2f}"
        )
    return rows


def first_calls():
    """Rows with seconds of the import and of the first call in a fresh process."""
    rows = []
    with tempfile.TemporaryDirectory() as cache:
        for name in ("first call, cold cache", "first call, warm cache"):
            done = subprocess.run(
                [sys.executable, "-c", FIRST_CALL],
                env=os.environ | {"NUMBA_CACHE_DIR": cache},
                check=True,
                capture_output=True,
                text=True,
            )
            import_s, call_s = map(float, done.stdout.split())
            rows.append({"name": name, "import_s": import_s, "call_s": call_s})
            print(f"{name:39} import {import_s:5.2f} s, call {call_s:5.2f} s")
    return rows


def import_opencv(folder):
    """OpenCV from `folder`, ahead of any that is installed; None without one."""
    if folder is None:
        print("No --opencv: rows of OpenCV are left out.")
        return None
    if "cv2" in sys.modules:
        raise RuntimeError("cv2 is imported already, so --opencv comes too late.")
    sys.path.insert(0, folder)
    cv2 = importlib.import_module("cv2")
    cv2.setNumThreads(1)
    print("OpenCV", cv2.__version__)
    return cv2


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", metavar="PATH", help="also save the results here")
    parser.add_argument(
        "--opencv",
        metavar="FOLDER",
        default=os.environ.get("IMGFEAT_OPENCV4"),
        help="holds OpenCV 4.14",
    )
    args = parser.parse_args()

    cv2 = import_opencv(args.opencv)
    results = race_of_threads()
    results += [row for case in CASES for row in compete(*case, cv2)]
    results += first_calls()
    if cv2 is not None:
        results.append({"name": "OpenCV's version", "version": cv2.__version__})
    if args.json:
        save(args.json, results)


if __name__ == "__main__":
    main()
