"""Tests for imgfeat/estimators/_prototypes.py and _class_scatter.py."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.neighbors import NearestCentroid
from sklearn.utils.estimator_checks import parametrize_with_checks

from imgfeat.estimators import PrototypeClassifier
from imgfeat.estimators._class_scatter import ClassScatter
from imgfeat.estimators._temperature import fit_temperature, probabilities
from tests._expected_failures import OF_ESTIMATORS

NAMES = np.array(["ash", "birch", "cedar"])


def blobs(n_samples, n_features, strength=1.0):
    rng = np.random.default_rng(0)
    labels = np.arange(n_samples) % 3
    centres = strength * rng.standard_normal((3, n_features))
    spread = np.geomspace(3, 0.3, n_features)
    return (rng.standard_normal((n_samples, n_features)) + centres[labels]) * spread, (
        labels
    )


def slow_decisions(X, labels, weights, row, shrinkage):
    """Minus half the squared distances of a row, by the covariance written out."""
    means = np.stack(
        [
            np.average(X[labels == k], axis=0, weights=weights[labels == k])
            for k in range(3)
        ]
    )
    rest = X - means[labels]
    covariance = rest.T @ (rest * weights[:, None])
    n_features = X.shape[1]
    metric = np.eye(n_features)
    if shrinkage < 1:
        even = np.trace(covariance) / n_features * shrinkage / (1 - shrinkage)
        metric = even * np.linalg.inv(covariance + even * metric)
    distances = cdist([row], means, "mahalanobis", VI=metric)[0] ** 2
    # How far the means are off, on average.
    totals, squares = np.bincount(labels, weights), np.bincount(labels, weights**2)
    covariance /= (totals - squares / totals).sum()
    return (np.trace(metric @ covariance) * squares / totals**2 - distances) / 2


@parametrize_with_checks(
    [PrototypeClassifier()],
    expected_failed_checks=lambda model: OF_ESTIMATORS[type(model).__name__],
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("shape", [(12, 30), (40, 7)])
def test_left_out_distances_are_those_of_a_fit_without_the_row(shape):
    X, labels = blobs(*shape)
    weights = np.random.default_rng(1).uniform(0.5, 2, len(X))
    shrinkages = [0.1, 0.7, 1.0]
    scatter = ClassScatter(X, labels, weights)
    found = [scatter.left_out(shrinkage) for shrinkage in shrinkages]
    for row in range(len(X)):
        kept = np.arange(len(X)) != row
        for i, shrinkage in enumerate(shrinkages):
            expected = slow_decisions(
                X[kept], labels[kept], weights[kept], X[row], shrinkage
            )
            np.testing.assert_allclose(found[i][row], expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("shape", [(12, 30), (40, 7)])
@pytest.mark.parametrize("shrinkage", [0.2, 1.0])
def test_decisions_are_distances_to_the_means(shape, shrinkage):
    X, labels = blobs(*shape)
    new = X[:5] + 0.3
    model = PrototypeClassifier(shrinkage).fit(X, NAMES[labels])
    got = model.decision_function(new)
    expected = np.stack(
        [slow_decisions(X, labels, np.ones(len(X)), row, shrinkage) for row in new]
    )
    # What is the same for all classes is left out.
    np.testing.assert_allclose(
        got - got.mean(axis=1, keepdims=True),
        expected - expected.mean(axis=1, keepdims=True),
        atol=1e-8,
    )
    means = [X[labels == k].mean(axis=0) for k in range(3)]
    np.testing.assert_allclose(model.prototypes_, means)


@pytest.mark.parametrize("n_each", [1, 4])
def test_without_a_covariance_the_nearest_mean_decides(n_each):
    X, labels = blobs(3 * n_each, 50)
    new = blobs(60, 50)[0]
    model = PrototypeClassifier(1.0).fit(X, labels)
    means = [X[labels == k].mean(axis=0) for k in range(3)]
    nearest = cdist(new, means).argmin(axis=1)
    np.testing.assert_array_equal(model.predict(new), nearest)
    if n_each > 1:  # it divides by what is left of one row a class
        peer = NearestCentroid().fit(X, labels)
        np.testing.assert_array_equal(peer.predict(new), nearest)


def test_one_row_a_class_is_enough_and_says_so():
    X, labels = blobs(3, 50)
    model = PrototypeClassifier().fit(X, labels)
    assert (model.shrinkage_, model.loo_scores_) == (1.0, None)
    assert model.score(X, labels) == 1
    square = np.square(X - X.mean(axis=0)).sum(axis=1).mean()
    assert model.temperature_ == pytest.approx(0.15 * square)
    # Of whatever unit the features are.
    larger = PrototypeClassifier().fit(1000 * X, labels)
    np.testing.assert_allclose(
        larger.predict_proba(1000 * X), model.predict_proba(X), atol=1e-9
    )


def test_rows_of_larger_classes_choose_where_others_have_one():
    X, labels = blobs(20, 30)
    kept = (labels > 0) | (np.arange(20) == 0)  # one ash
    model = PrototypeClassifier().fit(X[kept], NAMES[labels[kept]])
    assert len(model.loo_scores_) == 10
    assert model.loo_scores_.max() < 0
    assert model.predict(X[:1]) == ["ash"]


def test_one_pair_among_single_rows_is_no_scatter_without_either():
    X, labels = blobs(4, 30)
    model = PrototypeClassifier().fit(X, labels)
    assert np.isfinite(model.coef_).all()
    assert np.isfinite(model.predict_proba(X)).all()
    same = PrototypeClassifier().fit(X[[0, 1, 2, 0]], labels)
    assert np.isfinite(same.predict_proba(X)).all()


def test_temperature_has_the_least_log_loss_on_left_out_rows():
    X, labels = blobs(30, 40, strength=0.3)
    model = PrototypeClassifier([0.5]).fit(X, labels)
    found = ClassScatter(X, labels, np.ones(30)).left_out(0.5)
    scale = fit_temperature(found, labels, np.ones(30))
    assert model.temperature_ == pytest.approx(1 / scale)
    expected = probabilities(model.decision_function(X), scale)
    np.testing.assert_allclose(model.predict_proba(X), expected)


def test_of_equal_scores_the_largest_shrinkage_is_taken():
    X, labels = np.eye(3)[[0, 1, 2] * 2], np.arange(6) % 3  # no scatter at all
    model = PrototypeClassifier([0.3, 0.9, 0.5]).fit(X, labels)
    assert len(set(model.loo_scores_)) == 1
    assert model.shrinkage_ == 0.9


def test_directions_in_which_a_class_differs_count_less():
    rng = np.random.default_rng(0)
    labels = np.arange(40) % 2
    X = rng.standard_normal((40, 40))
    X[:, 0] *= 30  # light, say
    X[:, 1] += 6 * labels
    new = rng.standard_normal((200, 40))
    new[:, 0] *= 30
    new[:, 1] += 6 * (np.arange(200) % 2)
    own = PrototypeClassifier().fit(X, labels)
    plain = PrototypeClassifier(1.0).fit(X, labels)
    assert own.shrinkage_ < 1
    assert own.score(new, np.arange(200) % 2) > 0.95
    assert plain.score(new, np.arange(200) % 2) < 0.8


def test_class_of_one_row_is_not_set_back_by_its_noise():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], [1, 20])
    shares = []
    for _ in range(20):  # both classes are the same
        model = PrototypeClassifier(1.0).fit(rng.standard_normal((21, 300)), labels)
        shares.append((model.predict(rng.standard_normal((50, 300))) == 0).mean())
    assert 0.35 < np.mean(shares) < 0.65


def test_rows_without_weight_are_as_if_not_there():
    X, labels = blobs(30, 20)
    weights = (np.arange(30) < 21).astype(float)
    weighed = PrototypeClassifier().fit(X, labels, weights)
    without = PrototypeClassifier().fit(X[:21], labels[:21])
    np.testing.assert_array_equal(weighed.coef_, without.coef_)
    assert weighed.temperature_ == without.temperature_


def test_place_of_the_origin_changes_nothing():
    X, labels = blobs(30, 20)
    here = PrototypeClassifier().fit(X, labels)
    there = PrototypeClassifier().fit(X + 100, labels)
    assert there.shrinkage_ == here.shrinkage_
    np.testing.assert_allclose(
        there.predict_proba(X + 100), here.predict_proba(X), atol=1e-6
    )


def test_many_rows_are_taken_in_parts():
    X, labels = blobs(2500, 6)
    whole = PrototypeClassifier().fit(X.astype(np.float32), labels)
    assert whole.coef_.dtype == np.float32
    kept = np.arange(2500) != 2400
    expected = slow_decisions(X[kept], labels[kept], np.ones(2499), X[2400], 0.1)
    found = ClassScatter(X, labels, np.ones(2500)).left_out(0.1)
    np.testing.assert_allclose(found[2400], expected, rtol=1e-6)


@pytest.mark.parametrize(
    "shrinkage, message",
    [
        (0.0, r"a shrinkage above 0, up to 1. Got 0; for nearly none"),
        ([0.5, 1.2], r"a shrinkage above 0, up to 1. Got 1.2"),
        ([np.nan], r"a shrinkage above 0, up to 1. Got nan"),
        ([], r"one number or a list of them. Got shape \(0,\)"),
        ([[0.5]], r"one number or a list of them. Got shape \(1, 1\)"),
    ],
)
def test_bad_shrinkage_is_refused(shrinkage, message):
    with pytest.raises(ValueError, match=message):
        PrototypeClassifier(shrinkage).fit(*blobs(9, 3))


def test_classes_that_cannot_be_learned_are_refused():
    X, labels = blobs(9, 5)
    with pytest.raises(ValueError, match=r"two classes. Got one class, 'ash'"):
        PrototypeClassifier().fit(X, ["ash"] * 9)
    with pytest.raises(ValueError, match=r"Got none of class 'birch'"):
        PrototypeClassifier().fit(X, NAMES[labels], (labels != 1).astype(float))
