"""Tests for imgfeat/nets/inference/_photographs.py."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from imgfeat.nets.inference._photographs import cosines, views_of
from tests.nets._tiny import TINY


def test_views_are_eight_a_photograph_and_every_second_is_the_mirror_image():
    views = views_of(("cat", "coffee"), TINY)
    assert views.shape == (16, 12, 12, 3)
    assert views.dtype == np.uint8
    plain, mirrored = views[::2].astype(int), views[1::2].astype(int)
    # A crop in the middle may be off by a pixel.
    off = np.abs(plain[:, :, ::-1] - mirrored).mean()
    assert off < 0.5 * np.abs(plain - mirrored).mean()
    assert (views[0] != views[2]).any()
    assert_array_equal(views[8:], views_of(("coffee",), TINY))


def test_cosines_are_those_of_rows_of_any_length():
    rows = np.array([[1, 0], [2, 2], [1e-20, 0], [0, 0]], dtype=np.float32)
    others = np.array([[0, 5], [1, 1], [-1e20, 0], [1, 1]], dtype=np.float32)
    assert_allclose(cosines(rows, others), [0, 1, -1, 0], atol=1e-7)
    assert cosines(rows, rows)[0] == pytest.approx(1)
