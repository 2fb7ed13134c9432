"""Tests for imgfeat/kernels/color_histogram.py."""

import colorsys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from skimage.color import rgb2lab

from imgfeat.kernels.color_histogram import SPACES, color_histograms, to_space


def noise(*shape, seed=0):
    return np.random.default_rng(seed).random((*shape, 3)).astype(np.float32)


def every_corner():
    """The 27 colours with channels of 0, 0.5 and 1, as an image."""
    levels = np.float32([0, 0.5, 1])
    colors = np.stack(np.meshgrid(levels, levels, levels), axis=-1)
    return np.ascontiguousarray(colors.reshape(1, 3, 9, 3))


def bins_of(images, space, n_bins):
    """Bin of each channel of each pixel, the slow way."""
    low, high = np.array(SPACES[space][1], dtype=float).T
    place = (images.astype(float) - low) / (high - low) * n_bins
    return place.astype(int).clip(0, np.array(n_bins) - 1)


def count(images, space="rgb", n_bins=(4, 4, 4), joint=False, grid=(1, 1)):
    options = {"space": space, "n_bins": n_bins, "joint": joint, "grid": grid}
    return color_histograms(images, **options)


def test_hsv_is_what_python_makes_of_it():
    images = np.concatenate([every_corner(), noise(1, 3, 9)])
    found = to_space(images, "hsv").reshape(-1, 3)
    expected = [colorsys.rgb_to_hsv(*map(float, c)) for c in images.reshape(-1, 3)]
    assert_allclose(found, np.multiply(expected, (360, 1, 1)), rtol=1e-4, atol=1e-3)


def test_lab_is_near_to_the_formula():
    images = np.concatenate([every_corner(), noise(1, 3, 9)])
    assert_allclose(to_space(images, "lab"), rgb2lab(images), atol=0.5)


def test_rgb_is_the_image_itself():
    images = noise(2, 3, 4)
    assert to_space(images, "rgb") is images


@pytest.mark.parametrize("space", SPACES)
def test_every_colour_is_within_the_range_of_its_space(space):
    levels = np.linspace(0, 1, 18, dtype=np.float32)
    cube = np.stack(np.meshgrid(levels, levels, levels), axis=-1)
    found = to_space(np.ascontiguousarray(cube.reshape(1, 18, -1, 3)), space)
    low, high = np.array(SPACES[space][1]).T
    assert (found >= low - 1e-3).all() and (found <= high + 1e-3).all()


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("n_bins", [(1, 1, 1), (2, 3, 4), (8, 2, 5)])
@pytest.mark.parametrize("joint", [False, True])
@pytest.mark.parametrize("grid", [(1, 1), (2, 3), (5, 7)])
def test_counts_are_those_of_numpy(space, n_bins, joint, grid):
    images = to_space(noise(2, 5, 7), space)
    bins = bins_of(images, space, n_bins)
    size = np.prod(n_bins) if joint else np.sum(n_bins)
    expected = np.zeros((2, *grid, size), dtype=int)
    for i, row, col in np.ndindex(images.shape[:3]):
        cell = expected[i, row * grid[0] // 5, col * grid[1] // 7]
        if joint:
            cell[np.ravel_multi_index(bins[i, row, col], n_bins)] += 1
        else:
            cell[bins[i, row, col] + np.cumsum([0, *n_bins[:2]])] += 1
    assert_array_equal(count(images, space, n_bins, joint, grid), expected)


@pytest.mark.parametrize("joint, per_pixel", [(True, 1), (False, 3)])
def test_every_pixel_is_counted_in_one_cell(joint, per_pixel):
    counts = count(noise(3, 11, 13), joint=joint, grid=(3, 4))
    assert_array_equal(counts.sum(axis=(1, 2, 3)), [11 * 13 * per_pixel] * 3)
    sizes = counts.sum(axis=3)[0] / per_pixel
    assert sizes.min() >= 3 * 3 and sizes.max() <= 4 * 4


def test_channels_alone_are_the_margins_of_all_together():
    images = noise(2, 6, 6)
    joint = count(images, n_bins=(2, 3, 4), joint=True).reshape(2, 2, 3, 4)
    margins = [joint.sum(axis=axes) for axes in ((2, 3), (1, 3), (1, 2))]
    apart = count(images, n_bins=(2, 3, 4)).reshape(2, 9)
    assert_array_equal(np.concatenate(margins, axis=1), apart)


def test_ends_of_the_range_belong_to_the_outer_bins():
    ends = np.float32([[[[0, 0, 0], [1, 1, 1], [1.0001, -0.0001, 2]]]])
    assert_array_equal(count(ends)[0, 0, 0], [1, 0, 0, 2, 2, 0, 0, 1, 1, 0, 0, 2])


def test_images_do_not_touch():
    images = noise(4, 5, 5)
    alone = np.concatenate([count(images[i : i + 1], grid=(2, 2)) for i in range(4)])
    assert_array_equal(count(images, grid=(2, 2)), alone)
