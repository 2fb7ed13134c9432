"""Tests for imgfeat/kernels/gray.py."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

from imgfeat.kernels.gray import to_gray


def test_uint8_equals_pillow_for_every_color_of_a_grid():
    levels = np.arange(0, 256, 5, dtype=np.uint8)
    colors = np.stack(np.meshgrid(levels, levels, levels), axis=-1)
    colors = np.ascontiguousarray(colors.reshape(-1, len(levels), 3))
    assert_array_equal(
        to_gray(colors), np.asarray(Image.fromarray(colors).convert("L"))
    )


@pytest.mark.parametrize("dtype", [np.uint16, np.float32, np.float64])
def test_weighs_as_itu_r_601(color_images, dtype):
    images = color_images.astype(dtype)
    gray = to_gray(images)
    assert gray.dtype == dtype and gray.shape == images.shape[:3]
    atol = 0.51 if dtype == np.uint16 else 1e-4
    assert_allclose(gray, color_images @ [0.299, 0.587, 0.114], atol=atol)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
def test_equal_channels_keep_their_value(dtype):
    highest = np.iinfo(dtype).max if np.dtype(dtype).kind == "u" else 1
    values = np.linspace(0, highest, 1000).astype(dtype)
    assert_array_equal(to_gray(np.stack([values] * 3, axis=-1)), values)


def test_sixteen_bits_do_not_overflow():
    assert to_gray(np.full((1, 1, 3), 65535, dtype=np.uint16)) == 65535
