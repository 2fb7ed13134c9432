"""Tests for imgfeat/evaluation/audit/_measures.py."""

import cv2
import numpy as np
import pytest
from numpy.testing import assert_allclose

from imgfeat.evaluation.audit._measures import measure_edge_width, measure_tones


def step(sigma, contrast=200, size=64):
    """A vertical edge that a Gaussian of `sigma` blurred."""
    picture = np.zeros((size, size), np.float32)
    picture[:, size // 2 :] = contrast
    if sigma:
        picture = cv2.GaussianBlur(picture, (0, 0), sigma)
    return np.rint(picture + 20).astype(np.uint8)


def test_percentiles_are_those_of_numpy():
    gray = np.random.default_rng(0).integers(0, 200, (50, 60), dtype=np.uint8)
    found = measure_tones(gray)
    expected = np.quantile(gray, (0.01, 0.5, 0.99), method="inverted_cdf") / 255
    assert_allclose([found["p1"], found["p50"], found["p99"]], expected)
    assert_allclose(found["contrast"], expected[2] - expected[0])


@pytest.mark.parametrize("level", [0, 1, 128, 254, 255])
def test_what_has_one_value_is_plain_at_any_level(level):
    gray = np.full((10, 10), level, np.uint8)
    gray[0, :5] = 100
    assert measure_tones(gray)["plain"] == 0.95


@pytest.mark.parametrize("sigma", [1.5, 2, 3])
def test_the_width_of_an_edge_is_the_sigma_of_its_blur(sigma):
    assert_allclose(measure_edge_width(step(sigma)), sigma, rtol=0.15)


def test_contrast_does_not_change_the_width():
    widths = [measure_edge_width(step(2, contrast)) for contrast in (60, 120, 200)]
    assert_allclose(widths, widths[0], rtol=0.1)


def test_a_blurred_background_leaves_a_sharp_subject_sharp():
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (128, 128)).astype(np.float32)
    picture = cv2.GaussianBlur(noise, (0, 0), 6) - 100
    picture[40:80, 40:80] = 200
    assert measure_edge_width(picture.clip(0, 255).astype(np.uint8)) < 1


def test_weak_noise_on_a_blurred_picture_does_not_make_it_sharp():
    noise = np.random.default_rng(0).normal(0, 2, (64, 64))
    noisy = np.clip(step(4) + noise, 0, 255).astype(np.uint8)
    assert measure_edge_width(noisy) > 2


@pytest.mark.parametrize("shape", [(40, 40), (15, 40), (1, 1)])
def test_without_an_edge_or_room_for_one_there_is_no_width(shape):
    assert np.isnan(measure_edge_width(np.full(shape, 90, np.uint8)))
