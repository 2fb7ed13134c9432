"""Tests for imgfeat/deploy/onnx/_gradients.py."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

from imgfeat.deploy.onnx._gradients import describe_gradients, hypot_nudges
from imgfeat.deploy.onnx._unportable import NotPortableError
from imgfeat.features import HOG
from tests.deploy.onnx._graphs import run_on_image

pytestmark = pytest.mark.onnx

OPTIONS = {
    "default": {},
    "L1": {"block_norm": "L1", "orientations": 8},
    "L1-sqrt": {"block_norm": "L1-sqrt", "orientations": 4},
    "L2": {"block_norm": "L2", "pixels_per_cell": (7, 5), "cells_per_block": (1, 3)},
    "one bin": {"orientations": 1, "cells_per_block": (3, 3)},
}


def described(hog, image, is_gray=False):
    def write(graph, planes):
        rows = describe_gradients(graph, hog, planes, "hog")
        return rows.value(graph), np.float64

    size = image.shape[:2]
    if is_gray:
        image = np.repeat(image[..., None], 3, axis=2)
    return run_on_image(write, image, size)


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_equals_the_features_of_colors_and_of_gray(options):
    colors = np.random.default_rng(0).integers(0, 256, (5, 37, 41, 3), dtype=np.uint8)
    # Few levels: equal gradients of two channels, and cells without any.
    colors[1] //= 40
    colors[2] //= 200
    colors[3] = 77
    hog = HOG(**options, device="cpu").fit(colors)
    for image, expected in zip(colors, hog.transform(colors), strict=True):
        assert_allclose(described(hog, image), expected, atol=1e-6)
    gray = np.ascontiguousarray(colors[..., 0])
    hog = HOG(**options, device="cpu").fit(gray)
    for image, expected in zip(gray, hog.transform(gray), strict=True):
        assert_allclose(described(hog, image, is_gray=True), expected, atol=1e-6)


def test_nudges_order_sides_as_hypot_does():
    nudges = hypot_nudges().reshape(256, 256).astype(int)
    pairs = [(4, 7), (1, 8), (3, 4), (5, 0), (33, 56), (16, 63), (0, 65)]
    for a, b in pairs:
        for c, d in pairs:
            first, second = (
                4 * (x * x + y * y) + nudges[x, y] for x, y in ((a, b), (c, d))
            )
            assert (first > second) == (math.hypot(a, b) > math.hypot(c, d))


def test_roots_of_pixels_are_refused():
    images = np.zeros((1, 16, 16), dtype=np.uint8)
    hog = HOG(transform_sqrt=True).fit(images)
    with pytest.raises(NotPortableError, match="fit with transform_sqrt=False"):
        described(hog, images[0], is_gray=True)
