"""Images per second of LBP against scikit-image, and mahotas where it is installed.

All get the same crops of photographs that ship with scikit-image, as uint8 arrays in
memory, in one process and in turn. Ours is the transformer with all its checks, in one
thread unless the row says two; it takes the batch, the others an image a call, which is
all they can do. The histogram of scikit-image's codes is NumPy's bincount. It is equal
to ours (checked here before anything is timed), but for pixels with a point exactly as
bright as they are: those, less than one in 200, scikit-image rounds this way or that.

mahotas counts patterns up to rotation (its only kind) in compiled code; it is compared
with ours of that kind, in cases of 8 points. Its interpolation is another (a spline),
so that is a race to the same kind of histogram, not to the same numbers. It is not
among our dependencies; install it beside and name the folder:

    pip install --target /tmp/mahotas --no-deps mahotas
    python -m benchmarks.bench_lbp --mahotas /tmp/mahotas --json results/bench_lbp.json
"""

import argparse
import importlib
import sys

import numpy as np
import skimage.data
from skimage.feature import local_binary_pattern

from benchmarks._timing import race, save
from imgfeat.features import LBP

# Name, side in pixels, points and radii of the scales, method.
CASES = [
    ("8 points, 128 px", 128, [8], [1], "uniform"),
    ("8 points, 32 px", 32, [8], [1], "uniform"),
    ("8 points, not turned, 128 px", 128, [8], [1], "nri_uniform"),
    ("8 points, up to rotation, 128 px", 128, [8], [1], "ror"),
    ("24 points, radius 3, 128 px", 128, [24], [3], "uniform"),
    ("8, 16, 24 points, 128 px", 128, [8, 16, 24], [1, 2, 3], "uniform"),
]
# Pixels in a batch of ours; the others get as many images as are enough to time.
BATCH_PIXELS = 2**21
N_SLOW = 8
TIES = 0.005


def crops(side, n, seed=0):
    """Gray crops of a photograph, shape (n, side, side), uint8."""
    rng = np.random.default_rng(seed)
    photograph = skimage.data.camera()
    corners = rng.integers(len(photograph) - side, size=(n, 2))
    return np.stack([photograph[y : y + side, x : x + side] for y, x in corners])


def with_skimage(images, n_points, radii, method, bins):
    histograms = [
        np.bincount(
            local_binary_pattern(image, points, radius, method)
            .astype(int)[radius:-radius, radius:-radius]
            .ravel(),
            minlength=n_bins,
        )[codes]
        for image in images
        for points, radius, (n_bins, codes) in zip(n_points, radii, bins, strict=True)
    ]
    return np.concatenate(histograms).reshape(len(images), -1)


def bins_of(n_points, method):
    """Length of scikit-image's histogram, and which of its entries ever count."""
    if method == "uniform":
        return n_points + 2, slice(None)
    if method == "nri_uniform":
        return n_points * (n_points - 1) + 3, slice(None)
    turns = [
        [(p >> k) | (p << (n_points - k)) & (2**n_points - 1) for k in range(n_points)]
        for p in range(2**n_points)
    ]
    return 2**n_points, np.unique(np.min(turns, axis=1))


def compete(case, side, n_points, radii, method, mahotas):
    """Rows of one case: rates in images per second, and ours over theirs."""
    n = BATCH_PIXELS // side**2
    images = crops(side, n)
    few = images[:N_SLOW]
    bins = [bins_of(points, method) for points in n_points]
    params = {"method": method, "normalize": None}
    ours = LBP(tuple(n_points), tuple(radii), **params)
    theirs = with_skimage(few, n_points, radii, method, bins)
    # A pixel that moves leaves one bin and enters another.
    moved = np.abs(ours.transform(few) - theirs).sum() / 2 / theirs.sum()
    assert moved <= TIES, f"{case}: {moved:.2%} of pixels differ from scikit-image"

    two = LBP(tuple(n_points), tuple(radii), n_jobs=2, **params)
    contenders = {
        "imgfeat": (n, lambda: ours.transform(images)),
        "imgfeat, 2 threads": (n, lambda: two.transform(images)),
        "scikit-image": (
            N_SLOW,
            lambda: with_skimage(few, n_points, radii, method, bins),
        ),
    }
    if mahotas is not None and method == "ror":
        contenders["mahotas"] = (
            N_SLOW,
            lambda: np.stack([mahotas.lbp(x, radii[0], n_points[0]) for x in few]),
        )
    rows = race(case, contenders)
    rows[0]["share_of_pixels_that_differ"] = float(moved)
    return rows


def import_mahotas(folder):
    """mahotas' features from `folder`; None without one."""
    if folder is None:
        print("No --mahotas: its rows are left out.")
        return None
    sys.path.append(folder)
    return importlib.import_module("mahotas.features.lbp")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", metavar="PATH", help="also save the results here")
    parser.add_argument("--mahotas", metavar="FOLDER", help="holds mahotas")
    args = parser.parse_args()

    mahotas = import_mahotas(args.mahotas)
    results = [row for case in CASES for row in compete(*case, mahotas)]
    if args.json:
        save(args.json, results)


if __name__ == "__main__":
    main()
