"""Seconds of four jobs at one commit against another, in turns.

git worktree add /tmp/before COMMIT
python -m benchmarks.before_after /tmp/before [--json PATH] [--only NAME ...]

Each checkout has a process of its own, which waits while the other works, so that a
busy moment hits both alike. The jobs are those of `bench_hog`, `bench_embedding`,
`bench_training` and `bench_search`, small, by public names alone. A ratio above 1 means
that this checkout takes longer than the other one.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("before", help="folder of the other checkout")
    parser.add_argument("--json", metavar="PATH", help="also save the results here")
    parser.add_argument("--only", nargs="*", default=list(JOBS), help="these jobs")
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    results = {}
    for name in options.only:
        with tempfile.TemporaryDirectory() as home:
            sides = [_start(Path(options.before), name, home), _start(HERE, name, home)]
            seconds = [[], []]
            for turn in range(options.rounds):
                for side in (0, 1) if turn % 2 else (1, 0):
                    seconds[side].append(_ask(sides[side]))
            for side in sides:
                side.stdin.close()
                side.wait()
        pairs = [after / before for before, after in zip(*seconds, strict=True)]
        results[name] = {
            "before_s": statistics.median(seconds[0]),
            "after_s": statistics.median(seconds[1]),
            "ratio_of_medians": statistics.median(seconds[1])
            / statistics.median(seconds[0]),
            "ratio_of_fastest": min(seconds[1]) / min(seconds[0]),
            "median_of_ratios": statistics.median(pairs),
            "rounds": options.rounds,
        }
        shown = ", ".join(f"{key} {value:.4g}" for key, value in results[name].items())
        print(f"{name:18} {shown}", flush=True)
    if options.json:
        from benchmarks._timing import save  # imports imgfeat, which children need not

        save(options.json, results)


def _start(checkout, name, home):
    environment = os.environ | {
        "PYTHONPATH": str(checkout),
        "IMGFEAT_HOME": str(Path(home, checkout.name)),
        "TMPDIR": home,
    }
    command = [sys.executable, str(HERE / "benchmarks/before_after.py"), "--job", name]
    side = subprocess.Popen(
        command,
        cwd=checkout,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    _answer(side)  # ready: imported, compiled, warm
    return side


def _ask(side):
    side.stdin.write("go\n")
    side.stdin.flush()
    return _answer(side)


def _answer(side):
    for line in side.stdout:
        if line.startswith("{"):
            return json.loads(line)["seconds"]
    raise RuntimeError(f"{side.args} has ended")


def work(name):
    """What a checkout's own process does: the job, whenever it is asked."""
    job = JOBS[name]()
    for _ in range(3):
        job()
    print(json.dumps({"seconds": None}), flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        job()
        print(json.dumps({"seconds": time.perf_counter() - start}), flush=True)


def _photos(n, shape):
    import numpy as np
    import skimage.data

    source = skimage.data.astronaut()
    rng = np.random.default_rng(0)
    tops = rng.integers(0, 512 - shape[0], n)
    lefts = rng.integers(0, 512 - shape[1], n)
    return np.stack(
        [
            source[t : t + shape[0], x : x + shape[1]]
            for t, x in zip(tops, lefts, strict=True)
        ]
    )


def _hog():
    from imgfeat.features import HOG

    images = _photos(6000, (128, 128))[..., 0].copy()
    return lambda: HOG(n_jobs=1).fit_transform(images)


def _hog_small():
    from imgfeat.features import HOG

    images = _photos(6000, (28, 28))[..., 0].copy()
    hog = HOG(pixels_per_cell=(4, 4), n_jobs=1)
    return lambda: hog.fit_transform(images)


def _embedding():
    from imgfeat.features import CNNEmbedding

    images = _photos(64, (300, 400))
    net = CNNEmbedding(n_jobs=2).fit(images)
    return lambda: net.transform(images)


def _embedding_of_files():
    from imgfeat.features import CNNEmbedding

    paths = _files(64, (300, 400))
    net = CNNEmbedding(n_jobs=2).fit(paths)
    return lambda: net.transform(paths)


def _one_file():
    from imgfeat.features import CNNEmbedding

    (path,) = _files(1, (300, 400))
    net = CNNEmbedding(n_jobs=2).fit([path])

    def embed():
        for _ in range(10):
            net.transform([path])

    return embed


def _training():
    import numpy as np

    from imgfeat.estimators import CNNClassifier

    images, labels = _photos(1500, (32, 32)), np.arange(1500) % 10
    net = CNNClassifier("resnet9", augment="light", random_state=0, n_jobs=2)
    return lambda: net.partial_fit(images, labels, classes=range(10))


def _tuning():
    import numpy as np

    from imgfeat.estimators import CNNClassifier

    paths, labels = _files(48, (200, 200)), np.arange(48) % 3
    net = CNNClassifier(size=160, batch_size=16, random_state=0, n_jobs=2)
    return lambda: net.partial_fit(paths, labels, classes=range(3))


def _search():
    import numpy as np
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline

    from imgfeat.features import HOG, CachedFeatures
    from imgfeat.sources import ImageReader

    paths, labels = _files(1000, (48, 48)), np.arange(1000) % 4
    front = make_pipeline(ImageReader((32, 32), mode="gray"), HOG())
    model = make_pipeline(
        CachedFeatures(front, location=tempfile.mkdtemp()), LogisticRegression(tol=0.1)
    )
    grid = {"logisticregression__C": [1e-4, 1e-3, 1e-2, 1e-1]}
    return lambda: GridSearchCV(model, grid, cv=5).fit(paths, labels)


def _files(n, shape):
    from PIL import Image

    folder = Path(tempfile.mkdtemp())
    paths = []
    for number, image in enumerate(_photos(n, shape)):
        paths.append(str(folder / f"{number}.jpg"))
        Image.fromarray(image).save(paths[-1])
    return paths


JOBS = {
    "hog 128": _hog,
    "hog 28": _hog_small,
    "embedding": _embedding,
    "embedding, files": _embedding_of_files,
    "embedding, 1 file": _one_file,
    "training": _training,
    "tuning, files": _tuning,
    "search": _search,
}

if __name__ == "__main__":
    if sys.argv[1:2] == ["--job"]:
        # The checkout that is measured, not the one that this file lies in.
        sys.path[0] = str(Path.cwd())
        work(sys.argv[2])
    else:
        main()
