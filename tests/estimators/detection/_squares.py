"""Noise with bright squares in it, and a detector of them."""

import numpy as np
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from imgfeat.estimators import SlidingWindowDetector
from imgfeat.features import HOG


def scene(corners, side=16, size=(80, 96), seed=0):
    """An image with a square of `side` at each (left, top), and boxes around them."""
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 60, size, dtype=np.uint8)
    for left, top in corners:
        image[top : top + side, left : left + side] += 120
    margin = side // 4
    boxes = [
        (left - margin, top - margin, left + side + margin, top + side + margin)
        for left, top in corners
    ]
    return image, np.array(boxes, dtype=float).reshape(-1, 4)


def detector(**options):
    pipeline = make_pipeline(HOG(pixels_per_cell=(4, 4)), LinearSVC())
    return SlidingWindowDetector(
        pipeline, **{"window": 24, "n_negatives": 60} | options
    )
