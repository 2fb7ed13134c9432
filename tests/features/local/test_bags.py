"""Tests for imgfeat/features/local/_bags.py; test_vocabulary.py has what it refuses."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from imgfeat.features import Descriptors
from imgfeat.features.local._bags import LARGEST, Bags, fair_quotas

COUNTS = [4, 0, 9, 1]


@pytest.fixture
def arrays():
    """Descriptors of four images, one of them without any, no two alike."""
    values = np.random.default_rng(0).permutation(28).reshape(14, 2) / 4
    return np.split(values.astype(np.float32), np.cumsum(COUNTS)[:-1])


def draw(bags, budget, seed=0):
    return bags.sample(budget, np.random.RandomState(seed))


def as_rows(values):
    return {tuple(row) for row in values.tolist()}


@pytest.mark.parametrize(
    "convert",
    [
        lambda arrays: arrays,
        tuple,
        lambda arrays: [array.tolist() or np.empty((0, 2)) for array in arrays],
        lambda arrays: [array.astype(float) for array in arrays],
        lambda arrays: [np.asfortranarray(array) for array in arrays],
        lambda arrays: Descriptors.from_images(
            arrays, [np.zeros((len(array), 2)) for array in arrays]
        ),
    ],
    ids=["list", "tuple", "nested", "float64", "fortran", "descriptors"],
)
def test_every_kind_of_bag_is_read_alike(arrays, convert):
    bags = Bags(convert(arrays), "VLAD")
    assert len(bags) == 4 and bags.n_dims == 2
    assert_array_equal(bags.counts, COUNTS)
    for image, array in enumerate(arrays):
        values = bags.values(image)
        assert values.dtype == np.float32 and values.flags.c_contiguous
        assert_array_equal(values, array)


def test_block_of_equal_bags_is_read_image_by_image():
    block = np.arange(24).reshape(2, 3, 4)
    bags = Bags(block, "VLAD")
    assert_array_equal(bags.counts, [3, 3])
    assert_array_equal(bags.values(1), block[1])
    assert not bags.has_positions


def test_some_rows_of_an_image_are_read_alone(arrays):
    assert_array_equal(Bags(arrays, "VLAD").values(2, [5, 1]), arrays[2][[5, 1]])


def test_positions_are_those_of_the_image(arrays):
    positions = [np.full((len(a), 2), i / 4) for i, a in enumerate(arrays)]
    bags = Bags(Descriptors.from_images(arrays, positions), "VLAD")
    assert bags.has_positions
    for image in range(4):
        assert_array_equal(bags.positions(image), positions[image])


def test_row_that_is_bad_counts_only_when_it_is_read(arrays):
    arrays[2][3] = np.nan
    bags = Bags(arrays, "VLAD")
    assert_array_equal(bags.values(2, slice(3)), arrays[2][:3])
    with pytest.raises(ValueError, match=r"VLAD needs finite .* NaN \(image 2\)"):
        bags.values(2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_length_of_an_images_descriptors_has_a_limit(dtype):
    fine = np.full((1, 1, 1), LARGEST * 0.99, dtype=dtype)
    assert Bags(fine, "VLAD").values(0) > 0
    with pytest.raises(ValueError, match=r"size 1\.0e\+13, which is too large \(image"):
        Bags(fine / 0.98, "VLAD").values(0)


# Samples


def test_whole_sample_is_everything_in_order(arrays):
    assert_array_equal(draw(Bags(arrays, "VLAD"), 14), np.concatenate(arrays))
    assert_array_equal(draw(Bags(arrays, "VLAD"), 10**9), np.concatenate(arrays))


@pytest.mark.parametrize("budget", [1, 2, 3, 6, 9, 13])
@pytest.mark.parametrize("seed", range(3))
def test_sample_is_shared_by_the_images_and_never_repeats(arrays, budget, seed):
    bags = Bags(arrays, "VLAD")
    found = draw(bags, budget, seed)
    assert len(as_rows(found)) == len(found) == budget
    shares = [len(as_rows(found) & as_rows(array)) for array in arrays]
    assert sum(shares) == budget
    # Nobody has two more than another, unless that other has given all.
    for share, count in zip(shares, COUNTS, strict=True):
        assert share == count or share >= max(shares) - 1


def test_every_descriptor_has_its_chance(arrays):
    seen = set()
    for seed in range(60):
        seen |= as_rows(draw(Bags(arrays, "VLAD"), 3, seed))
    assert seen == as_rows(np.concatenate(arrays))


def test_seed_decides(arrays):
    bags = Bags(arrays, "VLAD")
    assert_array_equal(draw(bags, 5, 1), draw(bags, 5, 1))
    assert any((draw(bags, 5, 1) != draw(bags, 5, seed)).any() for seed in range(5))


def water_level(counts, budget):
    """Quotas the slow way: one to each image in turn that still has some."""
    quotas = np.zeros_like(counts)
    while budget and (quotas < counts).any():
        for image in np.flatnonzero(quotas < counts)[:budget]:
            quotas[image] += 1
            budget -= 1
    return quotas


@pytest.mark.parametrize("seed", range(20))
def test_quotas_are_those_of_dealing_one_by_one(seed):
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 12, rng.integers(1, 9))
    for budget in range(counts.sum() + 3):
        found = fair_quotas(counts, budget, np.random.RandomState(seed))
        assert (found <= counts).all()
        # Who gets one more is drawn; how many each number of times is not.
        expected = water_level(counts, budget)
        assert_array_equal(np.sort(found), np.sort(expected))
