"""Tests for imgfeat/deploy/serve/_batch_size.py."""

import numpy as np
import pytest

from imgfeat.deploy.serve._batch_size import BatchSize


def taught(seconds, sizes=(1, 2, 4, 8, 16) * 4, **options):
    size = BatchSize(**options)
    for n_images in sizes:
        size.note(n_images, seconds(n_images))
    return size


def test_before_anything_ran_there_is_a_guess():
    assert BatchSize().choose() == 8
    assert BatchSize(most=3).choose() == 3
    assert BatchSize().seconds(100) == 0


@pytest.mark.parametrize(
    "start, each, expected",
    [(0.001, 0.001, 19), (0.002, 0.01, 4), (0.05, 0.001, 64), (0.0, 0.01, 4)],
)
def test_the_smallest_with_95_percent_of_the_highest_rate(start, each, expected):
    size = taught(lambda n_images: start + each * n_images)
    assert size.choose() == expected
    n_images = max(expected, 19 if expected == 19 else 1)
    if 4 < n_images < 64:
        rate = n_images / (start + each * n_images)
        assert rate >= 0.95 / each * 0.999


def test_a_batch_takes_no_longer_than_allowed():
    size = taught(lambda n_images: 0.5 + 0.1 * n_images, longest_s=1.5)
    assert size.choose() == 10
    slow = taught(lambda n_images: 2.0 * n_images, longest_s=1.0)
    assert slow.choose() == 1


def test_seconds_count_the_batches():
    size = taught(lambda n_images: 0.001 + 0.001 * n_images)
    assert size.seconds(38) == pytest.approx(2 * 0.001 + 38 * 0.001, rel=1e-6)


def test_batches_of_one_size_teach_the_rate_alone():
    size = taught(lambda n_images: 0.01, sizes=[1] * 50)
    assert size.choose() == 8
    assert size.seconds(10) == pytest.approx(0.1)


def test_what_is_measured_late_counts_more():
    size = taught(lambda n_images: 0.001 + 0.001 * n_images)
    for n_images in (1, 2, 4, 8, 16) * 40:
        size.note(n_images, 0.01 + 0.001 * n_images)
    assert size.choose() == 64
    assert size.seconds(1) == pytest.approx(0.011, rel=0.02)


def test_noise_never_makes_sense_of_nothing():
    rng = np.random.default_rng(0)
    size = BatchSize(most=32)
    for n_images in rng.integers(1, 33, 300):
        size.note(int(n_images), float(rng.exponential(0.02)))
        assert 1 <= size.choose() <= 32
        assert 0 <= size.seconds(50) < 50
