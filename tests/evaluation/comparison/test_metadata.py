"""Tests for groups and sample weights in imgfeat/evaluation/comparison."""

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from imgfeat import compare, load_sample, make_recipe
from imgfeat.estimators import LinearProbe
from imgfeat.evaluation.comparison._metadata import fit_with, request_weights
from imgfeat.features import HOG
from imgfeat.sources import ImageReader


@pytest.fixture(scope="module")
def digits():
    sample = load_sample("digits")
    keep = np.flatnonzero(sample.target < 3)[:60]
    return sample.images[keep], sample.target[keep]


class Notes(ClassifierMixin, BaseEstimator):
    """Notes what it is given beside rows and labels."""

    given = []

    def fit(self, X, y, sample_weight=None, groups=None):
        Notes.given.append((sample_weight, groups))
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


@pytest.fixture(autouse=True)
def nothing_noted():
    Notes.given.clear()


def requesting(**requests):
    with config_context(enable_metadata_routing=True):
        return Notes().set_fit_request(**requests)


def test_folds_keep_groups_together(digits):
    X, y = digits
    groups = np.arange(len(y)) // 3
    note = requesting(groups=True, sample_weight=False)
    compare({"note": make_pipeline(StandardScaler(), note)}, np.zeros((60, 2)), y,
            groups=groups, cv=4)  # fmt: skip
    folds = StratifiedGroupKFold(4, shuffle=True, random_state=0)
    expected = [groups[train] for train, _ in folds.split(X, y, groups)]
    assert [found.tolist() for _, found in Notes.given] == [
        e.tolist() for e in expected
    ]


def test_metadata_goes_to_who_requests_it(digits):
    weights = np.linspace(1, 2, 60)
    candidates = {
        "silent": Notes(),
        "asks": requesting(sample_weight=True, groups=False),
    }
    compare(candidates, *digits, sample_weight=weights, cv=3)
    silent, asks = Notes.given[:3], Notes.given[3:]
    assert all(found is None for found, _ in silent)
    assert [len(found) for found, _ in asks] == [40, 40, 40]
    assert all(groups is None for _, groups in asks)


def test_recipes_ask_for_weights_by_themselves(digits):
    """Rows of weight 0 are as if they were not there."""
    X, y = digits
    weights = (np.arange(60) % 3 > 0).astype(float)
    model = request_weights(make_recipe("hog-lr", size=32, search=True))
    fit_with(model, X, y, {"sample_weight": weights, "groups": None})
    kept = weights > 0
    plain = make_recipe("hog-lr", size=32, search=True).fit(X[kept], y[kept])
    np.testing.assert_allclose(model[-1].coef_, plain[-1].coef_, atol=1e-6)


def test_search_within_keeps_groups_together(digits):
    X, y = digits
    groups = np.arange(len(y)) // 3
    seen = []

    class Folds(GroupKFold):
        def split(self, X, y=None, groups=None):
            seen.append(groups)
            return super().split(X, y, groups)

    probe = LinearProbe(C=[0.1, 1.0], cv=Folds(2))
    search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=Folds(2))
    reader = make_pipeline(ImageReader((32, 32), mode="gray"), HOG())
    candidates = {
        "probe": make_pipeline(reader, probe),
        "search": make_pipeline(reader, search),
    }
    found = compare(candidates, X, y, groups=groups, cv=3)
    assert found.table["n_folds"].tolist() == [3, 3]
    assert len(seen) == 6
    assert all(len(np.unique(groups)) < 20 for groups in seen)


@pytest.mark.parametrize("kind", ["logistic", "svm"])
def test_probe_holds_out_whole_groups(kind):
    """Twins in other folds would give C away: each group is one point, repeated."""
    rng = np.random.default_rng(0)
    points, labels = rng.standard_normal((30, 40)), np.arange(30) % 2
    X, y = np.repeat(points, 4, axis=0), np.repeat(labels, 4)
    groups = np.repeat(np.arange(30), 4)
    parted = LinearProbe(kind, [1e-2, 1.0]).fit(X, y)
    whole = LinearProbe(kind, [1e-2, 1.0]).fit(X, y, groups=groups)
    assert parted.scores_.max() > 0.95
    assert whole.scores_.max() < 0.8


@pytest.mark.parametrize(
    "options, message",
    [
        ({"groups": np.arange(60) % 3}, "5 folds need at least 5 groups. Got 3"),
        ({"groups": "class"}, "at least two groups.*Got one group of class 0"),
        ({"groups": np.arange(7)}, r"one group an image. Got groups of shape \(7,\)"),
        ({"sample_weight": [1.0]}, "sample_weight of one value an image"),
        ({"sample_weight": [np.nan] * 60}, "sample_weight contains NaN"),
        ({"sample_weight": [-1.0] * 60}, "Negative values in data"),
        ({"sample_weight": [1.0] * 60}, "candidates that request them. Got none"),
    ],
    ids=["few", "one a class", "short", "short weights", "NaN", "negative", "unwanted"],
)
def test_metadata_that_cannot_be_used_is_refused(digits, options, message):
    X, y = digits
    if isinstance(options.get("groups"), str):
        options = {"groups": y, "cv": 2}
    with pytest.raises(ValueError, match=message):
        compare({"note": Notes()}, X, y, **options)


def test_other_groups_are_another_comparison(digits, tmp_path):
    X, y = digits
    folds = [(np.arange(40), np.arange(40, 60)), (np.arange(20, 60), np.arange(20))]
    for shift, n_kept in [(0, 2), (0, 2), (1, 4)]:
        groups = (np.arange(60) + shift) // 3
        dummy = {"dummy": DummyClassifier()}
        compare(dummy, X, y, groups=groups, cv=folds, keep=tmp_path)
        assert len(list(tmp_path.iterdir())) == n_kept
