"""Tests for imgfeat/nets/inference/_precision.py."""

import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from imgfeat.nets.inference._precision import BOUNDS, CheckedPrecision

IMAGES = np.arange(8, dtype=np.uint8).reshape(2, 2, 2, 1)
EXACT = np.array([[1.0, -2.0], [0.5, 100.0]], dtype=np.float32)


class Net:
    """Off by `error` of a row's largest value in all but float32; counts its runs."""

    def __init__(self, error):
        self.error, self.runs = error, []

    def __call__(self, precision):
        self.runs.append(precision)
        if precision == "float32":
            return EXACT.copy()
        return EXACT + self.error * np.abs(EXACT).max(axis=1, keepdims=True)


def test_bounds_are_ten_steps_of_the_type():
    assert BOUNDS == {"float16": 10 * 2**-10, "bfloat16": 10 * 2**-7}


@pytest.mark.parametrize("precision", BOUNDS)
def test_small_error_is_borne_and_kept(precision):
    net, checked = Net(0.5 * BOUNDS[precision]), CheckedPrecision(precision)
    first, second = checked.run(IMAGES, net), checked.run(IMAGES, net)
    assert_array_equal(first, second)
    assert (first != EXACT).any()
    assert checked.used == precision
    assert checked.error == pytest.approx(0.5 * BOUNDS[precision], rel=1e-3)
    assert net.runs == ["float32", precision, precision]


@pytest.mark.parametrize("error", [2, np.nan, np.inf])
@pytest.mark.parametrize("precision", BOUNDS)
def test_large_error_means_float32_and_is_said_once(precision, error, recwarn):
    net, checked = Net(error * BOUNDS[precision]), CheckedPrecision(precision)
    with pytest.warns(RuntimeWarning, match=f"'{precision}' needs to stay within"):
        first = checked.run(IMAGES, net)
    assert_array_equal(first, EXACT)
    assert_array_equal(checked.run(IMAGES, net), EXACT)
    assert checked.used == "float32"
    assert checked.error > BOUNDS[precision]
    assert net.runs == ["float32", precision, "float32"]
    assert len(recwarn) == 0


def test_worst_row_counts():
    def net(precision):
        rows = EXACT.copy()
        rows[0, 0] += 0 if precision == "float32" else 0.5
        return rows

    checked = CheckedPrecision("float16")
    with pytest.warns(RuntimeWarning, match=r"Got 0\.25 in the first batch"):
        checked.run(IMAGES, net)


def test_float32_is_not_checked():
    net, checked = Net(0), CheckedPrecision("float32")
    checked.run(IMAGES, net)
    assert net.runs == ["float32"]
    assert checked.error is None


def test_blank_images_decide_nothing():
    net, checked = Net(1.0), CheckedPrecision("float16")
    assert_array_equal(checked.run(np.zeros_like(IMAGES), net), EXACT)
    assert (checked.used, checked.error) == ("float16", None)
    assert net.runs == ["float32"]


def test_rows_of_zeros_have_no_error():
    checked = CheckedPrecision("float16")
    checked.run(IMAGES, lambda precision: np.zeros((2, 3), dtype=np.float32))
    assert checked.error == 0


def test_row_that_overflows_later_is_computed_again_alone():
    rounded = EXACT * np.float32(1.001)

    def net(precision):
        return (EXACT if precision == "float32" else rounded).copy()

    checked = CheckedPrecision("float16")
    checked.run(IMAGES, net)
    rounded[1, 0] = np.inf
    got = checked.run(IMAGES, net)
    assert_array_equal(got, [rounded[0], EXACT[1]])


def test_one_thread_decides_for_all():
    net, checked, start = Net(1.0), CheckedPrecision("float16"), threading.Barrier(8)

    def work(_):
        start.wait()
        return checked.run(IMAGES, net)

    with warnings.catch_warnings(record=True) as said, ThreadPoolExecutor(8) as pool:
        warnings.simplefilter("always")
        for rows in pool.map(work, range(8)):
            assert_array_equal(rows, EXACT)
    assert len(said) == net.runs.count("float16") == 1
