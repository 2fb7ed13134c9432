"""Tests for imgfeat/estimators/_label_vote.py."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import make_multilabel_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from imgfeat.estimators import LabelThresholds, LabelVote, LinearProbe, RidgeProbe

X, Y = make_multilabel_classification(120, 8, n_classes=3, n_labels=1, random_state=0)
X = X.astype(float)
NAMED = pd.DataFrame(Y, columns=["moss", "rust", "worn"])
BOTH = [("ridge", make_pipeline(StandardScaler(), RidgeProbe())), ("lr", LinearProbe())]


class Watched(ClassifierMixin, BaseEstimator):
    """Notes what its fit is given."""

    __metadata_request__fit = {"groups": True}

    def fit(self, X, y, sample_weight=None, groups=None):
        self.given_ = sample_weight, groups
        self.inner_ = RidgeProbe().fit(X, y)
        self.classes_, self.multilabel_ = self.inner_.classes_, True
        return self

    def predict_proba(self, X):
        return self.inner_.predict_proba(X)

    def predict(self, X):
        return self.inner_.predict(X)


def test_probabilities_are_the_mean():
    forest = RandomForestClassifier(5, random_state=0)
    members = [*BOTH, ("forest", forest)]
    vote = LabelVote(members, weights=[1, 2, 1]).fit(X, NAMED)
    of_forest = np.stack([s[:, 1] for s in forest.fit(X, Y).predict_proba(X)], axis=1)
    ridge, lr = (clone(one).fit(X, Y).predict_proba(X) for _, one in BOTH)
    expected = (ridge + 2 * lr + of_forest) / 4
    assert_allclose(vote.predict_proba(X), expected)
    assert_array_equal(vote.predict(X), expected > 0.5)
    assert vote.classes_.tolist() == list(NAMED) and vote.n_features_in_ == 8
    assert vote.score(X, NAMED) == (vote.predict(X) == Y).all(axis=1).mean()


def test_parameters_of_the_classifiers_are_set_by_name():
    vote = LabelVote(BOTH, weights=[1, 1]).set_params(lr__C=0.5, ridge="drop")
    assert vote.get_params()["lr__C"] == 0.5
    alone = clone(vote).fit(X, Y)
    assert len(alone.estimators_) == 1 and alone.weights_.tolist() == [1.0]
    assert_allclose(
        alone.predict_proba(X), LinearProbe(C=0.5).fit(X, Y).predict_proba(X)
    )


def test_thresholds_may_stand_around_a_vote_and_in_it_have_no_say():
    inside = [("tuned", LabelThresholds(RidgeProbe(), [0.1] * 3)), BOTH[1]]
    plain = [("plain", RidgeProbe()), BOTH[1]]
    assert_array_equal(
        LabelVote(inside).fit(X, Y).predict(X), LabelVote(plain).fit(X, Y).predict(X)
    )
    around = LabelThresholds(LabelVote(BOTH), [0.1] * 3).fit(X, Y)
    assert_array_equal(around.predict(X), around.predict_proba(X) > 0.1)


def test_weights_and_groups_go_where_they_are_wanted():
    weights, groups = np.arange(120) % 3, np.arange(120)
    members = [("a", Watched()), ("b", make_pipeline(StandardScaler(), RidgeProbe()))]
    first = LabelVote(members).fit(X, Y, sample_weight=weights).estimators_[0]
    assert first.given_[0] is weights and first.given_[1] is None
    with config_context(enable_metadata_routing=True):
        first = LabelVote(members).fit(X, Y, groups=groups).estimators_[0]
    assert first.given_[0] is None and first.given_[1] is groups
    with pytest.raises(ValueError, match=r"passes sample_weight .* Got 'groups'"):
        LabelVote(members).fit(X, Y, groups=groups)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="Got one label an image, for which there is"):
        LabelVote(BOTH).fit(X, Y[:, 0])
    with pytest.raises(ValueError, match="a weight of 0 or more for each of 2"):
        LabelVote(BOTH, weights=[1, -1]).fit(X, Y)
    with pytest.raises(ValueError, match="one above 0"):
        LabelVote(BOTH, weights=[0, 0]).fit(X, Y)
    with pytest.raises(ValueError, match="Names provided are not unique"):
        LabelVote([BOTH[0], BOTH[0]]).fit(X, Y)
    with pytest.raises(ValueError, match=r"predict_proba of several .* Got OneVs"):
        LabelVote([("svm", OneVsRestClassifier(LinearSVC()))]).fit(X, Y)
