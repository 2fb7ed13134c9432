"""Tests for imgfeat/kernels/simd.py: one operation on all lanes at a time."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from imgfeat.kernels import simd
from imgfeat.kernels.simd import LANES, jit, load, splat, store


@jit
def _arithmetic(a, b, c, out):
    """Each operation of vectors, into a row of `out`."""
    x, y, z = load(a, 0), load(b, 0), load(c, 0)
    store(out, 0, simd.add(x, y))
    store(out, LANES, simd.multiply(x, y))
    store(out, 2 * LANES, simd.fma(x, y, z))
    store(out, 3 * LANES, simd.maximum(x, y))
    store(out, 4 * LANES, simd.nearest_integer(x))
    store(out, 5 * LANES, simd.minimum(x, y))
    store(out, 6 * LANES, simd.floor(x))


@jit
def _powers(exponents, out):
    store(out, 0, simd.two_to_the(load(exponents, 0)))


@jit
def _reduce(a):
    x = load(a, 0)
    return simd.highest(x), simd.total(x)


@jit
def _bits_above(a, limit):
    return simd.where_above(load(a, 0), splat(limit))


@jit
def _set_bits(a, limit, out):
    """Lanes above the limit, one by one, as the kernels walk them."""
    bits = simd.where_above(load(a, 0), splat(limit))
    n = 0
    while bits:
        out[n] = simd.lowest_bit(bits)
        bits &= bits - np.uint64(1)
        n += 1
    return n


@jit
def _copy(source, start, target, at):
    store(target, at, load(source, start))


@jit
def _transpose(source, first, row, target, first_out, row_out):
    simd.transpose(source, first, row, target, first_out, row_out)


def lanes(seed, low=-50.0, high=50.0):
    return np.random.default_rng(seed).uniform(low, high, LANES).astype(np.float32)


def test_lanes_are_a_power_of_two_that_a_mask_of_64_bits_holds():
    assert LANES in (16, 32)


def test_arithmetic_is_that_of_each_lane():
    a, b, c = lanes(0), lanes(1), lanes(2)
    out = np.empty((7, LANES), dtype=np.float32)
    _arithmetic(a, b, c, out)
    assert_array_equal(out[0], a + b)
    assert_array_equal(out[1], a * b)
    assert_allclose(out[2], a * b.astype(float) + c, rtol=1e-6, atol=1e-5)
    assert_array_equal(out[3], np.maximum(a, b))
    assert_array_equal(out[4], np.rint(a))
    assert_array_equal(out[5], np.minimum(a, b))
    assert_array_equal(out[6], np.floor(a))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_squares_are_transposed_wherever_they_begin(dtype):
    rng = np.random.default_rng(0)
    source = rng.integers(0, 256, (LANES + 2, LANES + 5)).astype(dtype)
    target = np.full((LANES + 1, LANES + 3), -1, dtype=np.float32)
    _transpose(source, LANES + 8, LANES + 5, target, LANES + 5, LANES + 3)
    square = source[1 : LANES + 1, 3 : LANES + 3]
    assert_array_equal(target[1:, 2 : LANES + 2], square.T)
    target[1:, 2 : LANES + 2] = -1
    assert_array_equal(target, -1)


def test_product_and_sum_are_rounded_once():
    tiny = np.full(LANES, 1 + 2.0**-12, dtype=np.float32)
    one = np.full(LANES, -1, dtype=np.float32)
    out = np.empty((7, LANES), dtype=np.float32)
    _arithmetic(tiny, tiny, one, out)
    assert_array_equal(out[2], np.float32(2.0**-11 + 2.0**-24))
    assert_array_equal(out[1] + one, np.float32(2.0**-11))  # rounded twice


def test_halves_are_rounded_to_even():
    a = np.resize(np.float32([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5]), LANES)
    out = np.empty((7, LANES), dtype=np.float32)
    _arithmetic(a, a, a, out)
    assert_array_equal(out[4], np.rint(a))


def test_powers_of_two_are_exact_over_the_whole_range():
    for start in range(-126, 128, LANES):
        exponents = np.arange(start, start + LANES).clip(max=127).astype(np.float32)
        out = np.empty(LANES, dtype=np.float32)
        _powers(exponents, out)
        assert_array_equal(out, np.exp2(exponents.astype(float)))


@pytest.mark.parametrize("seed", range(3))
def test_reductions_see_every_lane(seed):
    a = lanes(seed)
    highest, total = _reduce(a)
    assert highest == a.max()
    assert_allclose(total, a.sum(dtype=float), rtol=1e-5, atol=1e-4)
    for lane in range(LANES):
        a = np.full(LANES, -1, dtype=np.float32)
        a[lane] = 2
        assert _reduce(a) == (2, 3 - LANES)


def test_bits_are_those_of_the_lanes_above():
    for lane in range(LANES):
        a = np.zeros(LANES, dtype=np.float32)
        a[lane] = 1
        assert _bits_above(a, np.float32(0.5)) == 2**lane
    assert _bits_above(np.ones(LANES, np.float32), np.float32(0)) == 2**LANES - 1
    assert _bits_above(np.ones(LANES, np.float32), np.float32(1)) == 0


@pytest.mark.parametrize("limit", [-100, -20, 0, 45])
def test_set_bits_are_found_from_the_first_lane_on(limit):
    a, found = lanes(0), np.empty(LANES, dtype=np.intp)
    n = _set_bits(a, np.float32(limit), found)
    assert_array_equal(found[:n], np.flatnonzero(a > limit))


@pytest.mark.parametrize("start, at", [(0, 0), (1, 0), (3, 5), (LANES, 2 * LANES)])
def test_vectors_begin_anywhere_in_an_array_of_any_shape(start, at):
    source = np.arange(6 * LANES, dtype=np.float32).reshape(2, 3, LANES)
    target = np.full((4, LANES), -1, dtype=np.float32)
    expected = target.copy()
    expected.ravel()[at : at + LANES] = source.ravel()[start : start + LANES]
    _copy(source, start, target, at)
    assert_array_equal(target, expected)
