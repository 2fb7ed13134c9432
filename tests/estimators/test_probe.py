"""Tests for imgfeat/estimators/_probe.py and _leave_one_out.py."""

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.linear_model import Ridge, RidgeClassifierCV
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV
from sklearn.utils.estimator_checks import parametrize_with_checks

from imgfeat.estimators import RidgeProbe
from imgfeat.estimators._leave_one_out import InFeatures, InSamples, leave_one_out
from imgfeat.estimators._temperature import probabilities
from tests._expected_failures import OF_ESTIMATORS

ALPHAS = [1e-3, 0.1, 3.0, 100.0]


# How large classes are is known after the last chunk: partial_fit wants a dict.
OF_BALANCED = dict.fromkeys(
    ["check_estimators_partial_fit_n_features", "check_n_features_in_after_fitting"],
    "partial_fit refuses to balance classes whose sizes it does not know",
)


@parametrize_with_checks(
    [RidgeProbe(), RidgeProbe(class_weight="balanced")],
    expected_failed_checks=lambda probe: (
        OF_ESTIMATORS["RidgeProbe"] | (OF_BALANCED if probe.class_weight else {})
    ),
)
def test_sklearn_checks(estimator, check):
    check(estimator)


def blobs(n_samples, n_features, n_classes=3, *, seed=0, spread=1.0):
    rng = np.random.default_rng(seed)
    labels = np.arange(n_samples) % n_classes
    centres = rng.normal(size=(n_classes, n_features))
    X = centres[labels] + spread * rng.normal(size=(n_samples, n_features)) + 3
    return X, np.array(["ash", "elm", "fir", "oak"])[labels]


def refitted(X, y, alpha, *, weights=None, fit_intercept=True):
    """Decisions of a ridge fit without each row, by n fits."""
    classes = np.unique(y)
    targets = np.where(y[:, None] == classes, 1.0, -1.0)
    if len(classes) == 2:
        targets = targets[:, 1]
    found = []
    for row in range(len(X)):
        rest = np.arange(len(X)) != row
        ridge = Ridge(alpha, fit_intercept=fit_intercept, solver="cholesky")
        ridge.fit(X[rest], targets[rest], None if weights is None else weights[rest])
        found.append(ridge.predict(X[row : row + 1])[0])
    return np.array(found)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("shape", [(40, 6), (24, 24), (20, 31)])
@pytest.mark.parametrize("alpha", [1e-3, 1.0, 1e3])
def test_leave_one_out_is_what_refits_give(
    shape, n_classes, weighted, fit_intercept, alpha
):
    X, y = blobs(*shape, n_classes)
    weights = np.random.default_rng(1).uniform(0.1, 3, len(X)) if weighted else None
    probe = RidgeProbe(alpha, fit_intercept=fit_intercept).fit(X, y, weights)
    expected = refitted(X, y, alpha, weights=weights, fit_intercept=fit_intercept)
    assert_allclose(probe.loo_decisions_, expected, rtol=0, atol=1e-8)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shape", [(40, 6), (20, 31)])
@pytest.mark.parametrize("alpha", [1e-3, 1.0, 1e3])
def test_group_left_out_is_what_refits_give(shape, weighted, fit_intercept, alpha):
    X, y = blobs(*shape)
    rng = np.random.default_rng(1)
    weights = rng.uniform(0.1, 3, len(X)) if weighted else None
    groups = np.array(["a", "b", "c", "d", "e", "f", "g"])[rng.integers(7, size=len(X))]
    probe = RidgeProbe(alpha, fit_intercept=fit_intercept)
    probe.fit(X, y, weights, groups=groups)
    targets = np.where(y[:, None] == probe.classes_, 1.0, -1.0)
    expected = np.empty_like(targets)
    for group in np.unique(groups):
        rest = groups != group
        ridge = Ridge(alpha, fit_intercept=fit_intercept, solver="cholesky")
        ridge.fit(X[rest], targets[rest], None if weights is None else weights[rest])
        expected[~rest] = ridge.predict(X[~rest])
    assert_allclose(probe.loo_decisions_, expected, rtol=0, atol=1e-7)
    right = probe.classes_[expected.argmax(axis=1)] == y
    assert probe.loo_scores_[0] == pytest.approx(np.average(right, weights=weights))


@pytest.mark.parametrize("shape", [(40, 6), (20, 31)])
def test_groups_of_one_are_rows(shape, monkeypatch):
    monkeypatch.setattr("imgfeat.estimators._leave_one_out._CHUNK", 11)
    X, y = blobs(*shape, n_classes=2)
    alone = RidgeProbe(ALPHAS).fit(X, y)
    groups = np.random.default_rng(0).permutation(len(X))
    grouped = RidgeProbe(ALPHAS).fit(X, y, groups=groups)
    assert_allclose(grouped.loo_decisions_, alone.loo_decisions_, atol=1e-8)
    assert_allclose(grouped.loo_scores_, alone.loo_scores_)
    assert_array_equal(grouped.coef_, alone.coef_)


def test_copies_in_a_group_do_not_vouch_for_each_other():
    """Each row comes five times, and its label says nothing."""
    rng = np.random.default_rng(0)
    X = np.repeat(rng.normal(size=(30, 60)), 5, axis=0)
    y, scenes = np.repeat(rng.integers(2, size=30), 5), np.repeat(np.arange(30), 5)
    alone, grouped = RidgeProbe().fit(X, y), RidgeProbe().fit(X, y, groups=scenes)
    assert alone.loo_scores_.max() > 0.95
    assert grouped.loo_scores_.max() < 0.75
    assert grouped.alpha_ > alone.alpha_


def test_groups_of_rows_without_weight_do_not_count():
    X, y = blobs(30, 4)
    weights, groups = np.ones(30), np.arange(30) % 5
    weights[groups == 4] = 0
    probe = RidgeProbe(ALPHAS).fit(X, y, weights, groups=groups)
    here = groups < 4
    other = RidgeProbe(ALPHAS).fit(X[here], y[here], groups=groups[here])
    assert_allclose(probe.loo_decisions_[here], other.loo_decisions_, atol=1e-12)
    with pytest.raises(ValueError, match=r"at least two groups .* Got one; use finer"):
        RidgeProbe().fit(X, y, weights, groups=groups == 4)


def test_groups_that_are_not_one_a_row_are_refused():
    X, y = blobs(30, 4)
    with pytest.raises(
        ValueError, match=r"RidgeProbe needs one group an image. Got .*29"
    ):
        RidgeProbe().fit(X, y, groups=np.arange(29))


@pytest.mark.parametrize("shape", [(40, 6), (20, 31)])
def test_coefficients_are_those_of_ridge(shape):
    X, y = blobs(*shape)
    probe = RidgeProbe(0.7).fit(X, y)
    targets = np.where(y[:, None] == probe.classes_, 1.0, -1.0)
    ridge = Ridge(0.7).fit(X, targets)
    assert_allclose(probe.coef_, ridge.coef_, atol=1e-9)
    assert_allclose(probe.intercept_, ridge.intercept_, atol=1e-9)


@pytest.mark.parametrize("shape", [(40, 6), (20, 31)])
@pytest.mark.parametrize("scoring", ["accuracy", "neg_mean_squared_error"])
def test_scores_are_those_of_refits(shape, scoring):
    X, y = blobs(*shape, spread=3)
    probe = RidgeProbe(ALPHAS, scoring=scoring).fit(X, y)
    targets = np.where(y[:, None] == probe.classes_, 1.0, -1.0)
    for alpha, score in zip(ALPHAS, probe.loo_scores_, strict=True):
        decisions = refitted(X, y, alpha)
        expected = (
            np.mean(probe.classes_[decisions.argmax(axis=1)] == y)
            if scoring == "accuracy"
            else -np.square(decisions - targets).mean()
        )
        assert score == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("shape", [(60, 6), (20, 31)])
def test_chooses_as_sklearn_does_by_squared_error(shape):
    X, y = blobs(*shape, spread=3)
    probe = RidgeProbe(ALPHAS, scoring="neg_mean_squared_error").fit(X, y)
    peer = RidgeClassifierCV(ALPHAS).fit(X, y)
    assert probe.alpha_ == peer.alpha_
    assert probe.loo_scores_.max() == pytest.approx(peer.best_score_)
    assert_allclose(probe.coef_, peer.coef_, atol=1e-9)


def test_both_ways_agree_whatever_the_shape():
    X, y = blobs(30, 12)
    targets = np.where(y[:, None] == np.unique(y), 1.0, -1.0)
    given = X, targets, np.ones(30), np.array(ALPHAS), True
    ways = InFeatures(*given), InSamples(*given)
    assert all(list(way.scan()) for way in ways)
    for i in range(len(ALPHAS)):
        assert_allclose(ways[0].errors(i), ways[1].errors(i), atol=1e-9)
        assert_allclose(ways[0].coef(i), ways[1].coef(i), atol=1e-9)


@pytest.mark.parametrize("shape", [(50, 7), (20, 25)])
def test_scan_in_small_parts_sees_the_errors_of_the_whole(shape, monkeypatch):
    monkeypatch.setattr("imgfeat.estimators._leave_one_out._CHUNK", 11)
    monkeypatch.setattr("imgfeat.estimators._leave_one_out._WIDTH", 7)
    X, y = blobs(*shape)
    targets = np.where(y[:, None] == np.unique(y), 1.0, -1.0)
    way = leave_one_out(
        X, targets, np.ones(len(X)), np.array(ALPHAS), fit_intercept=True
    )
    seen = np.zeros((len(ALPHAS), *targets.shape))
    for i, rows, errors in way.scan():
        seen[i, rows] += errors
    for i in range(len(ALPHAS)):
        assert_allclose(seen[i], way.errors(i), atol=1e-10)


@pytest.mark.parametrize("shape", [(200, 8), (30, 20), (20, 31)])
def test_float32_is_as_good_as_its_digits(shape):
    X, y = blobs(*shape, spread=3)
    X[0, 0] = 1e3  # nearly decides a coefficient alone
    X = X.astype(np.float32)
    single = RidgeProbe(ALPHAS, scoring="neg_mean_squared_error").fit(X, y)
    double = clone(single).fit(X.astype(np.float64), y)
    assert single.coef_.dtype == single.decision_function(X).dtype == np.float32
    assert single.predict_proba(X).dtype == np.float32
    assert single.alpha_ == double.alpha_
    assert_allclose(single.loo_scores_, double.loo_scores_, rtol=1e-5)
    assert_allclose(single.loo_decisions_, double.loo_decisions_, atol=1e-6)


def test_float32_keeps_small_directions_beside_a_large_one():
    X, y = blobs(400, 5, spread=2)
    X[:, 0] *= 1e4
    X = np.c_[X, X[:, 1]].astype(np.float32)  # and one direction is of size zero
    single = RidgeProbe(1e-3).fit(X, y)
    assert_allclose(
        single.loo_decisions_, refitted(X.astype(np.float64), y, 1e-3), atol=1e-5
    )


def test_weight_zero_is_as_if_the_row_were_not_there():
    X, y = blobs(40, 6)
    weights = (np.arange(40) % 4 > 0).astype(float)
    probe = RidgeProbe(ALPHAS).fit(X, y, weights)
    without = RidgeProbe(ALPHAS).fit(X[weights > 0], y[weights > 0])
    assert_allclose(probe.predict_proba(X), without.predict_proba(X), atol=1e-9)
    assert_allclose(probe.loo_decisions_, probe_decisions(probe, without, X, weights))


def probe_decisions(probe, without, X, weights):
    """Without the row where it counts, and plain where it does not."""
    expected = probe.decision_function(X)
    expected[weights > 0] = without.loo_decisions_
    return expected


@pytest.mark.parametrize("shape", [(40, 6), (20, 31)])
def test_weights_and_alpha_scale_together(shape):
    X, y = blobs(*shape)
    one = RidgeProbe(0.5).fit(X, y)
    four = RidgeProbe(2.0).fit(X, y, np.full(len(X), 4.0))
    assert_allclose(one.loo_decisions_, four.loo_decisions_, atol=1e-10)


def test_balanced_gives_rare_classes_as_much_weight():
    X, y = blobs(60, 4, 2, spread=2)
    keep = (y == "ash") | (np.arange(60) % 10 == 1)
    X, y = X[keep], y[keep]
    balanced = RidgeProbe(1.0, class_weight="balanced").fit(X, y)
    by_hand = {
        label: len(y) / (2 * n)
        for label, n in zip(*np.unique(y, return_counts=True), strict=True)
    }
    given = RidgeProbe(1.0, class_weight=by_hand).fit(X, y)
    assert_allclose(balanced.coef_, given.coef_)
    recall = [np.mean(balanced.predict(X[y == c]) == c) for c in balanced.classes_]
    plain = RidgeProbe(1.0).fit(X, y)
    assert recall[1] >= np.mean(plain.predict(X[y == "elm"]) == "elm")


@pytest.mark.parametrize("shape", [(40, 6), (20, 31)])
def test_does_not_depend_on_the_origin_or_on_the_order_of_rows(shape):
    X, y = blobs(*shape)
    probe = RidgeProbe(ALPHAS).fit(X, y)
    order = np.random.default_rng(0).permutation(len(X))
    moved = RidgeProbe(ALPHAS).fit(X[order] - 50, y[order])
    assert_allclose(moved.loo_decisions_, probe.loo_decisions_[order], atol=1e-8)


@pytest.mark.parametrize("shape", [(41, 6), (20, 31)])
def test_constant_and_repeated_features_are_harmless(shape):
    X, y = blobs(*shape)
    more = np.c_[X, np.full(len(X), 7.0), X[:, :1] * 0]
    plain, padded = RidgeProbe(ALPHAS).fit(X, y), RidgeProbe(ALPHAS).fit(more, y)
    assert_allclose(padded.loo_decisions_, plain.loo_decisions_, atol=1e-8)
    assert_array_equal(padded.coef_[:, -2:], 0)
    repeated = RidgeProbe(ALPHAS).fit(np.repeat(X, 2, axis=1), y)
    assert np.isfinite(repeated.loo_decisions_).all()


def test_features_that_are_all_constant_leave_the_intercept():
    y = np.array(["ash", "elm", "elm", "elm"])
    probe = RidgeProbe().fit(np.ones((4, 9)), y)
    assert_array_equal(probe.predict(np.ones((2, 9))), ["elm", "elm"])


@pytest.mark.parametrize("shape", [(31, 6), (19, 30)])
def test_class_with_one_row_is_decided_without_it(shape):
    X, y = blobs(*shape)
    y[0] = "yew"
    probe = RidgeProbe(0.1).fit(X, y)
    # The others know nothing of the class: -1 for each of them, and so for its row.
    assert probe.loo_decisions_[0, -1] == pytest.approx(-1, abs=1e-9)


def test_largest_alpha_is_taken_among_equals():
    X, y = blobs(60, 5, spread=0.01)
    probe = RidgeProbe([0.01, 1.0, 0.1]).fit(X, y)
    assert_array_equal(probe.loo_scores_, 1)
    assert probe.alpha_ == 1.0


def test_tiny_alpha_on_few_rows_is_finite_and_right():
    X, y = blobs(12, 40, spread=2)
    probe = RidgeProbe(1e-10).fit(X, y)
    # No penalty to speak of: the shortest interpolation of the other rows.
    assert_allclose(probe.loo_decisions_, refitted_shortest(X, y), atol=1e-7)


def refitted_shortest(X, y):
    targets = np.where(y[:, None] == np.unique(y), 1.0, -1.0)
    found = []
    for row in range(len(X)):
        rest = np.arange(len(X)) != row
        mean, offset = X[rest].mean(axis=0), targets[rest].mean(axis=0)
        coef = np.linalg.lstsq(X[rest] - mean, targets[rest] - offset, rcond=1e-10)[0]
        found.append((X[row] - mean) @ coef + offset)
    return np.array(found)


@pytest.mark.parametrize("n_classes", [2, 4])
def test_most_probable_class_is_the_predicted_one(n_classes):
    X, y = blobs(80, 5, n_classes, spread=4)
    probe = RidgeProbe().fit(X, y)
    shares = probe.predict_proba(X)
    assert_allclose(shares.sum(axis=1), 1)
    assert_array_equal(probe.classes_[shares.argmax(axis=1)], probe.predict(X))


@pytest.mark.parametrize("n_classes", [2, 4])
def test_probabilities_of_new_rows_are_honest(n_classes):
    X, y = blobs(3000, 30, n_classes, spread=5)
    probe = RidgeProbe().fit(X[:600], y[:600])
    shares = probe.predict_proba(X[600:])
    surest, right = shares.max(axis=1), probe.predict(X[600:]) == y[600:]
    assert surest.mean() == pytest.approx(right.mean(), abs=0.04)
    # No other scale of the same decisions is much better.
    decisions = np.log(shares)
    best = min(
        log_loss(y[600:], probabilities(decisions, scale))
        for scale in np.geomspace(0.3, 3, 20)
    )
    assert log_loss(y[600:], shares) < best + 0.01


def test_goes_through_a_search_and_names_its_features():
    X, y = blobs(60, 4)
    frame = pd.DataFrame(X, columns=list("abcd"))
    search = GridSearchCV(RidgeProbe(), {"fit_intercept": [True, False]}, cv=3)
    best = search.fit(frame, y).best_estimator_
    assert_array_equal(best.feature_names_in_, list("abcd"))
    assert best.n_features_in_ == 4


@pytest.mark.parametrize("alphas", [0.0, [1.0, -1.0], [np.nan], [np.inf]])
def test_alpha_that_is_not_positive_is_refused(alphas):
    with pytest.raises(ValueError, match=r"alphas that are positive and finite. Got"):
        RidgeProbe(alphas).fit(*blobs(20, 3))


@pytest.mark.parametrize("alphas", [[], [[1.0, 2.0]]])
def test_alphas_of_another_shape_are_refused(alphas):
    with pytest.raises(ValueError, match=r"one number or a list of them. Got shape"):
        RidgeProbe(alphas).fit(*blobs(20, 3))


def test_one_class_is_refused():
    with pytest.raises(ValueError, match=r"at least two classes. Got one class, 'ash'"):
        RidgeProbe().fit(np.ones((3, 2)), ["ash"] * 3)


def test_one_class_with_weight_is_refused():
    X, y = blobs(20, 3, 2)
    with pytest.raises(ValueError, match=r"two classes with a weight above 0. Got one"):
        RidgeProbe().fit(X, y, y == "ash")
    with pytest.raises(ValueError, match="weights that are all zero"):
        RidgeProbe().fit(X, y, np.zeros(20))


@pytest.mark.parametrize(
    "weights, message",
    [
        (-np.ones(20), "weights of at least 0. Got sample_weight with -1"),
        (np.ones((20, 1)), r"1D array or scalar. Got shape \(20, 1\)"),
        (np.ones(19), "inconsistent numbers of samples"),
        (np.full(20, np.nan), "sample_weight contains NaN"),
    ],
)
def test_weights_that_make_no_sense_are_refused(weights, message):
    with pytest.raises(ValueError, match=message):
        RidgeProbe().fit(*blobs(20, 3), weights)


def test_sparse_and_missing_values_are_refused():
    X, y = blobs(20, 3)
    with pytest.raises(TypeError, match="Sparse data was passed"):
        RidgeProbe().fit(csr_array(X), y)
    X[3, 1] = np.nan
    with pytest.raises(ValueError, match="Input X contains NaN"):
        RidgeProbe().fit(X, y)


def test_penalties_from_tiny_to_huge_raise_no_warning():
    for shape in [(200, 5), (20, 31)]:
        for dtype in (np.float32, np.float64):
            X, y = blobs(*shape)
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                probe = RidgeProbe([1e-60, 1e60]).fit(X.astype(dtype), y)
            assert np.isfinite(probe.loo_decisions_).all()
