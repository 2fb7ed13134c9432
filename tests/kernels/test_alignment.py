"""Tests for imgfeat/kernels/alignment.py."""

import cv2
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from imgfeat.kernels.alignment import (
    aligned_correlation,
    count_edges,
    gradients,
    register,
    registered_correlation,
)


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
    found, _ = aligned_correlation(edges[:3], edges[3:], 2)
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
    found, shifts = aligned_correlation(edges[:1], edges[1:], 3)
    assert found[0] > 0.9
    assert shifts.tolist() == [[-right, -down]]


def test_beyond_the_reach_it_does_not(picture):
    edges = gradients(np.array([picture[:32, :32], picture[5:37, :32]]))
    assert aligned_correlation(edges[:1], edges[1:], 3)[0][0] < 0.3


def test_flat_pictures_have_nothing_in_common(picture):
    flat = gradients(np.full((1, 32, 32), 9, np.float32))
    for other in (flat, gradients(picture[None, :32, :32])):
        found, shifts = aligned_correlation(flat, other, 2)
        assert found[0] == 0
        assert shifts.tolist() == [[0, 0]]


def smooth_noise(seed=0):
    """A picture with edges of a few pixels."""
    noise = np.random.default_rng(seed).random((48, 48), np.float32)
    return cv2.GaussianBlur(noise, (0, 0), 2)


def test_a_map_that_was_applied_is_found_and_lays_one_over_the_other():
    affine = np.float32([[1.12, 0.03, -2.5], [-0.04, 0.93, 1.5]])
    second = smooth_noise()
    inverse = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    first = 3 * cv2.warpAffine(second, affine, (40, 40), flags=inverse)[4:, 4:] + 1
    affine[:, 2] += affine[:, :2] @ [4, 4]
    found = register(first, second, (2, 4))
    assert_allclose(found, affine, atol=0.1)
    similarity, n_edges, overlap = registered_correlation(first, second, found)
    assert similarity > 0.98
    assert 100 < n_edges < 36 * 36
    assert 0.8 < overlap <= 1


def test_registered_as_it_lies_is_the_plain_cosine_within_the_rim():
    first, second = smooth_noise(1), smooth_noise(2)
    edges = gradients(np.stack([first, second]))[:, 1:-1, 1:-1]
    expected = (edges[0] * edges[1]).sum() / np.linalg.norm(edges[0])
    expected /= np.linalg.norm(edges[1])
    found = registered_correlation(first, second, np.eye(2, 3, dtype=np.float32))
    assert_allclose(found, (expected, count_edges(edges).min(), 1), rtol=1e-4)


def test_pictures_without_edges_have_no_map():
    flat = np.full((32, 32), 7, np.float32)
    assert register(flat, flat, (0, 0)) is None
    similarity, _, _ = registered_correlation(
        flat, flat, np.eye(2, 3, dtype=np.float32)
    )
    assert similarity == 0


def test_edges_are_counted_by_how_far_they_spread():
    edges = np.zeros((2, 8, 8, 2), np.float32)
    edges[0, :3, :4, 1] = 5
    assert_allclose(count_edges(edges), [12, 0])
