"""Tests for imgfeat/features/local/_descriptors.py."""

import pickle

import joblib
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    cross_val_predict,
    cross_val_score,
    train_test_split,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import LinearSVC

from imgfeat._sklearn import safe_indexing
from imgfeat.features import Descriptors

COUNTS = [2, 0, 3, 1, 0, 4]


@pytest.fixture
def descriptors():
    """Six images with 2, 0, 3, 1, 0 and 4 descriptors of 5 numbers."""
    return ragged(COUNTS)


def ragged(counts, n_dims=5):
    n_descriptors = sum(counts)
    rng = np.random.default_rng(0)
    return Descriptors(
        rng.random((n_descriptors, n_dims), dtype=np.float32),
        rng.random((n_descriptors, 2), dtype=np.float32),
        np.concatenate([[0], np.cumsum(counts)]),
    )


def rows(descriptors):
    """The same in plain lists: an image's values and positions at a time."""
    bounds = list(zip(descriptors.offsets, descriptors.offsets[1:], strict=False))
    return [
        (descriptors.values[a:b].tolist(), descriptors.positions[a:b].tolist())
        for a, b in bounds
    ]


class MeanPool(TransformerMixin, BaseEstimator):
    """Mean descriptor of each image, zeros where there is none."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        means = [one.mean(axis=0) if len(one) else np.zeros(X.shape[1]) for one in X]
        return np.asarray(means, dtype=np.float32)

    def __sklearn_is_fitted__(self):
        return True


def test_has_the_shape_of_its_images(descriptors):
    assert descriptors.shape == (6, 5)
    assert descriptors.ndim == len(descriptors.shape)
    assert len(descriptors) == 6
    assert descriptors.dtype == np.float32
    assert_array_equal(descriptors.n_per_image, COUNTS)
    assert descriptors.nbytes == 10 * 5 * 4 + 10 * 2 * 4 + 7 * 8


def test_one_integer_gives_the_values_of_one_image(descriptors):
    assert_array_equal(descriptors[2], descriptors.values[2:5])
    assert_array_equal(descriptors[-1], descriptors.values[6:])
    assert_array_equal(descriptors[np.int64(0)], descriptors.values[:2])
    assert descriptors[1].shape == (0, 5)


def test_iterates_over_images(descriptors):
    assert [len(one) for one in descriptors] == COUNTS
    assert_array_equal(np.concatenate(list(descriptors)), descriptors.values)


@pytest.mark.parametrize(
    "key",
    [
        slice(None),
        slice(1, 4),
        slice(4, 2),
        slice(-2, None),
        slice(None, None, 2),
        slice(None, None, -1),
        [3, 0, 0],
        [],
        np.array([5, -6]),
        np.array([0, 2, 5], dtype=np.int32),
        np.array([True, False, True, True, False, False]),
        [False, True, False, False, True, False],
    ],
    ids=str,
)
@pytest.mark.parametrize("wrap", [lambda key: key, lambda key: (key, ...)])
def test_indexes_like_a_list_of_images(descriptors, key, wrap):
    picked = descriptors[wrap(key)]
    assert isinstance(picked, Descriptors)
    listed = rows(descriptors)
    assert rows(picked) == [listed[i] for i in np.arange(6)[key]]


def test_a_slice_of_neighbours_shares_memory(descriptors):
    assert np.shares_memory(descriptors[1:4].values, descriptors.values)


@pytest.mark.parametrize(
    "key, message",
    [
        (6, "out of range"),
        ([0, 6], "out of bounds"),
        ([True, False], "boolean"),
        ((0, 1), "along one axis, the images"),
        (np.zeros((2, 2), dtype=int), r"index of shape \(2, 2\)"),
        (True, "along one axis"),
        ("a", "indices"),
    ],
    ids=str,
)
def test_refuses_other_indices(descriptors, key, message):
    with pytest.raises(IndexError, match=message):
        descriptors[key]


def test_concatenate_undoes_slicing(descriptors):
    joined = Descriptors.concatenate(
        [descriptors[:2], descriptors[2:2], descriptors[2:]]
    )
    assert rows(joined) == rows(descriptors)


def test_numpy_concatenate_joins_too(descriptors):
    joined = np.concatenate([descriptors[:3], descriptors[3:]])
    assert rows(joined) == rows(descriptors)


def test_joins_single_images(descriptors):
    positions = [descriptors[i : i + 1].positions for i in range(6)]
    joined = Descriptors.from_images(list(descriptors), positions)
    assert rows(joined) == rows(descriptors)


def test_concatenate_needs_one_number_of_dimensions(descriptors):
    with pytest.raises(ValueError, match=r"one number of dimensions. Got \[5, 4\]"):
        Descriptors.concatenate([descriptors, ragged([1], n_dims=4)])
    with pytest.raises(ValueError, match="one number of dimensions"):
        Descriptors.concatenate([])


@pytest.mark.parametrize(
    "values, positions, offsets, message",
    [
        (np.zeros(3), np.zeros((3, 2)), [0, 3], r"\(n_descriptors, n_dims\)"),
        (np.zeros((3, 4)), np.zeros((2, 2)), [0, 3], r"3 descriptors need positions"),
        (np.zeros((3, 4)), np.zeros((3, 2)), [0, 2], "from 0 to the 3 descriptors"),
        (np.zeros((3, 4)), np.zeros((3, 2)), [1, 3], "from 0 to the 3 descriptors"),
        (np.zeros((3, 4)), np.zeros((3, 2)), [0, 2, 1, 3], "never fall"),
        (np.zeros((0, 4)), np.zeros((0, 2)), [], "from 0 to the 0 descriptors"),
    ],
)
def test_refuses_arrays_that_do_not_fit(values, positions, offsets, message):
    with pytest.raises(ValueError, match=message):
        Descriptors(values, positions, offsets)


def test_says_what_it_holds(descriptors):
    assert repr(descriptors) == "Descriptors(6 images, 10 descriptors of 5 numbers)"


def test_survives_pickle_and_joblib(descriptors, tmp_path):
    assert rows(pickle.loads(pickle.dumps(descriptors))) == rows(descriptors)
    joblib.dump(descriptors, tmp_path / "descriptors.joblib")
    mapped = joblib.load(tmp_path / "descriptors.joblib", mmap_mode="r")
    assert isinstance(mapped.values, np.memmap)
    assert rows(mapped) == rows(descriptors)
    assert rows(mapped[[5, 0]]) == rows(descriptors[[5, 0]])


def test_keeps_a_memory_map_unread(descriptors, tmp_path):
    np.save(tmp_path / "values.npy", descriptors.values)
    values = np.load(tmp_path / "values.npy", mmap_mode="r")
    mapped = Descriptors(values, descriptors.positions, descriptors.offsets)
    assert np.shares_memory(mapped.values, values)
    assert np.shares_memory(mapped[2:].values, values)


def test_a_classifier_without_an_encoder_says_what_to_put_between(descriptors):
    with pytest.raises(TypeError, match="Put BagOfVisualWords, VLAD or FisherVector"):
        LinearSVC().fit(descriptors, [0, 1] * 3)


@pytest.fixture
def two_classes():
    """Forty images, whose descriptors are large in the second class."""
    X = ragged(list(np.random.default_rng(1).integers(1, 6, 40)))
    y = np.arange(40) % 2
    return Descriptors(
        X.values + np.repeat(y, X.n_per_image)[:, None], X.positions, X.offsets
    ), y


def test_scikit_learn_indexes_it(descriptors):
    for key in ([1, 3], slice(0, 2), np.arange(6) % 2 == 0):
        assert rows(safe_indexing(descriptors, key)) == rows(descriptors[key])


def test_scikit_learn_splits_it(two_classes):
    X, y = two_classes
    train, test, y_train, y_test = train_test_split(X, y, random_state=0)
    assert isinstance(train, Descriptors)
    assert (len(train), len(test)) == (len(y_train), len(y_test)) == (30, 10)
    folds = [X[test] for _, test in KFold(4).split(X)]
    assert rows(Descriptors.concatenate(folds)) == rows(X)


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_scikit_learn_cross_validates_it(two_classes, n_jobs):
    X, y = two_classes
    pipeline = make_pipeline(MeanPool(), LogisticRegression())
    with joblib.parallel_config("threading"):
        assert cross_val_score(pipeline, X, y, n_jobs=n_jobs).min() > 0.9
        assert cross_val_predict(pipeline, X, y, n_jobs=n_jobs).shape == (40,)


def test_scikit_learn_searches_over_it(two_classes):
    X, y = two_classes
    pipeline = make_pipeline(FunctionTransformer(), MeanPool(), LogisticRegression())
    search = GridSearchCV(pipeline, {"logisticregression__C": [0.1, 10]}).fit(X, y)
    assert search.best_score_ > 0.9
    assert search.predict(X).shape == (40,)
