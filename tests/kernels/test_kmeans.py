"""Tests for imgfeat/kernels/kmeans.py."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.cluster import KMeans

from imgfeat.kernels.kmeans import learn_centers


@pytest.fixture(scope="module")
def rows():
    # More than are summed up at a time, and not a multiple of it.
    return np.random.default_rng(0).normal(size=(9000, 5)).astype(np.float32)


@pytest.mark.parametrize("n_iter", [1, 4])
def test_centers_are_those_of_scikit_learn(rows, n_iter):
    kmeans = KMeans(7, init=rows[:7], n_init=1, max_iter=n_iter, tol=0).fit(rows)
    found = learn_centers(rows, rows[:7], n_iter)
    assert found.dtype == np.float32
    assert_allclose(found, kmeans.cluster_centers_, rtol=1e-4, atol=1e-5)


def test_threads_change_no_bit(rows):
    one, three = (learn_centers(rows, rows[:7], 3, n_jobs) for n_jobs in (1, 3))
    assert_array_equal(one, three)


def test_the_first_centers_stay_as_they_are(rows):
    first = rows[:7].copy()
    learn_centers(rows, first, 2)
    assert_array_equal(first, rows[:7])


def test_a_center_without_rows_stays():
    first = np.float32([[0, 0, 0], [9, 9, 9]])
    rows = np.zeros((10, 3), dtype=np.float32)
    assert_array_equal(learn_centers(rows, first, 3), first)


def test_ends_when_no_center_moves_any_more():
    rows = np.float32([[0], [1], [10], [11]])
    told = []
    found = learn_centers(rows, rows[:2], 50, advance=lambda: told.append(1))
    assert_allclose(np.sort(found.ravel()), [0.5, 10.5])
    assert len(told) < 6
