"""Tests for imgfeat/features/cache/_lazy_descriptors.py."""

import os
import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image
from sklearn.base import clone

from imgfeat.features import (
    CachedFeatures,
    DenseSIFT,
    Descriptors,
    FisherVector,
    clear_cache,
)
from imgfeat.features.cache._lazy_descriptors import StoredDescriptors
from imgfeat.features.cache._store import CacheWarning


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


@pytest.fixture
def of_files(tmp_path, location):
    """Descriptors of six files, in memory and stored in two files; and their paths."""
    rng, paths = np.random.default_rng(0), []
    for row in range(6):
        paths.append(str(tmp_path / f"{row}.png"))
        pixels = rng.integers(0, 256, (17 + row, 17), dtype=np.uint8)
        Image.fromarray(pixels).save(paths[-1])
    sift = DenseSIFT(bin_size=3, step=2)
    cached = CachedFeatures(sift, location, batch_size=4)
    again = [*paths, paths[1]]
    return sift.fit_transform(again), cached.fit_transform(again), paths


@pytest.mark.parametrize("is_cached_before", [False, True])
@pytest.mark.parametrize("is_sent", [False, True])
def test_descriptors_whose_cache_is_gone_are_made_again(
    of_files, location, is_cached_before, is_sent
):
    expected, stored, paths = of_files
    if is_cached_before:
        sift = DenseSIFT(bin_size=3, step=2)
        stored = CachedFeatures(sift, location).transform([*paths, paths[1]])
    stored = pickle.loads(pickle.dumps(stored)) if is_sent else stored
    assert clear_cache(location) > 1000
    assert_same_descriptors(stored, expected)
    assert_same_descriptors(stored[::-2], expected[::-2])
    assert_array_equal(stored[3], expected[3])


def test_images_in_memory_are_described_again(ragged, location):
    expected, stored = ragged
    assert clear_cache(location) > 1000
    assert_same_descriptors(stored, expected)


def test_damaged_descriptors_are_made_again(of_files, location):
    expected, stored, _ = of_files
    for path in location.rglob("*.features"):
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content)
    with pytest.warns(CacheWarning, match="computed again"):
        assert_same_descriptors(stored, expected)


def test_descriptors_of_changed_images_tell_that_their_cache_is_gone(
    of_files, location
):
    _, stored, paths = of_files
    clear_cache(location)
    Image.new("L", (17, 20)).save(paths[3])
    os.remove(paths[4])
    for row in (3, 4):
        with pytest.raises(FileNotFoundError, match="cleared while they were in use"):
            stored[row]


def test_sent_descriptors_of_images_in_memory_tell_that_their_cache_is_gone(
    ragged, location
):
    stored = pickle.loads(pickle.dumps(ragged[1]))
    assert clear_cache(location) > 1000
    with pytest.raises(FileNotFoundError, match="cleared while they were in use"):
        stored[3]
