"""Tests for imgfeat/deploy/onnx/_net_view.py."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from imgfeat.deploy.onnx._net_view import view_of
from imgfeat.nets import Preprocessing
from imgfeat.nets._preprocessing import VIEWS
from tests.deploy.onnx._graphs import run_on_image

pytestmark = pytest.mark.onnx

MEAN, STD = (0.2, 0.5, 0.7), (0.5, 0.5, 0.5)
STATED = {
    "center": {"size": (24, 24)},
    "oblong": {"size": (20, 36), "crop": 0.9},
    "squash": {"size": (24, 24), "crop_mode": "squash"},
    "border": {"size": (24, 20), "crop_mode": "border", "interpolation": "bicubic"},
    "small": {"size": (24, 24), "crop": 1.25},
}
SHAPES = [(40, 61), (61, 40), (7, 90), (1, 1)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("stated", STATED.values(), ids=STATED)
def test_sees_what_the_net_sees(shape, stated):
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    preprocessing = Preprocessing(mean=MEAN, std=STD, **stated)
    for view in VIEWS[10][:6:2]:
        expected = np.empty((*preprocessing.size, 3), dtype=np.uint8)
        preprocessing.apply(image, expected, view)

        def write(graph, planes, view=view):
            return view_of(graph, planes, preprocessing, view), np.uint8

        assert_array_equal(run_on_image(write, image), expected)


def test_gray_planes_are_seen_as_their_rgb_copies():
    image = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    image[...] = image[..., :1]
    preprocessing = Preprocessing((16, 16), mean=MEAN, std=STD)
    expected = np.empty((16, 16, 3), dtype=np.uint8)
    preprocessing.apply(image, expected)

    def write(graph, planes):
        gray = planes.gray(graph)
        return view_of(graph, gray, preprocessing, VIEWS[1][0]), np.uint8

    assert_array_equal(run_on_image(write, image), expected)
