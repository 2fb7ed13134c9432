"""Milliseconds to find objects in a gray image of 640 x 480, against OpenCV and dlib.

All in one thread and in turn: every contender looks at the image once a round. OpenCV's
people detector has the settings of ours, windows of 64 x 128 pixels, 8 pixels apart, in
levels of the same scale; its features share votes among cells and ours do not, so that
is a race to the same number of windows, not to the same boxes. dlib's face detector has
windows of 80 pixels at one scale of its own, 1.2; it is timed beside, as it is the one
people use.

Ours is `predict` with all its checks, non-maximum suppression too, of a HOG and a
LinearSVC that were fitted on crops of the picture. Before anything is timed, its scores
are compared with those of the pipeline for every window by itself.

OpenCV 5 has no HOGDescriptor. Install the peers beside, and name the folders:

    pip install --target /tmp/cv4 --no-deps opencv-python-headless==4.14.*
    pip install --target /tmp/dlib --no-deps dlib-bin
    python -m benchmarks.bench_detect --opencv /tmp/cv4 --dlib /tmp/dlib --json PATH
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import skimage.data
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC
from threadpoolctl import threadpool_limits

from benchmarks._timing import _summary, save
from imgfeat.estimators import SlidingWindowDetector
from imgfeat.features import HOG
from imgfeat.kernels.gray import to_gray
from imgfeat.kernels.resize import resize

SCALES = 1.05, 1.2
WINDOW = 128, 64


def picture():
    """A gray photo of 480 x 640 pixels."""
    photo = to_gray(skimage.data.astronaut()[None])[0]
    return resize(photo, (640, 640))[:480].copy()


def fitted(image, scale):
    """A detector of upright things, fitted on a few windows of the picture."""
    rng = np.random.default_rng(0)
    tops, lefts = rng.integers(0, 352, 40), rng.integers(0, 576, 40)
    places = zip(tops, lefts, strict=True)
    crops = [image[top : top + 128, left : left + 64] for top, left in places]
    detector = SlidingWindowDetector(
        make_pipeline(HOG(), LinearSVC()),
        WINDOW,
        (8, 8),
        scale,
        background=0,
        threshold=1.0,
        n_rounds=0,
    )
    return detector.fit(np.stack(crops), np.arange(40) % 2)


def largest_error(detector, image):
    """Of the decisions about windows of the first level, against the pipeline's own."""
    views = np.lib.stride_tricks.sliding_window_view(image, WINDOW)[::8, ::8]
    alone = detector.pipeline_.decision_function(views.reshape(-1, *WINDOW))
    scores = detector.score_windows([image])[0].scores[: len(alone), 1]
    return float(np.abs(scores - alone).max())


class Peer:
    """A detector in a process of its own, which has its package from `folder`."""

    def __init__(self, name, folder, image_path):
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.peer_detect", name, image_path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": f"{folder}{os.pathsep}{os.getcwd()}"},
        )
        self.version = json.loads(self._process.stdout.readline())["version"]

    def seconds(self, scale):
        """What one call takes there."""
        self._process.stdin.write(json.dumps({"scale": scale}) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())["seconds"]

    def close(self):
        self._process.stdin.close()
        self._process.wait()


def ours(detector, image):
    start = time.perf_counter()
    detector.predict([image])
    return time.perf_counter() - start


def take_turns(contenders, rounds):
    """Seconds of each, one after the other, after a call that does not count."""
    seconds = {name: [] for name in contenders}
    for round_ in range(rounds + 1):
        for name, run in contenders.items():
            took = run()
            if round_:
                seconds[name].append(took)
    return {name: _summary(values) for name, values in seconds.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", metavar="PATH", help="also save the results here")
    parser.add_argument("--opencv", metavar="FOLDER", help="holds OpenCV 4.14")
    parser.add_argument("--dlib", metavar="FOLDER", help="holds dlib")
    parser.add_argument("--rounds", type=int, default=15)
    args = parser.parse_args()

    image = picture()
    contenders, peers, rows = {}, {}, []
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        path = str(Path(folder) / "image.npy")
        np.save(path, image)
        for name, place in (("opencv", args.opencv), ("dlib", args.dlib)):
            if place is None:
                print(f"No --{name}: its rows are left out.")
                continue
            peers[name] = Peer(name, place, path)
            stack.callback(peers[name].close)
        for scale in SCALES:
            detector = fitted(image, scale)
            error = largest_error(detector, image)
            assert error <= 1e-5, f"scores are off by {error}"
            n_windows = len(detector.score_windows([image])[0].boxes)
            rows.append(
                {"scale": scale, "max_difference_from_pipeline": error}
                | {"windows": n_windows}
            )
            contenders["imgfeat", scale] = lambda one=detector: ours(one, image)
            if "opencv" in peers:
                contenders["opencv", scale] = lambda at=scale: peers["opencv"].seconds(
                    at
                )
        if "dlib" in peers:
            contenders["dlib", None] = lambda: peers["dlib"].seconds(1.2)
        with threadpool_limits(1):
            timings = take_turns(contenders, args.rounds)
    for (name, scale), timing in timings.items():
        row = {"name": name, "scale": scale, **timing}
        if name != "imgfeat":
            row["version"] = peers[name].version
            own = timings["imgfeat", scale or 1.2]["median_s"]
            row["imgfeat_is_faster_by"] = timing["median_s"] / own
        rows.append(row)
        print(
            f"{name:8} scale {scale or '':5} {1e3 * timing['median_s']:8.1f} ms "
            f"(IQR {1e3 * timing['iqr_s']:.1f}) "
            f"{row.get('imgfeat_is_faster_by', 1.0):6.2f}",
            flush=True,
        )
    if args.json:
        save(args.json, rows)


if __name__ == "__main__":
    main()
