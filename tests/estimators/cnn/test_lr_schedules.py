"""Tests for imgfeat/estimators/cnn/_lr_schedules.py: the course of a training."""

import numpy as np
import pytest

from imgfeat.estimators.cnn._lr_schedules import SCHEDULES, rate


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
