"""Tests for imgfeat/features/local/_vlad.py."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from imgfeat.features import VLAD


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(size=(4, 50, 5)).astype(np.float32)


def reference(bag, words, normalize_components, power, norm):
    """The definition, one descriptor at a time."""
    sums = np.zeros(words.shape)
    for x in bag.astype(float):
        nearest = np.square(x - words).sum(axis=1).argmin()
        lengths = np.square(x).sum() + np.square(words[nearest]).sum()
        if np.square(x - words[nearest]).sum() > 1e-8 * lengths:  # not rounding alone
            sums[nearest] += x - words[nearest]
    sums = np.sign(sums) * np.abs(sums) ** power
    if normalize_components:
        sums /= np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-30)
    return sums.ravel() / (np.linalg.norm(sums) if norm else 1)


@pytest.mark.parametrize("normalize_components", [False, True])
@pytest.mark.parametrize("power", [1, 0.5, 0.2])
@pytest.mark.parametrize("norm", ["l2", None])
def test_matches_the_definition(X, normalize_components, power, norm):
    vlad = VLAD(
        6,
        normalize_components=normalize_components,
        power=power,
        normalize=norm,
        random_state=0,
    ).fit(X)
    expected = [
        reference(bag, vlad.cluster_centers_, normalize_components, power, norm)
        for bag in X
    ]
    assert_allclose(vlad.transform(X), expected, atol=1e-5)


def test_matches_the_definition_on_long_descriptors():
    X = np.random.default_rng(0).random((2, 841, 64)).astype(np.float32)
    vlad = VLAD(64, max_descriptors=1000, random_state=0).fit(X)
    expected = [reference(bag, vlad.cluster_centers_, True, 0.5, "l2") for bag in X]
    assert_allclose(vlad.transform(X), expected, atol=1e-5)


@pytest.mark.parametrize("value", [0.1, 1 / 3, 100.3, 1e-6])
def test_descriptors_on_their_words_but_for_rounding_add_nothing(value):
    bags = [np.full((30, 8), value) for _ in range(3)]
    assert not VLAD(1, random_state=0).fit_transform(bags).any()


def test_descriptors_on_their_words_add_nothing():
    X = np.repeat([[[0.0, 0.0]], [[4.0, 0.0]]], 5, axis=1)
    assert_allclose(VLAD(2, random_state=0).fit_transform(X), 0)
