"""Tests for imgfeat/estimators/detection/_second_look.py."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.ensemble import VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC, LinearSVC

from imgfeat.estimators.detection._cut_windows import cut
from imgfeat.estimators.detection._detections import Windows, overlaps, pick
from imgfeat.estimators.detection._levels import plan_levels
from imgfeat.features import HOG
from imgfeat.kernels.resize import resize
from tests.estimators.detection._squares import detector, scene

CELLS = {"pixels_per_cell": (6, 6)}
KERNEL_SVM = make_pipeline(HOG(**CELLS), SVC(C=10))
(IMAGE, BOXES), EMPTY = scene([(12, 20), (60, 40)], seed=1), scene([], seed=3)[0]
CROPS = np.stack([scene([(4, 4)], size=(24, 24), seed=seed)[0] for seed in range(9)])
STRIPES = scene([], seed=4)[0]
STRIPES[10:60:12, 10:80] += 120  # edges, but no square


@pytest.fixture(scope="module")
def fitted():
    one = detector(verifier=KERNEL_SVM, candidate_threshold=-0.5, n_rounds=1)
    return one.fit(CROPS, negatives=[EMPTY, STRIPES])


def test_the_verifier_scores_what_the_pipeline_lets_through(fitted):
    levels = plan_levels(IMAGE.shape, (24, 24), (4, 4), 1.2, None, None, who="")
    sizes = [cut(resize(IMAGE, one.size), (24, 24), (4, 4)) for one in levels]
    windows = np.concatenate([one.reshape(-1, 24, 24) for one in sizes])
    (first,), (second,) = (
        fitted.score_windows([IMAGE], by=by) for by in ("pipeline", "verifier")
    )
    alone = fitted.verifier_.decision_function(windows)
    np.testing.assert_allclose(second.scores, alone[:, None] * [-1, 1])
    through = first.scores[:, 1] >= -0.5
    assert 0 < through.sum() < len(alone)
    of_second = Windows(first.boxes[through], second.scores[through])
    expected = pick(of_second, fitted.classes_, fitted.background_, None, 0.3)[1]
    found = fitted.predict([IMAGE])[0]
    assert found.boxes.tolist() == expected.boxes.tolist()
    np.testing.assert_allclose(found.scores, expected.scores)
    assert (overlaps(BOXES, found.boxes).max(axis=1) > 0.5).all()


def test_the_verifier_learns_from_what_gets_past_the_pipeline():
    few = {"n_negatives": 8, "n_rounds": 0, "candidate_threshold": -0.5}
    without = detector(**few).fit(CROPS, negatives=[STRIPES])
    one = detector(verifier=KERNEL_SVM, **few).fit(CROPS, negatives=[STRIPES])
    assert one.verifier_[-1].shape_fit_[0] == len(CROPS) + 2 * 8
    # scikit-learn draws the order in which this one sees windows.
    coefs = [some.pipeline_[-1].coef_ for some in (one, without)]
    np.testing.assert_allclose(*coefs, atol=1e-4)
    assert len(one.predict([STRIPES])[0].boxes) < len(
        without.predict([STRIPES])[0].boxes
    )


def test_threshold_is_the_verifiers(fitted):
    found = fitted.predict([IMAGE])[0]
    strict = clone(fitted).set_params(threshold=found.scores[0])
    strict.fit(CROPS, negatives=[EMPTY, STRIPES])
    assert strict.predict([IMAGE])[0].scores.tolist() == [found.scores[0]]


def test_nothing_is_found_where_nothing_gets_past_the_pipeline(fitted):
    one = pickle.loads(pickle.dumps(fitted)).set_params(candidate_threshold=1e6)
    found = one.predict([IMAGE, EMPTY])
    assert [some.boxes.shape for some in found] == [(0, 4)] * 2
    assert [len(some.labels) for some in found] == [0, 0]


def test_either_of_the_two_may_be_fitted_already(fitted):
    pipeline, verifier = (
        FrozenEstimator(one) for one in (fitted.pipeline_, fitted.verifier_)
    )
    expected = fitted.predict([IMAGE])[0].boxes.tolist()
    of_ones = {"y": np.ones(9, dtype=int), "negatives": [EMPTY, STRIPES]}
    both = clone(fitted).set_params(pipeline=pipeline, verifier=verifier, background=0)
    both.fit(CROPS, **of_ones)
    assert both.verifier_ is verifier
    assert both.predict([IMAGE])[0].boxes.tolist() == expected
    first = clone(both).set_params(verifier=KERNEL_SVM).fit(CROPS, **of_ones)
    assert first.pipeline_.estimator is pipeline.estimator
    assert first.n_mistakes_ == []
    assert (overlaps(BOXES, first.predict([IMAGE])[0].boxes).max(axis=1) > 0.5).all()
    second = clone(both).set_params(pipeline=clone(fitted.pipeline_))
    with pytest.raises(ValueError, match=r"the classes of its pipeline, \[0, 2\]. Got"):
        second.fit(CROPS, np.full(9, 2), negatives=[EMPTY])


# What is refused --------------------------------------------------------------------


def test_a_verifier_that_is_no_classifier_is_refused():
    with pytest.raises(
        TypeError, match=r"verifier=\) needs a classifier, .* LinearReg"
    ):
        detector(verifier=LinearRegression()).fit(CROPS, negatives=[EMPTY])
    with pytest.raises(ValueError, match="'verifier' parameter"):
        detector(verifier="svm").fit(CROPS, negatives=[EMPTY])


def test_a_verifier_without_scores_is_refused():
    votes = make_pipeline(HOG(**CELLS), VotingClassifier([("svm", LinearSVC())]))
    with pytest.raises(
        ValueError, match=r"verifier .* decision_function or predict_pr"
    ):
        detector(verifier=votes).fit(CROPS, negatives=[EMPTY])


def test_who_is_no_classifier_of_the_detector_is_refused(fitted):
    with pytest.raises(ValueError, match=r"one of \['pipeline', 'verifier'\].* 'me'"):
        fitted.score_windows([IMAGE], by="me")
    alone = detector(n_rounds=0).fit(CROPS, negatives=[EMPTY])
    with pytest.raises(ValueError, match=r"one of \['pipeline'\] of this.* 'verifier'"):
        alone.score_windows([IMAGE], by="verifier")
