"""Tests for imgfeat/features/cache/_lazy_descriptors.py."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone

from imgfeat.features import (
    CachedFeatures,
    DenseSIFT,
    Descriptors,
    FisherVector,
    clear_cache,
)
from imgfeat.features.cache._lazy_descriptors import StoredDescriptors


@pytest.fixture
def location(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def ragged(location):
    """Descriptors of 30 images of eleven sizes, in memory and stored in five files."""
    rng = np.random.default_rng(0)
    images = [
        rng.integers(0, 256, (17, 17 if row % 3 else 17 + row), dtype=np.uint8)
        for row in range(30)
    ]
    sift = DenseSIFT(bin_size=3, step=2)
    cached = CachedFeatures(sift, location, batch_size=7)
    return sift.fit_transform(images), cached.fit_transform(images)


def assert_same_descriptors(found, expected):
    assert_array_equal(found.offsets, expected.offsets)
    assert_array_equal(found.values, expected.values)
    assert_array_equal(found.positions, expected.positions)


@pytest.mark.parametrize(
    "key",
    [
        slice(None),
        slice(3, 17),
        slice(None, None, -2),
        slice(5, 5),
        [0, 29, 3, 3],
        np.arange(30) % 2 == 0,
        (np.array([2, 1]), Ellipsis),
        (slice(2, 9), slice(None)),
    ],
    ids=str,
)
def test_stored_descriptors_are_sliced_as_others(ragged, key):
    expected, stored = ragged
    assert_same_descriptors(stored[key], expected[key])
    assert_same_descriptors(stored[::-1][key], expected[::-1][key])
    assert_same_descriptors(pickle.loads(pickle.dumps(stored))[key], expected[key])


def test_stored_descriptors_are_looked_at_as_others(ragged):
    expected, stored = ragged
    assert repr(stored).endswith(repr(expected))
    assert (stored.shape, stored.dtype, stored.ndim, stored.nbytes) == (
        (expected.shape, expected.dtype, expected.ndim, expected.nbytes)
    )
    for row in (0, 4, -1):
        assert_array_equal(stored[row], expected[row])
    for one, other in zip(stored, expected, strict=True):
        assert_array_equal(one, other)
    n_values = len(expected.values)
    assert len(stored.values) == n_values
    mask = np.arange(n_values) % 3 == 1
    for key in (5, -1, slice(3, n_values - 3), slice(9, 2), slice(None, None, 5),
                [7, 0, 7], mask, (slice(2, 90), 3), ([1, 2], slice(4))):  # fmt: skip
        assert_array_equal(stored.values[key], expected.values[key])
    assert_same_descriptors(
        Descriptors.concatenate([stored, stored[:3]]),
        Descriptors.concatenate([expected, expected[:3]]),
    )
    with pytest.raises(IndexError, match="along one axis"):
        stored[:, 3]
    with pytest.raises(IndexError, match="Got an index of shape"):
        stored[np.zeros((2, 2), dtype=int)]


def test_stored_descriptors_are_joined_without_reading_them(ragged):
    expected, stored = ragged
    folds = [slice(20, 30), slice(0, 7), [3, 1]]
    joined = np.concatenate([stored[fold] for fold in folds])
    assert isinstance(joined, StoredDescriptors)
    assert_same_descriptors(joined, np.concatenate([expected[fold] for fold in folds]))
    assert not isinstance(np.concatenate([stored, expected]), StoredDescriptors)
    with pytest.raises(ValueError, match="one number of dimensions"):
        np.concatenate([stored, stored.__class__([], *np.zeros((3, 1), int), 3)])


def test_a_vocabulary_reads_stored_descriptors(ragged):
    expected, stored = ragged
    encoder = FisherVector(2, random_state=0, spatial_pyramid=(1, 2))
    assert_array_equal(
        clone(encoder).fit(stored).transform(stored[::2]),
        clone(encoder).fit(expected).transform(expected[::2]),
    )


def test_pickles_of_stored_descriptors_hold_no_values(ragged):
    expected, stored = ragged
    assert len(pickle.dumps(stored)) < len(pickle.dumps(expected)) / 20


def test_stored_descriptors_tell_that_their_cache_is_gone(ragged, location):
    _, stored = ragged
    assert clear_cache(location) > 1000
    with pytest.raises(FileNotFoundError, match="cleared while they were in use"):
        stored[3]
