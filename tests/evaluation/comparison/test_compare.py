"""Tests for imgfeat/evaluation/comparison/_compare.py."""

import signal
from contextlib import suppress
from datetime import date

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin, clone
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    StratifiedKFold,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from imgfeat import compare, load_sample, make_recipe
from imgfeat.features import HOG
from imgfeat.sources import ImageReader

DATES = np.array([date(2026, 1, 1 + number % 2) for number in range(120)], dtype=object)


@pytest.fixture(scope="module")
def digits():
    sample = load_sample("digits")
    keep = np.flatnonzero(sample.target < 4)[:120]
    return sample.images[keep], sample.target[keep]


def hog_pipeline():
    reader = ImageReader((32, 32), mode="gray")
    return make_pipeline(reader, HOG(), StandardScaler(), LogisticRegression())


def test_equals_scikit_learn_on_the_same_folds(digits):
    X, y = digits
    folds = StratifiedKFold(4, shuffle=True, random_state=3)
    scoring = ["accuracy", "f1_macro"]
    table = compare({"hog": hog_pipeline()}, X, y, cv=folds, scoring=scoring).table
    theirs = cross_validate(hog_pipeline(), X, y, cv=folds, scoring=scoring)
    for name in scoring:
        ours = table.loc["hog", [f"mean_test_{name}", f"std_test_{name}"]]
        expected = theirs[f"test_{name}"]
        np.testing.assert_allclose(ours, [expected.mean(), expected.std()])


def test_search_over_features_equals_scikit_learn(digits):
    X, y = digits
    grid = {"hog__orientations": [4, 9], "logisticregression__C": [0.1, 1.0]}
    search = GridSearchCV(hog_pipeline(), grid, cv=3)
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    table = compare({"search": search}, X, y, cv=3).table
    theirs = cross_validate(search, X, y, cv=folds)["test_score"]
    np.testing.assert_allclose(table.loc["search", "mean_test_accuracy"], theirs.mean())


class CountImages(TransformerMixin, BaseEstimator):
    """Stateless; counts what goes through all of its clones."""

    n_seen = 0

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        CountImages.n_seen += len(X)
        return np.asarray(X).reshape(len(X), -1)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        return tags


def test_features_that_learn_nothing_are_computed_once(digits):
    X, y = digits
    CountImages.n_seen = 0
    search = GridSearchCV(
        make_pipeline(CountImages(), LogisticRegression(max_iter=2000)),
        {"logisticregression__C": [1e-4, 1e-3]},
        cv=3,
    )
    compare({"search": search}, X, y, cv=5)
    n_timed = 1 + 16  # one to warm up, some to tell how long an image takes
    assert CountImages.n_seen == len(X) + n_timed


def test_table_is_ordered_best_first_and_names_its_columns(digits):
    candidates = {"dummy": DummyClassifier(), "hog": hog_pipeline()}
    table = compare(candidates, *digits, cv=3).table
    assert list(table.index) == ["hog", "dummy"]
    assert list(table.columns) == [
        "mean_test_accuracy", "std_test_accuracy",
        "mean_test_precision_macro", "std_test_precision_macro",
        "mean_test_recall_macro", "std_test_recall_macro",
        "mean_test_f1_macro", "std_test_f1_macro",
        "mean_fit_time", "predict_images_per_s", "n_folds", "n_images",
    ]  # fmt: skip
    assert (table[["mean_fit_time", "predict_images_per_s"]] > 0).all(axis=None)


def test_takes_names_of_recipes(digits):
    table = compare({"hog-lr": make_recipe("hog-lr", size=32)}, *digits, cv=3).table
    assert table.loc["hog-lr", "mean_test_accuracy"] > 0.9


def test_keeps_groups_together(digits):
    X, y = digits
    groups = np.arange(len(y)) % 6
    folds = GroupKFold(3)
    table = compare({"hog": hog_pipeline()}, X, y, groups=groups, cv=folds).table
    theirs = cross_validate(hog_pipeline(), X, y, groups=groups, cv=folds)
    np.testing.assert_allclose(
        table.loc["hog", "mean_test_accuracy"], theirs["test_score"].mean()
    )


def test_leaves_the_candidates_unfitted(digits):
    pipeline = hog_pipeline()
    compare({"hog": pipeline}, *digits, cv=3)
    assert not hasattr(clone(pipeline)[-1], "classes_")
    assert not hasattr(pipeline[-1], "classes_")


@pytest.mark.parametrize(
    "candidates, labels, error, message",
    [
        ({}, None, ValueError, "at least one candidate"),
        ({"hog": HOG()}, None, TypeError, "Candidate 'hog' is HOG; end its pipeline"),
        (["no-such"], None, ValueError, "no recipe 'no-such'"),
        (["hog-lr"], np.zeros(120), ValueError, "at least two classes. Got one"),
        (["hog-lr"], np.arange(120) % 2 + 0.5, ValueError, "text or whole numbers"),
        (["hog-lr"], DATES, ValueError, r"Got datetime.date\(2026, 1, 1\), which"),
        (["hog-lr"], np.arange(120) == 0, ValueError, "Got 1 of class True"),
        (["hog-lr"], np.zeros(7), ValueError, "Got 120 images and labels of shape"),
    ],
)
def test_says_what_it_needs(digits, candidates, labels, error, message):
    X, y = digits
    y = y if labels is None else labels
    with pytest.raises(error, match=message):
        compare(candidates, X, y)


def test_ctrl_c_that_a_classifier_catches_ends_it_all(digits):
    """As perceptrons of scikit-learn and nets of skorch do."""
    scored = []

    class Swallows(ClassifierMixin, BaseEstimator):
        def fit(self, X, y):
            with suppress(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
            self.classes_ = np.unique(y)
            return self

        def predict(self, X):
            scored.append(self)
            return np.full(len(X), self.classes_[0])

    with pytest.raises(KeyboardInterrupt, match="what was over is kept"):
        compare({"half": Swallows()}, *digits, cv=3)
    assert not scored
