"""Tests for imgfeat/features/local/_fisher.py and _mixture.py."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from skimage.feature import fisher_vector
from sklearn.mixture import GaussianMixture

from imgfeat.features import FisherVector

ALL_PARTS = ("weights", "means", "variances")


@pytest.fixture
def X():
    """Descriptors around four centres of different spread."""
    rng = np.random.default_rng(0)
    centers, spreads = rng.normal(0, 2, (4, 6)), rng.uniform(0.2, 2, (4, 6))
    kind = rng.integers(0, 4, (5, 60))
    return rng.normal(centers[kind], spreads[kind]).astype(np.float32)


def as_scikit_learn(fisher):
    mixture = GaussianMixture(len(fisher.weights_), covariance_type="diag")
    mixture.weights_ = fisher.weights_
    mixture.means_ = fisher.means_
    mixture.covariances_ = fisher.covariances_
    mixture.precisions_cholesky_ = 1 / np.sqrt(fisher.covariances_)
    return mixture


@pytest.mark.parametrize("improved", [False, True])
@pytest.mark.parametrize("n_components", [1, 4, 20])
def test_matches_scikit_image(X, improved, n_components):
    form = {} if improved else {"power": 1, "normalize": None}
    fisher = FisherVector(n_components, parts=ALL_PARTS, random_state=0, **form).fit(X)
    expected = [
        fisher_vector(bag.astype(float), as_scikit_learn(fisher), improved=improved)
        for bag in X
    ]
    assert_allclose(fisher.transform(X), expected, atol=1e-4)


@pytest.mark.parametrize("improved", [False, True])
@pytest.mark.parametrize("n_descriptors", [1, 2, 841])
@pytest.mark.parametrize("spread", [0.1, 1, 5])
def test_matches_scikit_image_at_the_usual_size(improved, n_descriptors, spread):
    rng = np.random.default_rng(0)
    centers = rng.normal(0, spread, (64, 64))
    X = rng.normal(centers[rng.integers(0, 64, (4, 841))], 1)
    form = {} if improved else {"power": 1, "normalize": None}
    fisher = FisherVector(64, parts=ALL_PARTS, max_iter=5, random_state=0, **form)
    fisher.fit(X)
    bag = X[0, :n_descriptors]
    expected = fisher_vector(bag, as_scikit_learn(fisher), improved=improved)
    assert_allclose(fisher.transform([bag])[0], expected, atol=1e-4)


def test_parts_are_those_asked_for(X):
    whole = FisherVector(3, parts=ALL_PARTS, power=1, normalize=None, random_state=0)
    expected = whole.fit_transform(X)
    for parts, columns in {
        ("weights",): np.s_[:3],
        ("means",): np.s_[3:21],
        ("variances", "means"): np.s_[3:],
    }.items():
        whole.set_params(parts=parts)
        assert_allclose(whole.transform(X), expected[:, columns], rtol=1e-5)


def test_the_images_that_made_the_mixture_pull_it_nowhere(X):
    """At a maximum of the likelihood the gradient is zero."""
    fisher = FisherVector(
        3,
        power=1,
        normalize=None,
        tol=0,
        max_iter=500,
        variance_floor=1e-9,
        random_state=0,
    )
    codes = fisher.fit_transform(X)
    assert np.abs(codes).max() > 0.1
    assert_allclose(codes.mean(axis=0), 0, atol=1e-3)


def test_scikit_learn_finds_nothing_to_improve_in_the_mixture(X):
    flat = X.reshape(-1, 6)
    fisher = FisherVector(4, tol=1e-7, max_iter=500, random_state=0).fit(X)
    ours = as_scikit_learn(fisher)
    assert_allclose(fisher.lower_bound_, ours.score(flat), rtol=1e-5)
    theirs = GaussianMixture(
        4,
        covariance_type="diag",
        tol=1e-7,
        max_iter=500,
        weights_init=ours.weights_,
        means_init=ours.means_,
        precisions_init=1 / ours.covariances_,
    ).fit(flat)
    assert_allclose(theirs.score(flat), ours.score(flat), atol=1e-4)
    assert_allclose(theirs.means_, ours.means_, atol=0.02)


def test_every_step_raises_the_likelihood(X):
    bounds = [
        FisherVector(4, max_iter=n, tol=0, random_state=0).fit(X).lower_bound_
        for n in range(1, 12)
    ]
    assert (np.diff(bounds) > -1e-5).all()


def test_no_variance_falls_below_the_floor():
    X = np.random.default_rng(0).normal(0, [1, 5, 0], (3, 20, 3))
    X[:, :10] = 1, 1, 0  # half of all descriptors are one point
    fisher = FisherVector(2, variance_floor=0.01, random_state=0).fit(X)
    total = X.reshape(-1, 3).var(axis=0)
    total[2] = np.mean(total[:2])
    ratios = fisher.covariances_.min(axis=0) / (0.01 * total)
    assert (ratios > 1 - 1e-5).all()
    # Where a component has the one point alone depends on how k-means begins.
    assert_allclose(ratios.min(), 1, rtol=1e-5)


def test_more_components_than_distinct_descriptors_is_harmless():
    X = np.repeat(np.eye(3), 10, axis=0).reshape(2, 15, 3)
    fisher = FisherVector(8, random_state=0)
    assert np.isfinite(fisher.fit_transform(X)).all()
    assert_allclose(fisher.weights_.sum(), 1)


@pytest.mark.parametrize("parts", [(), ("mean",), ("means", "covariances")])
def test_rejects_bad_parts(X, parts):
    with pytest.raises(ValueError, match="parts must be some of"):
        FisherVector(2, parts=parts).fit(X)
