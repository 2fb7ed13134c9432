"""Whether maps point at what the decision rests on, and what they cost.

Photos of ants and bees: models learn from `train`, photos of `val` are explained.
Blocks of a photo are blurred in the order of the map, what speaks most for the class
first (deletion), or come back into the blurred photo (insertion), after V. Petsiuk,
A. Das and K. Saenko, "RISE", BMVC 2018, doi:10.48550/arXiv.1806.07421. The mean of the
decision on the way is compared with that of orders drawn at random among the blocks
that the model sees. So a figure above 0 is the merit of the map, in units of the mean
decision, with a 95 % interval from bootstrap draws of photos. Seconds are of `explain`
for a batch, beside those of the pipeline's own decisions.

    IMGFEAT_DATA=FOLDER python -m benchmarks.bench_explain --json PATH
"""

import argparse
import time

import numpy as np
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from benchmarks._data import unpacked
from benchmarks._timing import save
from imgfeat import explain, load_image_folder, make_recipe
from imgfeat.evaluation.explanation._decisions import decide
from imgfeat.evaluation.explanation._occlusion import blur
from imgfeat.features import CNNEmbedding
from imgfeat.sources import ImageReader, list_unreadable

N_PHOTOS, N_OCCLUDED, N_ORDERS = 40, 20, 2
GRID = 12  # blocks down and across
SHARES = np.linspace(0, 1, 9)[1:-1]
N_DRAWS = 2000


def models():
    kernel = make_pipeline(CNNEmbedding(), StandardScaler(), SVC())
    return {
        "cnn-lr": (make_recipe("cnn-lr"), "auto"),
        "cnn and an RBF SVM": (kernel, "auto"),
        "hog-svm": (make_recipe("hog-svm"), "auto"),
        "bovw-svm": (make_recipe("bovw-svm"), "auto"),
        "cnn-lr, occluded": (make_recipe("cnn-lr"), "occlusion"),
    }


def photos(folder, split):
    found = load_image_folder(folder, split=split, class_names=["ants", "bees"])
    unread = set(list_unreadable(found.images)["row"])
    rows = [row for row in range(len(found.images)) if row not in unread]
    return found.images[rows], found.target[rows]


def block_means(values):
    """Means of a map over the blocks of a grid, (GRID * GRID,)."""
    rows, cols = (np.linspace(0, side, GRID + 1).astype(int) for side in values.shape)
    sums = np.add.reduceat(np.add.reduceat(values, rows[:-1], 0), cols[:-1], 1)
    return (sums / np.outer(np.diff(rows), np.diff(cols))).ravel()


def mixed(image, blurred, chosen):
    """The image with the chosen blocks of another."""
    rows, cols = (np.arange(side) * GRID // side for side in image.shape[:2])
    where = chosen.reshape(GRID, GRID)[np.ix_(rows, cols)]
    return np.where(where[..., None], blurred, image)


def areas(model, image, column, order):
    """Mean decision over the shares, of deletion and of insertion in an order."""
    blurred = blur(image)
    batch = []
    for share in SHARES:
        chosen = np.zeros(GRID * GRID, dtype=bool)
        chosen[order[: round(share * len(order))]] = True
        batch += [mixed(image, blurred, chosen), mixed(blurred, image, chosen)]
    found = decide(model, batch, np.full(len(batch), column))
    return found.reshape(-1, 2).mean(axis=0)


def merits(model, images, found, classes, rng):
    """How much lower deletion and higher insertion are than at random, (n, 2)."""
    rows = []
    for image, one, target in zip(images, found.maps, found.targets, strict=True):
        column = int(np.flatnonzero(classes == target)[0])
        means = block_means(one)
        seen = np.flatnonzero(block_means((one != 0).astype(float)) > 0.5)
        order = seen[np.argsort(-means[seen], kind="stable")]
        own = areas(model, image, column, order)
        drawn = [
            areas(model, image, column, rng.permutation(seen)) for _ in range(N_ORDERS)
        ]
        deletion, insertion = own - np.mean(drawn, axis=0)
        rows.append((-deletion, insertion))
    return np.array(rows) / np.abs(found.decisions).mean()


def with_interval(values, rng):
    draws = rng.choice(values, (N_DRAWS, len(values))).mean(axis=1)
    low, high = np.quantile(draws, [0.025, 0.975])
    return {"mean": float(values.mean()), "low": float(low), "high": float(high)}


def seconds(function, n_images):
    start = time.perf_counter()
    function()
    return (time.perf_counter() - start) / n_images


def measure(name, model, method, train, images):
    rng = np.random.default_rng(0)
    model.fit(*train)
    images = images[:N_OCCLUDED] if method == "occlusion" else images
    found = explain(model, images, method=method)
    timed = images[:4] if method == "occlusion" else images
    decide(model, timed, np.zeros(len(timed), dtype=int))
    took = {
        "explain_s": seconds(lambda: explain(model, timed, method=method), len(timed)),
        "decide_s": seconds(
            lambda: decide(model, timed, np.zeros(len(timed), dtype=int)), len(timed)
        ),
    }
    gains = merits(model, images, found, model.classes_, rng)
    errors = [
        abs(one.sum(dtype=np.float64) - decision)
        for one, decision in zip(found.maps, found.decisions, strict=True)
    ]
    row = {
        "name": name,
        "method": found.method,
        "n_photos": len(images),
        "deletion": with_interval(gains[:, 0], rng),
        "insertion": with_interval(gains[:, 1], rng),
        "largest_error_of_sums": None if method == "occlusion" else float(max(errors)),
        **took,
    }
    print(row, flush=True)
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", metavar="PATH", help="also save the results here")
    options = parser.parse_args()
    with unpacked("hymenoptera.tar") as folder:
        train = photos(folder, "train")
        paths, _ = photos(folder, "val")
        chosen = np.random.default_rng(0).choice(len(paths), N_PHOTOS, replace=False)
        images = [ImageReader().transform([paths[row]])[0] for row in chosen]
        results = [
            measure(name, model, method, train, images)
            for name, (model, method) in models().items()
        ]
    if options.json:
        save(options.json, results)


if __name__ == "__main__":
    main()
