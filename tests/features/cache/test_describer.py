"""Tests for imgfeat/features/cache/_describer.py."""

import os

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.sparse import csr_array
from sklearn.preprocessing import FunctionTransformer

from imgfeat.features import DenseSIFT
from imgfeat.features.cache._describer import Describer
from imgfeat.features.cache._keys import row_keys
from imgfeat.sources._images import Images


def describer(function, items, on_error="raise"):
    return describer_of(FunctionTransformer(function), items, on_error)


def describer_of(transformer, items, on_error="raise"):
    images = Images(transformer, items, reset=False, check_numbers=np.asarray)
    keys, _ = row_keys(images.sources)
    return Describer(transformer, images, keys, on_error=on_error)


def lengths(items):
    """A number for each item; what begins with an x is refused."""
    for item in items:
        if item.startswith(b"x"):
            raise ValueError(f"{item!r} is bad")
    return np.array([[len(item)] for item in items])


ITEMS = [b"a", b"bb", b"xx", b"dddd", b"x", b"x"]


def test_gives_the_rows_that_were_asked_for():
    done, arrays, may_keep = describer(lengths, ITEMS)(np.array([3, 0]))
    assert list(done) == [3, 0]
    assert_array_equal(arrays["values"], [[4], [1]])
    assert may_keep


def test_a_bad_row_leaves_the_others():
    describe = describer(lengths, ITEMS, on_error="nan")
    done, arrays, may_keep = describe(np.array([1, 2, 3, 5]))
    assert list(done) == [1, 3]
    assert_array_equal(arrays["values"], [[2], [4]])
    assert may_keep
    table = describe.error_table(np.array([1, 1, 0, 1, 0, 0], dtype=bool))
    assert list(table["row"]) == [2, 4, 5]
    # The image of row 4 is that of row 5, which was tried.
    assert list(table["reason"]) == ["b'xx' is bad", "b'x' is bad", "b'x' is bad"]


def test_says_if_there_is_no_good_row():
    describe = describer(lengths, ITEMS[4:], on_error="nan")
    done, arrays, _ = describe(np.array([0, 1]))
    assert len(done) == 0
    assert arrays is None
    with pytest.raises(ValueError, match=r"Got 2 that cannot; .*0.*: b'x' is bad\."):
        describe.raise_for_none()


def test_an_error_says_of_which_rows_it_is():
    with pytest.raises(ValueError, match="is bad") as caught:
        describer(lengths, ITEMS)(np.array([1, 2, 3]))
    assert "3 images, from row 1 to row 3 of X" in caught.value.__notes__[0]
    with pytest.raises(ValueError, match="is bad") as caught:
        describer(lengths, ITEMS)(np.arange(6))
    assert not hasattr(caught.value, "__notes__")


def test_other_errors_are_not_of_an_image():
    describe = describer(lambda items: 1 / 0, ITEMS, on_error="nan")
    with pytest.raises(ZeroDivisionError, match="division by zero"):
        describe(np.array([0]))


def test_keeps_nothing_of_a_file_that_has_changed(tmp_path):
    paths = [tmp_path / name for name in "ab"]
    for path in paths:
        path.write_bytes(b"1")
    describe = describer(lambda items: np.ones((len(items), 1)), paths)
    assert describe(np.array([0, 1]))[2]
    os.utime(paths[1], ns=(0, 7))
    assert describe(np.array([0]))[2]
    assert not describe(np.array([0, 1]))[2]


def test_keeps_nothing_that_has_no_key():
    describe = describer(lambda items: np.ones((len(items), 1)), [b"a", object()])
    assert describe(np.array([0]))[2]
    assert not describe(np.array([0, 1]))[2]


def test_descriptors_are_taken_apart(images):
    describe = describer_of(DenseSIFT(bin_size=3), images)
    _, arrays, _ = describe(np.array([4, 2]))
    expected = DenseSIFT(bin_size=3).fit_transform(images[[4, 2]])
    assert set(arrays) == {"counts", "values", "positions"}
    assert_array_equal(arrays["counts"], expected.n_per_image)
    assert_array_equal(arrays["values"], expected.values)
    assert_array_equal(arrays["positions"], expected.positions)


@pytest.mark.parametrize(
    "features, message",
    [
        (csr_array(np.ones((2, 3))), r"Got a sparse matrix of shape \(2, 3\); make it"),
        (np.array([[None], [1]]), "Got features of dtype object"),
    ],
    ids=["sparse", "object"],
)
def test_refuses_what_is_no_table_of_numbers(features, message):
    with pytest.raises(TypeError, match=message):
        describer(lambda items: features, [b"a", b"b"])(np.array([0, 1]))
