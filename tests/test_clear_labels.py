"""Tests for imgfeat/_clear_labels.py, and of everyone who takes labels or groups."""

from enum import Enum

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from imgfeat import compare, evaluate
from imgfeat._clear_labels import check_groups, refuse_unclear
from imgfeat.estimators import (
    AugmentedClassifier,
    CNNClassifier,
    LabelThresholds,
    LinearProbe,
    OpenSet,
    PairVerifier,
    PlannedFolds,
    PrototypeClassifier,
    RidgeProbe,
    SlidingWindowDetector,
)
from imgfeat.evaluation.audit._out_of_fold import out_of_fold
from imgfeat.features import HOG

N = 24
TEXT = np.array(list("ab") * (N // 2))
IMAGES = np.random.default_rng(0).integers(0, 256, (N, 16, 16), dtype=np.uint8)


def with_a(value, values=TEXT, dtype=object):
    found = pd.Series(values, dtype=dtype)
    found[3] = value
    return found


MISSING = {
    "None": with_a(None),
    "NaN in objects": with_a(np.nan),
    "NA in text": with_a(pd.NA, dtype="string"),
    "NA in whole numbers": with_a(pd.NA, np.arange(N) % 2, "Int64"),
    "NaN in numbers": with_a(np.nan, np.arange(N) % 2, float),
    "a category": with_a(np.nan, dtype="category"),
    "NaT": with_a(pd.NaT, pd.date_range("2020", periods=2).repeat(N // 2), None),
}
SEVERAL_KINDS = with_a(7)
UNSORTED = np.array(list(Enum("Kind", "ant bee")) * (N // 2), dtype=object)
EVERY_MISSING = pytest.mark.parametrize("kind", list(MISSING))


def hog(classifier):
    return make_pipeline(HOG(), classifier)


FITS = {
    "RidgeProbe": hog(RidgeProbe()).fit,
    "LinearProbe": hog(LinearProbe()).fit,
    "PrototypeClassifier": hog(PrototypeClassifier()).fit,
    "CNNClassifier": CNNClassifier("simple_cnn", max_epochs=1).fit,
    "OpenSet": OpenSet(hog(RidgeProbe())).fit,
    "AugmentedClassifier": AugmentedClassifier(hog(RidgeProbe())).fit,
    "PairVerifier": PairVerifier(HOG(), false_accept_rate=0.1).fit,
    "SlidingWindowDetector": SlidingWindowDetector(
        hog(LinearSVC()), 16, background="a"
    ).fit,
    "compare": lambda X, y: compare({"one": hog(RidgeProbe())}, X, y),
    "evaluate": lambda X, y: evaluate(
        hog(RidgeProbe()).fit(X, TEXT), X, y, unknown="table"
    ),
}
GROUPED = {
    "RidgeProbe": lambda g: RidgeProbe().fit(IMAGES.reshape(N, -1), TEXT, groups=g),
    "LinearProbe": lambda g: LinearProbe().fit(IMAGES.reshape(N, -1), TEXT, groups=g),
    "CNNClassifier": lambda g: CNNClassifier("simple_cnn", early_stopping=True).fit(
        IMAGES, TEXT, groups=g
    ),
    "OpenSet": lambda g: OpenSet(hog(RidgeProbe())).fit(IMAGES, TEXT, groups=g),
    "LabelThresholds": lambda g: LabelThresholds(RidgeProbe()).fit(
        IMAGES.reshape(N, -1), np.eye(2, dtype=int)[np.arange(N) % 2], groups=g
    ),
    "compare": lambda g: compare({"one": hog(RidgeProbe())}, IMAGES, TEXT, groups=g),
    "PlannedFolds": lambda g: list(PlannedFolds(2).split(IMAGES, TEXT, g)),
    "Judging labels": lambda g: out_of_fold(IMAGES.reshape(N, -1), TEXT, groups=g),
}


@pytest.mark.parametrize("name", list(FITS))
@EVERY_MISSING
def test_missing_labels_are_refused_by_everyone(name, kind):
    with pytest.raises(ValueError, match=r"needs a label for each image|contains NaN"):
        FITS[name](IMAGES, MISSING[kind])


@pytest.mark.parametrize("name", list(FITS))
def test_labels_of_several_kinds_are_refused_by_everyone(name):
    with pytest.raises(ValueError, match=rf"{name} needs labels of one kind. Got int "):
        FITS[name](IMAGES, SEVERAL_KINDS)


@pytest.mark.parametrize("name", list(FITS))
def test_labels_that_are_bytes_are_refused_by_everyone(name):
    with pytest.raises(TypeError, match=rf"{name} needs labels that are text or numb"):
        FITS[name](IMAGES, np.char.encode(TEXT))


@pytest.mark.parametrize("name", list(FITS))
def test_labels_in_no_order_are_refused_by_everyone(name):
    with pytest.raises(TypeError, match=rf"{name} needs labels that can be sorted"):
        FITS[name](IMAGES, UNSORTED)


@pytest.mark.parametrize("name", list(GROUPED))
def test_groups_in_no_order_are_refused_by_everyone(name):
    with pytest.raises(TypeError, match=rf"{name} needs groups that can be sorted"):
        GROUPED[name](UNSORTED)


@pytest.mark.parametrize("name", list(GROUPED))
@EVERY_MISSING
def test_missing_groups_are_refused_by_everyone(name, kind):
    with pytest.raises(ValueError, match=rf"{name} needs a group for each image. Got"):
        GROUPED[name](MISSING[kind])


@pytest.mark.parametrize("name", list(GROUPED))
def test_groups_of_several_kinds_or_too_few_are_refused_by_everyone(name):
    with pytest.raises(ValueError, match=rf"{name} needs groups of one kind. Got int"):
        GROUPED[name](SEVERAL_KINDS)
    with pytest.raises(ValueError, match=rf"{name} needs one group an image. Got"):
        GROUPED[name](TEXT[:-1])


@pytest.mark.parametrize(
    "y",
    [TEXT, np.arange(N), np.arange(N) > 3, TEXT.astype(object), ["a", "b"], [True, 1]],
    ids=["text", "numbers", "booleans", "objects", "a list", "numbers of two types"],
)
def test_clear_labels_and_groups_pass(y):
    refuse_unclear(y, "It")
    assert check_groups(y, len(y), "It").tolist() == list(y)


def test_infinite_labels_are_refused():
    with pytest.raises(ValueError, match="y contains infinity"):
        refuse_unclear([1.0, np.inf], "It")


def test_groups_may_be_left_out():
    assert check_groups(None, 3, "It") is None
