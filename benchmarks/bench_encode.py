"""Milliseconds to encode one image's 841 descriptors, against the nearest peers.

- FisherVector (K Gaussians) against ``skimage.feature.fisher_vector(improved=True)``
  with the same mixture, once in float64 as scikit-image's own examples and once in
  float32 from end to end, its fastest.
- BagOfVisualWords, hard assignment, against ``KMeans.predict`` with the same words in
  float32, which gives the nearest words but no histogram.
- VLAD against the plain NumPy definition (nearest word by ``argmin``, residuals summed
  word by word); no installable package has it.

All get descriptors in memory and one thread, BLAS and OpenMP limited to one as well.
Ours are timed through ``transform`` of 16 images, checks and normalization included;
the peers, which take one image, are called 16 times.

Two kinds of descriptors. ``sift``: RootSIFT on a grid of 29 x 29 points of tiles of
scikit-image's photographs, by PCA to 64 numbers; a descriptor then belongs to few
Gaussians. ``noise``: independent normal numbers, where it belongs to nearly all of
them, which is the worst case for an encoder that skips those it does not belong to.

    python -m benchmarks.bench_encode --json results/encode.json
"""

import argparse
import warnings

import cv2
import numpy as np
from skimage import data
from skimage.feature import fisher_vector
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits

from benchmarks._timing import measure_interleaved, save
from imgfeat.features import VLAD, BagOfVisualWords, FisherVector

N_TIMED = 16
SIDE, STEP, N_DIMS = 128, 4, 64
PHOTOGRAPHS = "astronaut", "camera", "chelsea", "coffee", "rocket"


def sift_bags():
    """RootSIFT on a grid of each tile of some photographs, by PCA to 64 numbers."""
    border = 8
    steps = range(border, SIDE - border + 1, STEP)
    points = [cv2.KeyPoint(float(x), float(y), 16.0) for y in steps for x in steps]
    sift = cv2.SIFT_create()
    bags = []
    for name in PHOTOGRAPHS:
        photograph = getattr(data, name)()
        if photograph.ndim == 3:
            photograph = cv2.cvtColor(photograph, cv2.COLOR_RGB2GRAY)
        for top in range(0, photograph.shape[0] - SIDE + 1, SIDE):
            for left in range(0, photograph.shape[1] - SIDE + 1, SIDE):
                tile = photograph[top : top + SIDE, left : left + SIDE]
                bags.append(sift.compute(np.ascontiguousarray(tile), points)[1])
    bags = np.stack(bags)
    bags = np.sqrt(bags / np.maximum(bags.sum(axis=2, keepdims=True), 1e-9))
    reduced = PCA(N_DIMS, random_state=0).fit_transform(bags.reshape(-1, 128))
    return reduced.reshape(len(bags), -1, N_DIMS).astype(np.float32)


def noise_bags():
    rng = np.random.default_rng(0)
    return rng.standard_normal((40, 841, N_DIMS), dtype=np.float32)


def mixture_of(fisher, dtype):
    """The same mixture as scikit-learn's estimator, which scikit-image wants."""
    mixture = GaussianMixture(len(fisher.weights_), covariance_type="diag")
    mixture.weights_ = fisher.weights_.astype(dtype)
    mixture.means_ = fisher.means_.astype(dtype)
    mixture.covariances_ = fisher.covariances_.astype(dtype)
    mixture.precisions_cholesky_ = 1 / np.sqrt(mixture.covariances_)
    return mixture


def fisher_contenders(bags, n_words):
    fisher = FisherVector(
        n_words, parts=("weights", "means", "variances"), random_state=0
    ).fit(bags)
    timed = bags[:N_TIMED]
    contenders = {"imgfeat": lambda: fisher.transform(timed)}
    for dtype in (np.float64, np.float32):
        mixture, peer_bags = mixture_of(fisher, dtype), timed.astype(dtype)
        contenders[f"skimage_{np.dtype(dtype)}"] = lambda m=mixture, p=peer_bags: (
            np.stack([fisher_vector(bag, m, improved=True) for bag in p])
        )
    return contenders


def bovw_contenders(bags, n_words):
    bovw = BagOfVisualWords(n_words, random_state=0).fit(bags)
    kmeans = KMeans(n_words, init=bovw.cluster_centers_, n_init=1, max_iter=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        kmeans.fit(bags.reshape(-1, N_DIMS))
    bovw.cluster_centers_ = kmeans.cluster_centers_
    timed = bags[:N_TIMED]
    return {
        "imgfeat": lambda: bovw.transform(timed),
        "sklearn": lambda: [kmeans.predict(bag) for bag in timed],
    }


def vlad_contenders(bags, n_words):
    vlad = VLAD(n_words, random_state=0).fit(bags)
    timed, words = bags[:N_TIMED], vlad.cluster_centers_

    def in_numpy(bag):
        squares = np.einsum("kd,kd->k", words, words)
        nearest = (squares - 2 * bag @ words.T).argmin(axis=1)
        sums = np.stack(
            [(bag[nearest == k] - words[k]).sum(axis=0) for k in range(n_words)]
        )
        sums = np.sign(sums) * np.sqrt(np.abs(sums))
        sums /= np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-30)
        return sums.ravel() / np.linalg.norm(sums)

    return {
        "imgfeat": lambda: vlad.transform(timed),
        "numpy": lambda: np.stack([in_numpy(bag) for bag in timed]),
    }


CASES = [
    ("fisher", fisher_contenders, (64, 256)),
    ("bovw", bovw_contenders, (64, 512, 1024)),
    ("vlad", vlad_contenders, (64,)),
]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", metavar="PATH", help="also save the results here")
    args = parser.parse_args()

    results = []
    with threadpool_limits(1):
        for kind, bags in {"sift": sift_bags(), "noise": noise_bags()}.items():
            for encoder, make, sizes in CASES:
                for n_words in sizes:
                    contenders = make(bags, n_words)
                    differences = largest_differences(contenders)
                    timings = measure_interleaved(contenders)
                    ours = timings["imgfeat"]["median_s"]
                    for name, timing in timings.items():
                        milliseconds = 1000 * timing["median_s"] / N_TIMED
                        case = {"kind": kind, "encoder": encoder, "n_words": n_words}
                        ratio = timing["median_s"] / ours
                        difference = differences.get(name)
                        results.append(
                            {
                                "name": name,
                                **case,
                                "ratio": ratio,
                                "largest_difference": difference,
                                **timing,
                            }
                        )
                        apart = (
                            "" if difference is None else f"{difference:12.1e} apart"
                        )
                        print(
                            f"{kind:6}{encoder:7}{n_words:5} {name:16}"
                            f"{milliseconds:8.3f} ms an image {ratio:7.2f} x{apart}"
                        )

    if args.json:
        save(args.json, results)


def largest_differences(contenders):
    """Between our vectors and those of each peer that gives vectors."""
    codes = {name: function() for name, function in contenders.items()}
    ours = codes.pop("imgfeat")
    return {
        name: float(np.abs(code - ours).max())
        for name, code in codes.items()
        if isinstance(code, np.ndarray)
    }


if __name__ == "__main__":
    main()
