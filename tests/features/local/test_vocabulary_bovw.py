"""Tests for imgfeat/features/local/_bovw.py."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from imgfeat.features import BagOfVisualWords


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(size=(4, 30, 5)).astype(np.float32)


def distances(bag, words):
    return np.sqrt(np.square(bag[:, None].astype(float) - words).sum(axis=-1))


def raw(**params):
    return BagOfVisualWords(7, power=1, normalize=None, random_state=0, **params)


def test_hard_assignment_counts_nearest_words(X):
    bovw = raw().fit(X)
    for bag, counts in zip(X, bovw.transform(X), strict=True):
        nearest = distances(bag, bovw.cluster_centers_).argmin(axis=1)
        assert_array_equal(counts, np.bincount(nearest, minlength=7))


@pytest.mark.parametrize("bandwidth", [None, 0.4])
def test_soft_assignment_shares_a_descriptor_by_distance(X, bandwidth):
    bovw = raw(assignment="soft", n_neighbors=3, bandwidth=bandwidth).fit(X)
    if bandwidth is None:
        nearest = distances(X.reshape(-1, 5), bovw.cluster_centers_).min(axis=1)
        assert_allclose(bovw.bandwidth_, np.sqrt((nearest**2).mean()) / 3, rtol=1e-5)
    for bag, code in zip(X, bovw.transform(X), strict=True):
        expected = np.zeros(7)
        for row in distances(bag, bovw.cluster_centers_):
            words = row.argsort()[:3]
            shares = np.exp(-(row[words] ** 2) / (2 * bovw.bandwidth_**2))
            expected[words] += shares / shares.sum()
        assert_allclose(code, expected, rtol=1e-4, atol=1e-5)


def test_llc_keeps_the_largest_weight_of_each_word(X):
    bovw = raw(assignment="llc", n_neighbors=3).fit(X)
    for bag, code in zip(X, bovw.transform(X), strict=True):
        expected = np.zeros(7)
        for x, row in zip(bag, distances(bag, bovw.cluster_centers_), strict=True):
            words = row.argsort()[:3]
            offsets = bovw.cluster_centers_[words].astype(float) - x
            covariance = offsets @ offsets.T
            covariance += 1e-4 * np.trace(covariance) * np.eye(3)
            weights = np.linalg.solve(covariance, np.ones(3))
            expected[words] = np.maximum(expected[words], weights / weights.sum())
        assert_allclose(code, expected, rtol=1e-3, atol=1e-4)


def test_soft_assignment_far_from_every_word_does_not_underflow(X):
    bovw = raw(assignment="soft").fit(X)
    assert_allclose(bovw.transform(X + 1e4).sum(axis=1), 30, rtol=1e-5)


def test_more_neighbors_than_words_means_all_words(X):
    few, all_words = (raw(assignment="soft", n_neighbors=n).fit(X) for n in (7, 50))
    assert_array_equal(few.transform(X), all_words.transform(X))


def test_tfidf_weighs_rare_words_more(X):
    plain, weighted = raw().fit(X), raw(tfidf=True).fit(X)
    counts = plain.transform(X)
    n_images_with = (counts > 0).sum(axis=0)
    assert_allclose(weighted.idf_, np.log(5 / (1 + n_images_with)) + 1, rtol=1e-6)
    assert_allclose(weighted.transform(X), counts * weighted.idf_)


def test_l1_norm_gives_frequencies(X):
    bovw = BagOfVisualWords(7, normalize="l1", power=1, random_state=0)
    assert_allclose(bovw.fit_transform(X), raw().fit_transform(X) / 30, rtol=1e-6)


def test_power_and_norm_make_the_hellinger_kernel(X):
    counts = raw().fit_transform(X)
    codes = BagOfVisualWords(7, random_state=0).fit_transform(X)
    roots = np.sqrt(counts / 30)
    assert_allclose(codes @ codes.T, roots @ roots.T, rtol=1e-5)


def test_words_are_the_clusters():
    centers = np.array([[0, 0], [0, 9], [9, 0]])
    noise = np.random.default_rng(0).normal(0, 0.1, (3, 40, 2))
    words = BagOfVisualWords(3, random_state=0).fit(centers[:, None] + noise)
    found = words.cluster_centers_[np.lexsort(words.cluster_centers_.T.round())]
    assert_allclose(found, centers[[0, 2, 1]], atol=0.1)
