"""Tests for imgfeat/evaluation/comparison/_folds.py."""

import warnings

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier

from imgfeat import compare, load_image_folder
from tests._photos import write_photo_folder


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = write_photo_folder(tmp_path_factory.mktemp("folds") / "p", n_per_class=6)
    data = load_image_folder(folder)
    return data.images, data.labels


def doubled(photos):
    images, labels = photos
    return np.concatenate([images, images[:1]]), np.concatenate([labels, labels[:1]])


def test_file_that_straddles_folds_is_warned_of(photos):
    images, labels = doubled(photos)
    folds = [(np.arange(18), np.array([18])), (np.arange(1, 19), np.array([0]))]
    with pytest.warns(
        UserWarning, match=r"1 files come .* straddle the folds.*000.jpg"
    ):
        compare({"dummy": DummyClassifier()}, images, labels, cv=folds)


def test_file_whose_copies_stay_together_is_not(photos):
    images, labels = doubled(photos)
    folds = [(np.arange(1, 18), np.array([0, 18]))]
    with warnings.catch_warnings(action="error"):
        found = compare({"dummy": DummyClassifier()}, images, labels, cv=folds)
    assert found.best == "dummy"


def test_arrays_are_not_looked_at():
    X = np.zeros((12, 4, 4))
    with warnings.catch_warnings(action="error"):
        found = compare({"dummy": DummyClassifier()}, X, np.arange(12) % 2, cv=3)
    assert found.best == "dummy"
