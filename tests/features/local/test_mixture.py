"""Tests for imgfeat/features/local/_mixture.py; test_vocabulary_fisher.py has uses."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import logsumexp
from scipy.stats import multivariate_normal
from sklearn.mixture import GaussianMixture

from imgfeat.features.local._mixture import fit_mixture

OPTIONS = {"variance_floor": 1e-3, "max_iter": 100, "tol": 1e-5}
OPTIONS |= {"n_jobs": 1, "verbose": 0}


def fit(sample, n_components, seed=0, **options):
    state = np.random.RandomState(seed)
    options = OPTIONS | options
    return fit_mixture(sample, n_components, random_state=state, **options)


def three_clouds(n=3000, seed=0, offset=0.0):
    """Descriptors of three Gaussians far from each other, and which they are of."""
    rng = np.random.default_rng(seed)
    kinds = rng.choice(3, n, p=[0.5, 0.3, 0.2])
    means = np.array([[0, 0], [12, 0], [0, 12]]) + offset
    deviations = np.array([[1, 1], [2, 0.5], [0.5, 1.5]])
    sample = means[kinds] + deviations[kinds] * rng.normal(size=(n, 2))
    return sample.astype(np.float32), kinds


def log_likelihood(sample, mixture):
    """Mean over the descriptors, by scipy."""
    densities = [
        np.log(weight) + multivariate_normal(mean, np.diag(variance)).logpdf(sample)
        for weight, mean, variance in zip(*mixture, strict=True)
    ]
    return logsumexp(densities, axis=0).mean()


@pytest.mark.parametrize("offset", [0.0, 1000.0])
def test_clouds_far_apart_are_found_with_their_own_moments(offset):
    sample, kinds = three_clouds(offset=offset)
    mixture, _, _ = fit(sample, 3)
    for kind in range(3):
        own = sample[kinds == kind].astype(np.float64)
        found = np.square(mixture.means - own.mean(axis=0)).sum(axis=1).argmin()
        assert_allclose(mixture.weights[found], len(own) / len(sample), atol=2e-3)
        assert_allclose(mixture.means[found], own.mean(axis=0), atol=0.02)
        assert_allclose(mixture.covariances[found], own.var(axis=0), rtol=0.02)


def test_one_component_is_mean_and_variance():
    sample, _ = three_clouds()
    mixture, likelihood, _ = fit(sample, 1)
    assert_allclose(mixture.weights, [1])
    assert_allclose(mixture.means[0], sample.mean(axis=0, dtype=float), rtol=1e-5)
    assert_allclose(mixture.covariances[0], sample.var(axis=0, dtype=float), rtol=1e-4)
    assert_allclose(likelihood, log_likelihood(sample, mixture), rtol=1e-5)


def test_likelihood_is_what_scipy_makes_of_the_mixture():
    sample, _ = three_clouds()
    mixture, likelihood, _ = fit(sample, 3, tol=1e-7)
    assert_allclose(likelihood, log_likelihood(sample, mixture), atol=1e-4)


def test_step_is_one_of_scikit_learn():
    sample = np.random.default_rng(0).normal(size=(800, 3)).astype(np.float32)
    first, _, _ = fit(sample, 4, max_iter=1)
    second, _, _ = fit(sample, 4, max_iter=2)
    theirs = GaussianMixture(
        4,
        covariance_type="diag",
        max_iter=1,
        reg_covar=0,
        weights_init=first.weights,
        means_init=first.means,
        precisions_init=1 / first.covariances,
    )
    with pytest.warns(UserWarning, match="did not converge"):
        theirs.fit(sample.astype(np.float64))
    assert_allclose(second.weights, theirs.weights_, rtol=1e-3)
    assert_allclose(second.means, theirs.means_, atol=2e-3)
    assert_allclose(second.covariances, theirs.covariances_, rtol=2e-3)


def test_stops_when_a_step_brings_less_than_tol():
    sample, _ = three_clouds()
    _, _, n_rough = fit(sample, 5, tol=1e-2)
    _, fine, n_fine = fit(sample, 5, tol=1e-5)
    _, _, n_all = fit(sample, 5, tol=0.0, max_iter=4)
    assert n_rough < n_fine < 100
    assert n_all == 4
    assert fine >= fit(sample, 5, tol=1e-2)[1]


def test_threads_change_next_to_nothing():
    sample, _ = three_clouds(n=9000)  # several chunks
    one, three = (fit(sample, 4, n_jobs=n)[0] for n in (1, 3))
    for got, expected in zip(three, one, strict=True):
        assert_allclose(got, expected, rtol=1e-4, atol=1e-5)


def test_same_seed_gives_the_same_mixture_and_leaves_the_sample_alone():
    sample, _ = three_clouds()
    before = sample.copy()
    for got, expected in zip(fit(sample, 4)[0], fit(sample, 4)[0], strict=True):
        assert_array_equal(got, expected)
    assert_array_equal(sample, before)


@pytest.mark.parametrize("scale", [1e-3, 1e3])
def test_units_of_a_dimension_do_not_matter(scale):
    sample, _ = three_clouds()
    mixture, _, _ = fit(sample, 3)
    scaled, _, _ = fit(sample * np.float32(scale), 3)
    order, other = (
        np.lexsort(np.round(m.means.T / s, 1))
        for m, s in ((mixture, 1), (scaled, scale))
    )
    assert_allclose(scaled.weights[other], mixture.weights[order], atol=1e-3)
    assert_allclose(scaled.means[other] / scale, mixture.means[order], atol=0.02)


def test_variances_keep_to_the_floor_of_their_dimension():
    sample = np.repeat(np.eye(3, dtype=np.float32), 50, axis=0)
    sample[:, 1] *= 100
    mixture, _, _ = fit(sample, 3, variance_floor=0.1)
    floor = 0.1 * sample.var(axis=0, dtype=np.float64)
    assert (mixture.covariances >= floor * (1 - 1e-6)).all()
    assert_allclose(mixture.covariances, np.tile(floor, (3, 1)), rtol=1e-3)


def test_dimension_that_never_changes_gets_a_variance_all_the_same():
    sample, _ = three_clouds()
    sample = np.column_stack([sample, np.full(len(sample), 5, np.float32)])
    mixture, likelihood, _ = fit(sample, 3)
    assert_allclose(mixture.means[:, 2], 5, rtol=1e-5)
    assert (mixture.covariances[:, 2] > 0).all()
    assert np.isfinite(likelihood)


def test_descriptors_that_are_all_one_are_a_component_there():
    mixture, likelihood, _ = fit(np.full((20, 2), 7, np.float32), 2)
    assert_allclose(mixture.means, 7)
    assert_allclose(mixture.weights.sum(), 1)
    assert (mixture.weights > 0).all() and np.isfinite(likelihood)
