"""Tests for imgfeat/estimators/_row_space.py."""

import numpy as np
import pytest
from sklearn.svm import LinearSVC
from sklearn.utils.estimator_checks import parametrize_with_checks

from imgfeat.estimators import RowSpace


@parametrize_with_checks([RowSpace()])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("dtype, atol", [(np.float64, 1e-10), (np.float32, 1e-3)])
def test_rows_of_the_fit_keep_their_lengths_and_angles(dtype, atol):
    X = np.random.default_rng(0).standard_normal((20, 900)).astype(dtype)
    space = RowSpace().fit(X)
    rows = space.transform(X)
    assert rows.shape == (20, 20)
    assert rows.dtype == space.components_.dtype == dtype
    np.testing.assert_allclose(rows @ rows.T, X @ X.T, atol=atol)
    np.testing.assert_allclose(rows @ space.components_, X, atol=atol)


def test_directions_below_rounding_are_dropped():
    X = np.random.default_rng(0).standard_normal((5, 50))
    assert RowSpace().fit_transform(np.vstack([X, X])).shape == (10, 5)
    assert RowSpace().fit_transform(np.zeros((3, 9))).tolist() == [[0.0]] * 3


def test_as_many_rows_as_features_pass():
    X = np.random.default_rng(0).standard_normal((6, 6))
    space = RowSpace().fit(X)
    assert space.components_ is None
    np.testing.assert_array_equal(space.transform(X), X)


def test_tables_have_named_columns():
    X = np.random.default_rng(0).standard_normal((2, 9))
    space = RowSpace().set_output(transform="pandas").fit(X)
    assert space.transform(X).columns.tolist() == ["rowspace0", "rowspace1"]


def test_slopes_go_back_to_the_features():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((30, 200)), np.arange(30) % 3
    space = RowSpace().fit(X)
    options = {"tol": 1e-8, "dual": False, "max_iter": 10_000}
    plain = LinearSVC(**options).fit(X, y)
    folded = LinearSVC(**options).fit(space.transform(X), y)
    np.testing.assert_allclose(folded.coef_ @ space.components_, plain.coef_, atol=1e-6)
