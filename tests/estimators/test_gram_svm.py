"""Tests for imgfeat/estimators/_gram_svm.py."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.svm import LinearSVC

from imgfeat.estimators._gram_svm import GramSVC


def blobs(n_samples, n_features, n_classes, strength=0.1):
    rng = np.random.default_rng(0)
    y = np.arange(n_samples) % n_classes
    centres = strength * rng.standard_normal((n_classes, n_features))
    return rng.standard_normal((n_samples, n_features)) + centres[y], y


@pytest.mark.parametrize("C", [1e-4, 1e-2, 1.0])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("class_weight", [None, "balanced", {0: 3.0, 1: 0.5, 2: 1.0}])
def test_slopes_are_those_of_liblinear(C, n_classes, class_weight):
    X, y = blobs(45, 120, n_classes)
    if isinstance(class_weight, dict):
        class_weight = {label: class_weight[label] for label in range(n_classes)}
    weights = np.random.default_rng(1).uniform(0.2, 3, len(X))
    ours = GramSVC(C, 1000, class_weight).fit(X @ X.T, y, weights)
    theirs = LinearSVC(
        C=C, dual=False, tol=1e-10, max_iter=10_000, class_weight=class_weight
    ).fit(X, y, weights)
    np.testing.assert_allclose(ours.dual_coef_ @ X, theirs.coef_, atol=1e-5)
    np.testing.assert_allclose(
        ours.dual_coef_.sum(axis=1), theirs.intercept_, atol=1e-5
    )
    new = blobs(9, 120, n_classes)[0]
    np.testing.assert_allclose(
        ours.decision_function(new @ X.T), theirs.decision_function(new), atol=1e-4
    )


def test_warm_start_ends_where_a_cold_one_does():
    X, y = blobs(40, 60, 3)
    ones = np.ones(len(y))
    warm = GramSVC(1e-4, 1000)
    for C in (1e-4, 1e-2, 1.0):
        warm.C = C
        warm.fit(X @ X.T, y, ones)
        cold = GramSVC(C, 1000).fit(X @ X.T, y, ones)
        np.testing.assert_allclose(warm.dual_coef_, cold.dual_coef_, atol=1e-10)


def test_rows_that_overlap_are_learned_too():
    """More rows than features: the products do not tell all rows apart."""
    X, y = blobs(200, 3, 2, strength=1.0)
    X[1] = X[0]  # of another class
    ours = GramSVC(1.0, 1000).fit(X @ X.T, y, np.ones(len(y)))
    theirs = LinearSVC(C=1.0, dual=False, tol=1e-10).fit(X, y)
    np.testing.assert_allclose(ours.dual_coef_ @ X, theirs.coef_, atol=1e-6)
    assert ours.n_iter_ < 20


def test_too_few_steps_are_warned_of():
    X, y = blobs(200, 3, 2, strength=1.0)
    with pytest.warns(ConvergenceWarning, match="not converged"):
        GramSVC(1.0, 1).fit(X @ X.T, y, np.ones(len(y)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        GramSVC(1.0, 50).fit(X @ X.T, y, np.ones(len(y)))
