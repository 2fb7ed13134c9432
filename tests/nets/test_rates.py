"""Tests for imgfeat/nets/_rates.py and _mixing.py: the course of a training."""

import numpy as np
import pytest
import torch

from imgfeat.nets._mixing import Mixing
from imgfeat.nets._rates import SCHEDULES, rate


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_rates_are_shares(schedule):
    shares = [rate(schedule, progress) for progress in np.linspace(0, 1, 101)]
    assert 0 < min(shares) <= max(shares) <= 1


def test_onecycle_rises_for_a_quarter_and_falls():
    shares = np.array([rate("onecycle", p) for p in np.linspace(0, 1, 101)])
    assert shares.argmax() == 25
    assert (np.diff(shares[:26]) > 0).all()
    assert (np.diff(shares[25:]) < 0).all()
    assert shares[-1] < 0.01


def test_cosine_only_falls_and_none_stays():
    cosine = [rate("cosine", p) for p in np.linspace(0, 1, 11)]
    assert cosine[0] == 1
    assert (np.diff(cosine) < 0).all()
    assert {rate(None, p) for p in (0, 0.3, 1)} == {1.0}


@pytest.fixture
def images():
    return torch.arange(6 * 3 * 8 * 8, dtype=torch.float32).reshape(6, 3, 8, 8)


def test_nothing_is_mixed_by_default(images):
    mixed, share = Mixing()(images, np.random.default_rng(0))
    assert mixed is images
    assert share == 1


def test_mixup_is_a_weighted_mean_with_the_image_before(images):
    mixed, share = Mixing(mixup=1.0)(images, np.random.default_rng(0))
    expected = share * images + (1 - share) * images.roll(1, 0)
    torch.testing.assert_close(mixed, expected)
    assert 0 < share < 1


def test_cutmix_pastes_a_rectangle_and_counts_it(images):
    for seed in range(20):
        mixed, share = Mixing(cutmix=1.0)(images, np.random.default_rng(seed))
        is_pasted = mixed == images.roll(1, 0)
        assert (is_pasted | (mixed == images)).all()
        pasted = is_pasted.float().mean().item()
        assert share == pytest.approx(1 - pasted)


def test_both_take_turns(images):
    mixing, rng = Mixing(mixup=1.0, cutmix=1.0), np.random.default_rng(0)
    kinds = set()
    for _ in range(20):
        mixed, _ = mixing(images, rng)
        kinds.add(bool(((mixed == images) | (mixed == images.roll(1, 0))).all()))
    assert kinds == {True, False}


def test_one_image_has_nothing_to_mix_with(images):
    mixed, share = Mixing(mixup=1.0)(images[:1], np.random.default_rng(0))
    assert mixed.shape == (1, 3, 8, 8)
    assert share == 1
