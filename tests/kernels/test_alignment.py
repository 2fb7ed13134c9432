"""Tests for imgfeat/kernels/alignment.py."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from imgfeat.kernels.alignment import aligned_correlation, gradients


@pytest.fixture
def picture():
    """One picture of noise, with room for shifts."""
    return np.random.default_rng(0).random((40, 40), np.float32)


def by_definition(first, second, reach):
    """Every shift by slicing, every cosine by numpy."""
    height, width = first.shape[:2]
    best = 0
    for down in range(-reach, reach + 1):
        for right in range(-reach, reach + 1):
            top, left = max(0, -down), max(0, -right)
            rows, cols = height - abs(down), width - abs(right)
            a = first[top : top + rows, left : left + cols]
            b = second[top + down :, left + right :][:rows, :cols]
            norms = np.sqrt((a * a).sum() * (b * b).sum())
            best = max(best, (a * b).sum() / norms)
    return best


def test_gradients_are_central_differences():
    picture = np.array([[[0, 1, 4], [1, 2, 7], [5, 5, 5]]], np.float32)
    found = gradients(picture)
    assert found.shape == (1, 3, 3, 2)
    assert_array_equal(found[0, 1, 1], [6, 4])
    assert_array_equal(found[0, 0, :, 0], [0, 4, 0])
    assert_array_equal(found[0, :, 0, 1], [0, 5, 0])


def test_every_shift_is_tried():
    edges = gradients(np.random.default_rng(1).random((6, 12, 10), np.float32))
    found = aligned_correlation(edges[:3], edges[3:], 2)
    expected = [
        by_definition(a, b, 2) for a, b in zip(edges[:3], edges[3:], strict=True)
    ]
    assert_allclose(found, expected, rtol=1e-4)


@pytest.mark.parametrize("shift", [(0, 0), (2, -3), (-3, 3)])
def test_a_moved_picture_with_other_contrast_agrees(picture, shift):
    down, right = shift
    first = picture[4:36, 4:36]
    second = 3 * picture[4 + down : 36 + down, 4 + right : 36 + right] + 7
    edges = gradients(np.array([first, second]))
    found = aligned_correlation(edges[:1], edges[1:], 3)
    assert found[0] > 0.9


def test_beyond_the_reach_it_does_not(picture):
    edges = gradients(np.array([picture[:32, :32], picture[5:37, :32]]))
    assert aligned_correlation(edges[:1], edges[1:], 3)[0] < 0.3


def test_flat_pictures_have_nothing_in_common(picture):
    flat = gradients(np.full((1, 32, 32), 9, np.float32))
    assert aligned_correlation(flat, flat, 2)[0] == 0
    assert aligned_correlation(flat, gradients(picture[None, :32, :32]), 2)[0] == 0
