"""Tests for imgfeat/estimators/_thresholded_labels.py."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import make_multilabel_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import f1_score
from sklearn.model_selection import KFold, ShuffleSplit, cross_val_predict
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from imgfeat.estimators import LabelThresholds, LinearProbe, PlannedFolds, RidgeProbe
from imgfeat.estimators._label_thresholds import best_thresholds
from imgfeat.estimators._thresholded_labels import with_thresholds
from imgfeat.features import HOG

X, Y = make_multilabel_classification(200, 8, n_classes=3, n_labels=1, random_state=0)
X = X.astype(float)
NAMED = pd.DataFrame(Y, columns=["moss", "rust", "worn"])
FOLDS = KFold(4, shuffle=True, random_state=0)


@pytest.fixture(scope="module")
def model():
    return LabelThresholds(RidgeProbe(), cv=FOLDS).fit(X, NAMED)


def test_thresholds_are_those_of_images_out_of_fold(model):
    shares = cross_val_predict(RidgeProbe(), X, Y, cv=FOLDS, method="predict_proba")
    assert_array_equal(model.thresholds_, best_thresholds(shares, Y == 1))
    whole = RidgeProbe().fit(X, Y)
    assert_allclose(model.predict_proba(X), whole.predict_proba(X))
    expected = whole.predict_proba(X) > model.thresholds_
    assert_array_equal(model.predict(X), expected.astype(int))
    assert model.classes_.tolist() == list(NAMED) and model.multilabel_


def test_rare_labels_are_found_better_than_from_one_half():
    rows, labels = make_multilabel_classification(
        600, 8, n_classes=3, n_labels=1, allow_unlabeled=True, random_state=3
    )
    probe = RidgeProbe()
    half = probe.fit(rows[:300], labels[:300]).predict(rows[300:])
    tuned = LabelThresholds(probe).fit(rows[:300], labels[:300]).predict(rows[300:])
    true = labels[300:]
    assert f1_score(true, tuned, average="macro") > f1_score(
        true, half, average="macro"
    )


@pytest.mark.parametrize(
    "inner",
    [
        RandomForestClassifier(5, random_state=0),
        OneVsRestClassifier(LogisticRegression()),
        OneVsRestClassifier(LinearSVC()),
        make_pipeline(StandardScaler(), LinearProbe()),
    ],
    ids=["forest", "one against the rest", "decisions", "pipeline"],
)
def test_all_that_score_labels_get_thresholds(inner):
    model = LabelThresholds(inner, cv=3).fit(X, NAMED)
    assert model.thresholds_.shape == (3,) and np.isfinite(model.thresholds_).all()
    name = "predict_proba" if hasattr(inner, "predict_proba") else "decision_function"
    scores = getattr(model, name)(X)
    assert scores.shape == (200, 3)
    assert_array_equal(model.predict(X), scores > model.thresholds_)
    assert hasattr(model, "predict_proba") != hasattr(model, "decision_function")
    assert model.score(X, NAMED) == (model.predict(X) == Y).all(axis=1).mean()


def test_a_share_is_held_out_once_and_not_fitted_on():
    model = LabelThresholds(RidgeProbe(), cv=0.25, random_state=0).fit(X, Y)
    assert 140 <= len(model.estimator_.loo_decisions_) <= 160
    again = LabelThresholds(RidgeProbe(), cv=0.25, random_state=0).fit(X, Y)
    assert_array_equal(model.thresholds_, again.thresholds_)


def test_what_is_frozen_stays_and_all_images_are_chosen_on():
    inner = make_pipeline(StandardScaler(), RidgeProbe()).fit(X[:100], NAMED[:100])
    model = LabelThresholds(FrozenEstimator(inner))
    lists = [[n for n in NAMED if row[n]] for _, row in NAMED[100:].iterrows()]
    model.fit(X[100:], lists)
    shares = inner.predict_proba(X[100:])
    assert_array_equal(model.thresholds_, best_thresholds(shares, Y[100:] == 1))
    assert model.classes_.tolist() == list(NAMED)
    assert_array_equal(model.predict_proba(X[:5]), inner.predict_proba(X[:5]))
    one = FrozenEstimator(RidgeProbe().fit(X, Y[:, 0]))
    with pytest.raises(ValueError, match="frozen one that gives one"):
        LabelThresholds(one).fit(X, Y)


def test_thresholds_may_be_given():
    wanted = {"worn": 0.9, "moss": 0.1, "rust": 0.5}
    for given in (wanted, pd.Series(wanted), [0.1, 0.5, 0.9]):
        model = LabelThresholds(RidgeProbe(), given).fit(X, NAMED)
        assert model.thresholds_.tolist() == [0.1, 0.5, 0.9]
    assert clone(model).thresholds == [0.1, 0.5, 0.9]


@pytest.mark.parametrize(
    "given, said",
    [
        ({"moss": 0.5}, r"each of the labels .* the first that does not fit is 'rust'"),
        ({"moss": 1, "rust": 1, "worn": 1, "ice": 1}, "does not fit is 'ice'"),
        ([0.5, 0.5], r"each of 3 labels. Got thresholds of shape \(2,\)"),
        ([0.5, np.nan, 0.5], "finite thresholds. Got nan of 'rust'"),
    ],
)
def test_thresholds_that_do_not_fit_are_refused(given, said):
    with pytest.raises(ValueError, match=f"LabelThresholds needs .*{said}"):
        LabelThresholds(RidgeProbe(), given).fit(X, NAMED)


def test_images_of_a_group_are_held_out_together():
    groups = np.arange(200) // 4
    seen = []

    class Watched(RidgeProbe):
        def fit(self, X, y, sample_weight=None, groups=None):
            seen.append(set(groups))
            return super().fit(X, y, sample_weight, groups)

    LabelThresholds(Watched(), cv=0.5).fit(X, Y, groups=groups)
    LabelThresholds(make_pipeline(StandardScaler(), Watched()), cv=2).fit(
        X, Y, groups=groups
    )
    share, first, second, every = map(len, seen)
    assert share + 25 in range(45, 56) and first + second == every == 50


def test_rows_without_weight_have_no_say():
    weights = np.r_[np.ones(150), np.zeros(50)]
    folds = PlannedFolds(3, random_state=1)
    some = LabelThresholds(RidgeProbe(), cv=folds).fit(X[:150], Y[:150])
    every = LabelThresholds(RidgeProbe(), cv=folds).fit(X, Y, sample_weight=weights)
    assert_allclose(some.thresholds_, every.thresholds_)


def test_features_are_computed_once_for_all_folds():
    images = np.random.default_rng(0).integers(256, size=(60, 16, 16), dtype=np.uint8)
    n_seen = []

    class Counting(HOG):
        def transform(self, X):
            n_seen.append(len(X))
            return super().transform(X)

    whole = make_pipeline(
        Counting(cells_per_block=(1, 1)), StandardScaler(), RidgeProbe()
    )
    labels = np.random.default_rng(1).integers(2, size=(60, 2))
    model = LabelThresholds(whole, cv=2).fit(images, labels)
    assert sum(n_seen) == 60
    behind = with_thresholds(whole, cv=2).fit(images, labels)
    assert model.predict(list(images)).shape == (60, 2)
    assert type(behind[-1]) is LabelThresholds and type(whole[-1]) is RidgeProbe
    assert_allclose(model.predict_proba(images), behind.predict_proba(images))


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match=r"several labels an image: .* Tuned"):
        LabelThresholds(RidgeProbe()).fit(X, Y[:, 0])
    with pytest.raises(ValueError, match="Got None"):
        LabelThresholds(RidgeProbe()).fit(X, None)
    with pytest.raises(TypeError, match="needs a classifier"):
        LabelThresholds(Ridge()).fit(X, Y)
    with pytest.raises(ValueError, match="Got 200 images and 199 rows"):
        LabelThresholds(RidgeProbe()).fit(X, Y[1:])
    with pytest.raises(ValueError, match=r"one group an image\. Got groups of shape"):
        LabelThresholds(RidgeProbe()).fit(X, Y, groups=[1, 2])
    with pytest.raises(ValueError, match="Got 0 of 200 with 'none'"):
        LabelThresholds(RidgeProbe()).fit(X, NAMED.assign(none=0))
    with pytest.raises(ValueError, match="hold out each image at most once"):
        LabelThresholds(RidgeProbe(), cv=ShuffleSplit(3)).fit(X, Y)
    with pytest.raises(ValueError, match="predict_proba or decision_function"):
        LabelThresholds(Silent()).fit(X, Y)


class Silent(RidgeProbe):
    predict_proba = decision_function = property()
