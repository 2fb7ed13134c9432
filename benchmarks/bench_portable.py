"""What exported files answer, against their pipelines, on photos; and how fast.

Recipes fitted on photos of ants and bees, exported as ONNX, and run by ONNX Runtime one
image at a time on all photos, as decoded here. Differences are of probabilities; the
pipelines run nets in float32. Both are timed on 32 photos one by one, from arrays,
resizing included, on all cores.

    IMGFEAT_DATA=... python -m benchmarks.bench_portable --json results/portable.json
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import onnxruntime

from benchmarks._data import unpacked
from benchmarks._timing import measure_interleaved, save
from imgfeat import load_image_folder, make_recipe
from imgfeat.deploy import export_onnx
from imgfeat.sources import decode_image

RECIPES = "hog-lr", "hog-svm", "cnn-lr", "cnn-svm", "cnn-ridge"
N_TIMED = 32


def compare(recipe, train, images, path, rounds):
    model = make_recipe(recipe, n_jobs=-1)
    if "cnn" in model.named_steps:
        model.set_params(cnn__precision="float32")
    model.fit(train.images, train.labels)
    export_onnx(model, path)
    session = onnxruntime.InferenceSession(path)

    def run(some):
        return [session.run(None, {"images": image[None]}) for image in some]

    answers = run(images)
    shares = np.concatenate([shares for shares, _ in answers])
    labels = model.classes_[np.concatenate([label for _, label in answers])]
    off = np.abs(shares - model.predict_proba(images)).max(axis=1)
    timed = images[:N_TIMED]
    contenders = {
        "file": lambda: run(timed),
        "pipeline": lambda: [model.predict_proba([image]) for image in timed],
    }
    return {
        "n_images": len(images),
        "bytes": path.stat().st_size,
        "largest_difference": float(off.max()),
        "other_labels": int(np.count_nonzero(labels != model.predict(images))),
        **measure_interleaved(contenders, min_repeats=rounds, min_seconds=0),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", metavar="PATH", help="also save the results here")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    results = {}
    with (
        unpacked("hymenoptera.tar") as folder,
        tempfile.TemporaryDirectory() as place,
    ):
        train, val = (load_image_folder(folder / part) for part in ("train", "val"))
        images = [
            decode_image(path, mode="rgb") for path in [*train.images, *val.images]
        ]
        for recipe in RECIPES:
            path = Path(place) / "model.onnx"
            results[recipe] = compare(recipe, train, images, path, options.rounds)
            print(recipe, results[recipe])
    if options.json:
        save(options.json, results)


if __name__ == "__main__":
    main()
