"""Tests for imgfeat/estimators/_temperature.py."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize_scalar
from sklearn.metrics import log_loss

from imgfeat.estimators._temperature import both_sides, fit_temperature, probabilities


def held_out(n_samples=500, n_classes=3, seed=0, signal=1.0):
    """Decisions that know something of the labels."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, n_classes, n_samples)
    noise = rng.normal(size=(n_samples, n_classes))
    return noise + signal * np.eye(n_classes)[labels], labels


def loss(scale, decisions, labels, weights):
    """Log loss against labels that are wrong once in n + 2 times."""
    n_samples, n_classes = decisions.shape
    wrong = 1 / (n_samples + 2)
    targets = np.full(decisions.shape, wrong / (n_classes - 1))
    targets[np.arange(n_samples), labels] = 1 - wrong
    scores = scale * decisions
    log_shares = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    return -np.average((targets * log_shares).sum(axis=1), weights=weights)


@pytest.mark.parametrize("n_classes", [2, 3, 10])
@pytest.mark.parametrize("size", [1e-3, 1.0, 50.0])
@pytest.mark.parametrize("weighted", [False, True])
def test_scale_is_where_a_search_finds_the_least_loss(n_classes, size, weighted):
    decisions, labels = held_out(n_classes=n_classes)
    weights = np.random.default_rng(1).random(500) if weighted else np.ones(500)
    scale = fit_temperature(size * decisions, labels, weights)
    found = minimize_scalar(
        lambda log_scale: loss(np.exp(log_scale), decisions, labels, weights),
        bounds=(-5, 5),
        method="bounded",
        options={"xatol": 1e-8},
    )
    assert_allclose(scale * size, np.exp(found.x), rtol=1e-4)


def test_probabilities_have_the_least_log_loss_of_all_scales():
    decisions, labels = held_out(2000)
    scale = fit_temperature(decisions, labels, np.ones(2000))
    losses = [
        log_loss(labels, probabilities(decisions, scale * factor))
        for factor in (0.97, 1, 1.03)
    ]
    assert losses[1] == min(losses)


def test_scale_is_finite_for_decisions_that_are_all_right_and_positive_for_all_wrong():
    labels = np.arange(30) % 3
    right = np.eye(3)[labels]
    sure = probabilities(right, fit_temperature(right, labels, np.ones(30)))
    assert 0.95 < sure.max() < 1
    wrong = -right
    unsure = probabilities(wrong, fit_temperature(wrong, labels, np.ones(30)))
    assert_allclose(unsure, 1 / 3, atol=0.01)
    assert fit_temperature(np.zeros((30, 3)), labels, np.ones(30)) == 1


def test_what_is_added_to_all_decisions_of_a_row_does_not_matter():
    decisions, labels = held_out()
    shift = np.random.default_rng(1).normal(size=(500, 1))
    scale = fit_temperature(decisions, labels, np.ones(500))
    assert_allclose(fit_temperature(decisions + shift, labels, np.ones(500)), scale)
    shares = probabilities(decisions + shift, scale)
    assert_allclose(shares, probabilities(decisions, scale))


def test_order_of_rows_and_classes_does_not_matter():
    decisions, labels = held_out()
    weights = np.random.default_rng(1).random(500)
    scale = fit_temperature(decisions, labels, weights)
    rows = np.random.default_rng(2).permutation(500)
    found = fit_temperature(decisions[rows], labels[rows], weights[rows])
    assert_allclose(found, scale, rtol=1e-6)
    found = fit_temperature(decisions[:, ::-1], 2 - labels, weights)
    assert_allclose(found, scale, rtol=1e-6)


def test_size_of_all_weights_does_not_matter_and_that_of_each_does():
    decisions, labels = held_out()
    is_right = decisions.argmax(axis=1) == labels
    even, sure, unsure = (
        fit_temperature(decisions, labels, weights)
        for weights in (np.full(500, 7.0), 1 + 9.0 * is_right, 10 - 9.0 * is_right)
    )
    assert_allclose(even, fit_temperature(decisions, labels, np.ones(500)), rtol=1e-6)
    assert unsure < even < sure


def test_no_row_of_weight_zero_is_looked_at():
    decisions, labels = held_out()
    weights = (np.arange(500) % 2).astype(float)
    garbage = np.where(weights[:, None] > 0, decisions, decisions[:, ::-1])
    scales = [fit_temperature(d, labels, weights) for d in (decisions, garbage)]
    assert_allclose(*scales, rtol=1e-6)


@pytest.mark.parametrize("size", [1e-8, 1.0, 1e8])
def test_rows_sum_to_one_and_keep_their_order(size):
    decisions = size * held_out(n_classes=5)[0]
    shares = probabilities(decisions, 3.0)
    assert_allclose(shares.sum(axis=1), 1)
    assert np.isfinite(shares).all()
    assert_array_equal(shares.argmax(axis=1), decisions.argmax(axis=1))


def test_one_decision_for_two_classes_is_a_logistic_curve():
    decisions = np.linspace(-5, 5, 11)
    shares = probabilities(both_sides(decisions), 2.0)
    assert_allclose(shares[:, 1], 1 / (1 + np.exp(-2 * decisions)))
    assert_allclose(shares.sum(axis=1), 1)
