"""Tests for imgfeat/deploy/datasets/_mapped_rows.py: parts as one array."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from imgfeat.deploy.datasets._mapped_rows import MappedRows

WHOLE = np.arange(44, dtype=np.float32).reshape(11, 4)


@pytest.fixture(params=[[11], [5, 5, 1], [4, 4, 3]], ids=str)
def rows(request):
    """The same rows in one part, or several."""
    return MappedRows(np.split(WHOLE, np.cumsum(request.param)[:-1]), 4)


@pytest.mark.parametrize(
    "key",
    [
        *(0, -1, 6, slice(None), slice(2, 9), slice(9, 2), slice(11, 20)),
        *(slice(1, 10, 3), slice(None, None, -1), [3, 1, 10, 3], []),
        *(np.array([-1, 5]), np.arange(11) % 2 == 0),
        *((slice(3, 8), 2), (4, slice(1, 3)), (slice(2, 6), [0, 3])),
    ],
    ids=str,
)
def test_what_is_asked_for_is_that_of_one_array(rows, key):
    assert_array_equal(rows[key], WHOLE[key])


def test_all_is_that_of_one_array(rows):
    assert (rows.shape, rows.ndim, len(rows), rows.dtype) == ((11, 4), 2, 11, "f4")
    assert_array_equal(np.asarray(rows), WHOLE)
    assert np.asarray(rows, dtype=float).dtype == float
    assert_array_equal(list(rows), WHOLE)
    assert_array_equal(np.concatenate(list(rows.chunks(3))), WHOLE)
    assert [len(chunk) for chunk in rows.chunks(4)] == [4, 4, 3]


def test_rows_of_one_part_are_not_copied(rows):
    assert np.shares_memory(rows[1:3], WHOLE)
    is_one = "in 1 part" in repr(rows)
    assert np.shares_memory(np.asarray(rows), WHOLE) == is_one
    assert not np.shares_memory(np.array(rows), WHOLE)
    if not is_one:
        with pytest.raises(ValueError, match="need a copy to be one array"):
            rows.__array__(copy=False)


@pytest.mark.parametrize("key", [11, [-12], "a", [0.5], np.ones(3, bool), [[1, 2]]])
def test_what_is_no_row_is_refused(rows, key):
    with pytest.raises(IndexError, match="Got"):
        rows[key]
