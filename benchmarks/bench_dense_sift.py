"""Dense SIFT: images per second of DenseSIFT against cv2.SIFT.compute.

Both describe the same grid of points with bins of the same width, from the same uint8
gray images in memory, in one process on one thread, in turns. What OpenCV needs before
it can start, a list of keypoint objects, is made once, outside the measured time.

Bins of the same width are OpenCV's best case: the time it takes grows with the square
of a keypoint's "size", which is only 2.7 here. The descriptors are close, not equal:
OpenCV blurs the image first, weighs pixels by a Gaussian and rounds to 8 bits. Their
mean cosine similarity is printed, on a photograph.

DenseSIFT is measured through its transformer, with all of its checks and in memory
fresh from the system; "kernel" is the function below it, writing into memory that is
already there. On a shared machine, look at the ratio.

    python -m benchmarks.bench_dense_sift --json results/dense_sift.json
"""

import argparse

import cv2
import numpy as np
from skimage import data

from benchmarks._timing import measure_interleaved, save
from imgfeat.features import DenseSIFT
from imgfeat.kernels.dense_sift import dense_sift, grid_starts

# side, step and bin size in pixels; images a call
SETTINGS = [(128, 4, 4, 32), (128, 8, 4, 32), (128, 2, 6, 8), (32, 4, 4, 256)]


def photographs(n_images, side):
    """Crops of skimage's camera image, no two alike."""
    whole = data.camera()
    places = np.random.default_rng(0).integers(0, 512 - side, (n_images, 2))
    return np.stack([whole[r : r + side, c : c + side] for r, c in places])


def keypoints(side, step, bin_size):
    """The grid as OpenCV's objects: its bins are 1.5 times the "size" of a keypoint."""
    starts = grid_starts(side, step=step, bin_size=bin_size) + 1.5 * bin_size
    return [
        cv2.KeyPoint(float(col), float(row), bin_size / 1.5, 0.0)
        for row in starts
        for col in starts
    ]


def similarity(images, found, step, bin_size):
    """Mean cosine between OpenCV's descriptors and `found`."""
    points = keypoints(images.shape[1], step, bin_size)
    theirs = cv2.SIFT_create().compute(images[0], points)[1].reshape(-1, 16, 8)
    # OpenCV counts orientations the other way round.
    theirs = theirs[:, :, -np.arange(8)].reshape(-1, 128)
    theirs /= np.maximum(np.linalg.norm(theirs, axis=1, keepdims=True), 1e-9)
    return float((theirs * found[0]).sum(axis=1).mean())


def contenders(images, step, bin_size):
    side = images.shape[1]
    points = keypoints(side, step, bin_size)
    detector = cv2.SIFT_create()
    feature = DenseSIFT(step, bin_size=bin_size)
    n_rows = len(grid_starts(side, step=step, bin_size=bin_size))
    out = np.empty((len(images), n_rows, n_rows, 128), dtype=np.float32)
    plain = DenseSIFT(step, bin_size=bin_size, root=False, contrast_threshold=0)
    return (
        len(points),
        similarity(images, plain.transform(images[:1]), step, bin_size),
        {
            "DenseSIFT": lambda: feature.transform(images),
            "kernel": lambda: dense_sift(
                images, step=step, bin_size=bin_size, root=True, out=out
            ),
            "cv2.SIFT.compute": lambda: [detector.compute(x, points) for x in images],
        },
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", metavar="PATH", help="also save the results here")
    args = parser.parse_args()

    cv2.setNumThreads(1)
    results = []
    for side, step, bin_size, n_images in SETTINGS:
        images = photographs(n_images, side)
        n_points, cosine, functions = contenders(images, step, bin_size)
        timings = measure_interleaved(functions)
        print(
            f"{side} x {side}, step {step}, bins of {bin_size}: {n_points} descriptors,"
            f" cosine with OpenCV's {cosine:.3f}"
        )
        theirs = timings["cv2.SIFT.compute"]["median_s"]
        for name, timing in timings.items():
            milliseconds = timing["median_s"] / n_images * 1e3
            ratio = theirs / timing["median_s"]
            print(f"  {name:18}{milliseconds:8.3f} ms an image {ratio:8.1f}x")
            results.append(
                {
                    "name": name,
                    "side": side,
                    "step": step,
                    "bin_size": bin_size,
                    "n_images": n_images,
                    "n_descriptors": n_points,
                    "cosine": cosine,
                    "ms_per_image": milliseconds,
                    "times_opencv": ratio,
                    **timing,
                }
            )

    if args.json:
        save(args.json, results)


if __name__ == "__main__":
    main()
