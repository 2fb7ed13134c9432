"""Tests for imgfeat/deploy/onnx/_resampling.py: the pixels of the kernel, exactly."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from imgfeat.deploy.onnx._resampling import resample
from imgfeat.kernels.resize import INTERPOLATIONS, resize
from tests.deploy.onnx._graphs import run_on_image

pytestmark = pytest.mark.onnx

SHAPES = [(24, 20), (61, 50), (9, 77), (1, 1), (2, 40)]


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 256, (47, 60, 3), dtype=np.uint8)


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
@pytest.mark.parametrize("size", SHAPES)
def test_equals_the_kernel(image, size, interpolation):
    def write(graph, planes):
        made = resample(graph, planes, size, (0, 0), size, interpolation)
        return made.name, np.float32

    expected = resize(image, size, interpolation=interpolation)
    for found in (run_on_image(write, image), run_on_image(write, image, (47, 60))):
        assert_array_equal(found.transpose(1, 2, 0), expected)


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_a_window_is_cut_out(image, interpolation):
    def write(graph, planes):
        made = resample(graph, planes, (30, 31), (4, 7), (20, 11), interpolation)
        return made.name, np.float32

    expected = resize(image, (30, 31), interpolation=interpolation, box=(4, 7, 20, 11))
    assert_array_equal(run_on_image(write, image).transpose(1, 2, 0), expected)


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_beyond_the_image_there_is_a_color(image, interpolation):
    around = [1, 2, 3]

    def write(graph, planes):
        made = resample(
            graph, planes, (10, 12), (-3, -2), (16, 15), interpolation, around
        )
        return made.name, np.float32

    expected = np.full((16, 15, 3), around)
    expected[3:13, 2:14] = resize(image, (10, 12), interpolation=interpolation)
    assert_array_equal(run_on_image(write, image).transpose(1, 2, 0), expected)
