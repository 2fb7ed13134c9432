"""Tests for imgfeat/kernels/tiles.py, encode.py and fisher.py."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from imgfeat.kernels.encode import (
    count_words,
    llc_weights,
    max_codes,
    nearest_words,
    neighbor_words,
    sum_codes,
    vlad_sums,
    word_tables,
)
from imgfeat.kernels.fisher import fisher_sums, mixture_tables
from imgfeat.kernels.tiles import affine_map, affine_tables

# Not multiples of a tile, a pass or a register, and smaller than each.
SHAPES = [(1, 1, 1), (3, 5, 2), (4, 4, 16), (37, 13, 21), (50, 64, 65)]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def draw(rng, n, k, d, offset=0.0):
    values = rng.normal(offset, 1, (n, d)).astype(np.float32)
    words = rng.normal(offset, 1, (k, d)).astype(np.float32)
    return values, words


def squared_distances(values, words):
    return np.square(values[:, None].astype(float) - words).sum(axis=-1)


def one_cell(values):
    return np.zeros((1, len(values)), dtype=np.int32)


@pytest.mark.parametrize("n, d, k", SHAPES)
def test_affine_map_is_a_matrix_product(rng, n, d, k):
    values, matrix = draw(rng, n, k, d)
    center = rng.normal(size=d)
    expected = (values - center) @ matrix.T.astype(float)
    result = affine_map(values, affine_tables(matrix, center))
    assert_allclose(result, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("n, d, k", SHAPES)
@pytest.mark.parametrize("offset", [0, 100])
def test_nearest_words_have_the_least_distance(rng, n, d, k, offset):
    values, words = draw(rng, n, k, d, offset)
    labels = nearest_words(values, word_tables(words))
    assert_array_equal(labels, squared_distances(values, words).argmin(axis=1))


@pytest.mark.parametrize("value", [0, 1, 1e-30, 7e12, 1e18])
@pytest.mark.parametrize("n_words", [1, 3, 20])
def test_there_is_always_a_nearest_word(value, n_words):
    words = np.full((n_words, 4), value, dtype=np.float32)
    for descriptor in (value, 0, 1):
        values = np.full((5, 4), descriptor, dtype=np.float32)
        labels = nearest_words(values, word_tables(words))
        assert_array_equal(labels, 0)
        found, _ = neighbor_words(values, word_tables(words), n_words)
        assert ((found >= 0) & (found < n_words)).all()


def test_the_first_of_equal_words_is_nearest(rng):
    values, words = draw(rng, 40, 6, 7, offset=50)
    labels = nearest_words(values, word_tables(np.tile(words, (20, 1))))
    assert_array_equal(labels, squared_distances(values, words).argmin(axis=1))


@pytest.mark.parametrize("n, d, k", SHAPES)
def test_neighbor_words_are_sorted_by_distance(rng, n, d, k):
    values, words = draw(rng, n, k, d)
    labels, squared = neighbor_words(values, word_tables(words), min(k, 5))
    expected = squared_distances(values, words)
    assert_array_equal(labels, expected.argsort(axis=1)[:, :5])
    assert_allclose(squared, np.sort(expected, axis=1)[:, :5], rtol=1e-5)


def test_llc_weights_rebuild_the_descriptor(rng):
    values, words = draw(rng, 9, 12, 3)
    labels, _ = neighbor_words(values, word_tables(words), 4)
    weights = llc_weights(values, labels, words, 1e-9)
    assert_allclose(weights.sum(axis=1), 1, rtol=1e-4)
    # Four words span three dimensions.
    rebuilt = np.einsum("nk,nkd->nd", weights, words[labels])
    assert_allclose(rebuilt, values, atol=1e-2)


def test_llc_weights_of_a_word_itself_are_finite():
    words = np.zeros((5, 3), dtype=np.float32)
    labels = np.arange(5, dtype=np.int32)[None]
    assert_allclose(llc_weights(words[:1], labels, words, 1e-4), [[0.2] * 5])


def test_codes_are_pooled_in_cells(rng):
    labels = np.array([[0, 1], [1, 2], [0, 2]], dtype=np.int32)
    weights = np.array([[0.5, 0.5], [0.25, -0.5], [1, 2]], dtype=np.float32)
    cells = np.array([[0, 0, 0], [1, 2, 2]], dtype=np.int32)
    assert_array_equal(
        sum_codes(labels, weights, cells, 3, 3),
        [[1.5, 0.75, 1.5], [0.5, 0.5, 0], [1, 0.25, 1.5]],
    )
    assert_array_equal(
        max_codes(labels, weights, cells, 3, 3),
        [[1, 0.5, 2], [0.5, 0.5, 0], [1, 0.25, 2]],
    )
    assert_array_equal(
        count_words(labels[:, 0].copy(), cells, 3, 3),
        [[2, 1, 0], [1, 0, 0], [1, 1, 0]],
    )


@pytest.mark.parametrize("n, d, k", SHAPES)
def test_vlad_sums_residuals(rng, n, d, k):
    values, words = draw(rng, n, k, d)
    cells = np.stack([np.zeros(n), 1 + rng.integers(0, 2, n)]).astype(np.int32)
    labels = nearest_words(values, word_tables(words))
    expected = np.zeros((3, k, d))
    for row in range(n):
        for cell in cells[:, row]:
            expected[cell, labels[row]] += values[row] - words[labels[row]]
    result = vlad_sums(values, labels, words, cells, 3)
    assert_allclose(result, expected, rtol=1e-5, atol=1e-5)


def mixture(rng, k, d, offset=0.0, spread=1.0):
    weights = rng.random(k) + 0.1
    means = rng.normal(offset, spread, (k, d))
    return weights / weights.sum(), means, rng.uniform(0.05, 2, (k, d))


def moments(values, weights, means, covariances):
    """The sums that `fisher_sums` gives, one descriptor and component at a time."""
    k, d = means.shape
    log_likelihood, shares = 0.0, np.zeros(k)
    first, second = np.zeros((k, d)), np.zeros((k, d))
    for x in values.astype(float):
        z = (x - means) / np.sqrt(covariances)
        log_density = np.log(weights) - 0.5 * (z**2 + np.log(covariances)).sum(axis=1)
        density = np.exp(log_density - log_density.max())
        log_likelihood += np.log(density.sum()) + log_density.max()
        share = density / density.sum()
        shares += share
        first += share[:, None] * z
        second += share[:, None] * (z**2 - 1)
    return log_likelihood, shares, first, second


@pytest.mark.parametrize("n, d, k", SHAPES)
@pytest.mark.parametrize("spread", [0.01, 3])  # shared by all, and by next to none
@pytest.mark.parametrize("offset", [0, 30])
def test_fisher_sums_match_the_definition(rng, n, d, k, spread, offset):
    parameters = mixture(rng, k, d, offset, spread)
    values = rng.normal(offset, spread, (n, d)).astype(np.float32)
    result = fisher_sums(values, one_cell(values), 1, mixture_tables(*parameters))
    expected = moments(values, *parameters)
    assert_allclose(result[0], expected[0], rtol=1e-5)
    for got, sums in zip(result[1:], expected[1:], strict=True):
        assert_allclose(got[0], sums, rtol=2e-4, atol=2e-4)


def test_fisher_sums_of_cells_add_up(rng):
    values, _ = draw(rng, 30, 1, 6)
    tables = mixture_tables(*mixture(rng, 5, 6))
    cells = np.stack([np.zeros(30), 1 + np.arange(30) % 3]).astype(np.int32)
    for sums in fisher_sums(values, cells, 4, tables)[1:]:
        assert_allclose(sums[1:].sum(axis=0), sums[0], rtol=1e-4, atol=1e-4)


def test_no_descriptors_sum_to_zero(rng):
    values = np.empty((0, 6), dtype=np.float32)
    tables = mixture_tables(*mixture(rng, 5, 6))
    for sums in fisher_sums(values, one_cell(values), 1, tables):
        assert_array_equal(sums, 0)
    words = word_tables(np.ones((2, 6), dtype=np.float32))
    assert len(nearest_words(values, words)) == 0
