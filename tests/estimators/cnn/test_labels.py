"""Tests for imgfeat/estimators/cnn/_labels.py."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import DataConversionWarning

from imgfeat.estimators.cnn._labels import encode_labels, hold_out, weigh

# Numbers of labels


@pytest.mark.parametrize(
    "y",
    [
        ["oak", "ash", "oak", "elm"],
        np.array(["oak", "ash", "oak", "elm"], dtype=object),
        pd.Series(["oak", "ash", "oak", "elm"], index=[7, 5, 5, 2]),
        [30, 10, 30, 20],
        [1.0, -1.0, 1.0, 0.0],
        np.array([9, 0, 9, 3], dtype=np.uint8),
    ],
    ids=["list", "objects", "series", "ints", "floats", "bytes"],
)
def test_codes_number_the_sorted_labels(y):
    classes, codes = encode_labels(y, 4)
    assert_array_equal(codes, [2, 0, 2, 1])
    assert codes.dtype == np.int64
    assert_array_equal(classes, np.unique(np.asarray(y)))
    assert_array_equal(classes[codes], np.asarray(y))


def test_two_booleans_are_two_classes():
    classes, codes = encode_labels([True, False, True], 3)
    assert_array_equal(classes, [False, True])
    assert_array_equal(codes, [1, 0, 1])


def test_all_classes_may_be_told_in_any_order_and_more_than_there_are():
    classes, codes = encode_labels(["c", "a", "a"], 3, ["d", "c", "b", "a", "a"])
    assert_array_equal(classes, ["a", "b", "c", "d"])
    assert_array_equal(codes, [2, 0, 0])
    classes, codes = encode_labels(["b", "b"], 2, ["a", "b"])
    assert_array_equal(codes, [1, 1])


@pytest.mark.parametrize("stranger", ["0", "bb", "z"])  # before, between and behind
def test_label_that_is_none_of_the_classes_is_named_with_its_row(stranger):
    words = (
        rf"knows the classes \['a', 'b', 'c'\]\. Got '{stranger}' in row 2; pass all"
    )
    with pytest.raises(ValueError, match=words):
        encode_labels(["a", "c", stranger, "b"], 4, ["a", "b", "c"])


@pytest.mark.parametrize(
    "y, message",
    [
        (None, "requires y to be passed, but the target y is None"),
        ([0.5, 1.5, 2.25], "Unknown label type: continuous"),
        ([0, np.nan, 1], "y contains NaN"),
        ([0, 1], r"inconsistent numbers of samples: 3 images and 2 labels"),
        (["a", "a", "a"], r"at least 2 classes\. Got 1 class: 'a'"),
        ([[0, 2], [1, 0], [1, 1]], "needs 0 and 1 in a matrix of several labels"),
        ([[0, 1], [1, 1], [1, 1]], "needs an image with each label, and an image with"),
    ],
)
def test_labels_that_make_no_classes_are_refused(y, message):
    with pytest.raises(ValueError, match=message):
        encode_labels(y, 3)


def test_column_of_labels_is_taken_with_a_warning():
    with pytest.warns(DataConversionWarning, match="column-vector y was passed"):
        _, codes = encode_labels(np.array([[1], [0], [1]]), 3)
    assert_array_equal(codes, [1, 0, 1])


# Weights


@pytest.fixture
def labels():
    """Classes and codes of 2, 1 and 3 images, of four known classes."""
    return np.array(["a", "b", "c", "d"]), np.array([0, 0, 1, 2, 2, 2])


def test_no_weights_are_none(labels):
    assert weigh(range(6), None, None, *labels) == (None, 1.0)


@pytest.mark.parametrize("kind", [list, np.array, pd.Series])
def test_weights_have_mean_one_and_keep_their_proportions(labels, kind):
    given = kind([1, 2, 3, 4, 5, 0])
    weights = weigh(range(6), given, None, *labels)[0]
    assert weights.dtype == np.float32
    assert_allclose(weights, np.array([1, 2, 3, 4, 5, 0]) / 2.5)
    assert list(given) == [1, 2, 3, 4, 5, 0]


def test_balanced_classes_weigh_the_same(labels):
    weights = weigh(range(6), None, "balanced", *labels)[0]
    sums = np.bincount(labels[1], weights)
    assert_allclose(sums, 2)


def test_weights_of_classes_are_by_label_and_one_elsewhere(labels):
    weights = weigh(range(6), None, {"a": 3, "c": 2}, *labels)[0]
    assert_allclose(weights / weights[2], [3, 3, 1, 2, 2, 2], rtol=1e-6)


def test_weights_of_images_and_of_classes_multiply(labels):
    given = np.array([1, 2, 1, 1, 3, 1])
    weights = weigh(range(6), given, {"a": 4, "b": 2}, *labels)[0]
    assert_allclose(weights / weights[3], given * [4, 4, 2, 1, 1, 1], rtol=1e-6)


@pytest.mark.parametrize(
    "given, message",
    [
        (np.zeros(6), "positive sum|at least one non-zero"),  # ours, scikit-learn's
        ([1, 1, 1, -1, 1, 1], "Negative values"),
        (np.ones(5), r"sample_weight\.shape == \(5,\), expected \(6,\)"),
        (np.ones((6, 2)), "1D array or scalar"),
        ([1, 1, np.nan, 1, 1, 1], "NaN"),
    ],
)
def test_weights_that_make_no_sense_are_refused(labels, given, message):
    with pytest.raises(ValueError, match=message):
        weigh(range(6), given, None, *labels)


def test_classes_that_all_weigh_nothing_are_refused(labels):
    with pytest.raises(ValueError, match=r"needs a positive sum\. Got zeros"):
        weigh(range(6), None, dict.fromkeys("abcd", 0), *labels)


# Validation


@pytest.mark.parametrize("fraction", [0.1, 0.25, 0.5])
def test_parts_share_all_rows_and_every_class(fraction):
    codes = np.repeat([0, 1, 2], [40, 100, 60])
    training, validation = hold_out(codes, fraction, seed=0)
    together = np.concatenate([training, validation])
    assert_array_equal(np.sort(together), np.arange(200))
    assert (np.diff(training) > 0).all() and (np.diff(validation) > 0).all()
    assert_allclose(np.bincount(codes[validation]), fraction * np.bincount(codes))


def test_seed_decides_and_the_same_seed_the_same():
    codes = np.arange(100) % 4
    first, again, other = (hold_out(codes, 0.2, seed)[1] for seed in (0, 0, 1))
    assert_array_equal(first, again)
    assert (first != other).any()


def test_class_of_one_image_is_trained_on():
    codes = np.array([0] * 10 + [1] + [2] * 10)
    for seed in range(5):
        training, validation = hold_out(codes, 0.3, seed)
        assert 10 in training
        assert set(codes[validation]) == {0, 2}


def test_small_fraction_still_holds_out_an_image_a_class():
    codes = np.arange(30) % 5
    _, validation = hold_out(codes, 0.01, seed=0)
    assert_array_equal(np.sort(codes[validation]), np.arange(5))


@pytest.mark.parametrize(
    "codes, fraction", [([0, 1, 2], 0.5), ([0, 0, 1, 1], 0.9), ([0, 0, 1], 0.9)]
)
def test_too_few_images_to_share_are_refused(codes, fraction):
    words = rf"validation_fraction={fraction} needs more images\. Got {len(codes)} of "
    with pytest.raises(ValueError, match=words + ".*early_stopping=False"):
        hold_out(np.array(codes), fraction, seed=0)


def test_class_that_nothing_has_is_no_class_to_share():
    codes = np.array([0, 0, 0, 3, 3, 3])  # of classes known from before
    training, validation = hold_out(codes, 0.34, seed=0)
    assert set(codes[validation]) == set(codes[training]) == {0, 3}


# Groups


@pytest.mark.parametrize("seed", range(4))
def test_groups_are_not_parted_and_classes_keep_their_share(seed):
    codes = np.repeat([0, 1, 2], [40, 100, 60])
    groups = np.arange(200) // 4
    training, validation = hold_out(codes, 0.2, seed, groups)
    assert not set(groups[training]) & set(groups[validation])
    assert_array_equal(np.sort(np.concatenate([training, validation])), range(200))
    assert_array_equal(np.bincount(codes[validation]), [8, 20, 12])


def test_large_groups_give_the_smallest_of_each_class():
    codes = np.repeat([0, 1], [12, 12])
    groups = np.repeat(list("abcdef"), [3, 4, 5, 5, 4, 3])
    training, validation = hold_out(codes, 0.1, 0, groups)
    assert set(groups[validation]) == {"a", "f"}
    assert set(groups[training]) == set("bcde")


def test_class_of_one_group_is_trained_on():
    codes, groups = np.repeat([0, 0, 1], 5), np.repeat([7, 8, 9], 5)
    training, validation = hold_out(codes, 0.3, 0, groups)
    assert set(codes[validation]) == {0}
    assert set(codes[training]) == {0, 1}


def test_group_of_several_classes_is_held_out_whole():
    codes, groups = np.tile([0, 1], 20), np.arange(40) // 2
    _, validation = hold_out(codes, 0.2, 0, groups)
    assert_array_equal(np.bincount(codes[validation]), [4, 4])
    assert_array_equal(np.bincount(groups[validation])[groups[validation]], 2)


def test_one_group_a_class_is_refused():
    with pytest.raises(ValueError, match=r"needs two groups of a class.*Got 2 groups"):
        hold_out(np.array([0, 0, 1, 1]), 0.5, 0, [1, 1, 2, 2])
    with pytest.raises(
        ValueError, match=r"one group an image. Got groups of shape \(2,\) for 4"
    ):
        hold_out(np.array([0, 0, 1, 1]), 0.5, 0, [1, 2])


@pytest.mark.parametrize("missing", [None, pd.NA, float("nan")], ids=str)
@pytest.mark.parametrize("kind", [list, pd.Series, np.array])
def test_missing_labels_are_refused_by_their_rows(missing, kind):
    values = ["a", "b", missing, "a"]
    y = np.array(values, dtype=object) if kind is np.array else kind(values)
    message = r"needs a label for each image\. Got 1 without, the first in row 2"
    with pytest.raises(ValueError, match=message):
        encode_labels(y, 4)
