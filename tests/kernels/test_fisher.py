"""Tests for imgfeat/kernels/fisher.py; test_encode.py has what its sums are."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from imgfeat.kernels.fisher import GROUP, fisher_sums, fisher_vectors, mixture_tables

WEIGHTS = np.array([0.5, 0.2, 0.3])
MEANS = np.array([[0.0, 1, 2, 3], [1, 1, 1, 1], [-2, 0, 2, 0]])
VARIANCES = np.array([[1.0, 2, 0.5, 1], [0.2, 0.2, 0.2, 0.2], [1, 1, 3, 3]])
TABLES = mixture_tables(WEIGHTS, MEANS, VARIANCES)


def draw(n, seed=0):
    return np.random.default_rng(seed).normal(1, 1.5, (n, 4)).astype(np.float32)


def one_cell(values):
    return np.zeros((1, len(values)), dtype=np.int32)


def shares_of(values):
    """Posterior probabilities, one component at a time."""
    logs = [
        np.log(weight) - 0.5 * (np.log(v) + (values.astype(float) - m) ** 2 / v).sum(1)
        for weight, m, v in zip(WEIGHTS, MEANS, VARIANCES, strict=True)
    ]
    densities = np.exp(np.transpose(logs))
    return densities / densities.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("n", [1, 3, GROUP - 1, GROUP, GROUP + 1, 200])
def test_vector_is_the_gradient_in_the_papers_normalization(n):
    values = draw(n)
    shares = shares_of(values)
    z = (values[:, None] - MEANS) / np.sqrt(VARIANCES)
    per_root = 1 / (n * np.sqrt(WEIGHTS))
    by_weights = (shares - WEIGHTS).sum(axis=0) * per_root
    by_means = np.einsum("nk,nkd->kd", shares, z) * per_root[:, None]
    by_variances = -np.einsum("nk,nkd->kd", shares, z**2 - 1) * per_root[:, None]
    by_variances /= np.sqrt(2)
    found = fisher_vectors(values, one_cell(values), 1, TABLES, weights=True)
    expected = np.r_[by_weights, by_means.ravel(), by_variances.ravel()]
    assert_allclose(found[0], expected, rtol=1e-3, atol=2e-4)


@pytest.mark.parametrize("weights", [False, True])
@pytest.mark.parametrize("means", [False, True])
@pytest.mark.parametrize("variances", [False, True])
def test_parts_stand_in_their_order_and_are_those_of_all(weights, means, variances):
    values = draw(30)
    cells = one_cell(values)
    whole = fisher_vectors(values, cells, 1, TABLES, weights=True)
    chosen = np.r_[[weights] * 3, [means] * 12, [variances] * 12].astype(bool)
    found = fisher_vectors(
        values, cells, 1, TABLES, weights=weights, means=means, variances=variances
    )
    assert_array_equal(found, whole[:, chosen])


def test_cell_is_encoded_as_if_alone_and_an_empty_one_is_zeros():
    values = draw(90)
    cells = np.stack([np.zeros(90), 1 + np.arange(90) % 2 * 2]).astype(np.int32)
    found = fisher_vectors(values, cells, 4, TABLES, weights=True)
    for cell, rows in [
        (0, slice(None)),
        (1, slice(0, None, 2)),
        (3, slice(1, None, 2)),
    ]:
        own = np.ascontiguousarray(values[rows])
        alone = fisher_vectors(own, one_cell(own), 1, TABLES, weights=True)
        assert_allclose(found[cell], alone[0], rtol=1e-4, atol=1e-5)
    assert_array_equal(found[2], 0)


@pytest.mark.parametrize("with_weights", [False, True])
def test_repeated_descriptors_change_nothing(with_weights):
    values = draw(40)
    twice = np.repeat(values, 2, axis=0)
    once, repeated = (
        fisher_vectors(v, one_cell(v), 1, TABLES, weights=with_weights)
        for v in (values, twice)
    )
    assert_allclose(repeated, once, rtol=1e-3, atol=1e-5)


def test_shares_of_a_descriptor_sum_to_one_however_far_it_is():
    values = np.outer([0, 1, 1e2, 1e4, 1e6], np.ones(4)).astype(np.float32)
    for row in range(len(values)):
        one = values[row : row + 1]
        _, shares, first, second = fisher_sums(one, one_cell(one), 1, TABLES)
        assert_allclose(shares.sum(), 1, rtol=1e-5)
        assert np.isfinite(first).all() and np.isfinite(second).all()


@pytest.mark.parametrize("cutoff", [18.0, 5.0, 1.0])
def test_only_shares_below_the_cutoff_are_left_out(cutoff):
    values = draw(300)
    shares = shares_of(values)
    ratio = shares / shares.max(axis=1, keepdims=True)
    kept = np.where(ratio > np.exp(-cutoff), shares, 0).sum(axis=0)
    _, found, _, _ = fisher_sums(values, one_cell(values), 1, TABLES, cutoff=cutoff)
    assert_allclose(found[0], kept, rtol=1e-3, atol=1e-3)


def test_cutoff_does_not_touch_the_likelihood():
    values = draw(100)
    exact = fisher_sums(values, one_cell(values), 1, TABLES)[0]
    rough = fisher_sums(values, one_cell(values), 1, TABLES, cutoff=0.5)[0]
    assert rough == exact
