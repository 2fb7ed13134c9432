"""Tests for imgfeat/estimators/_linear_probe.py."""

import re
import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.svm import LinearSVC
from sklearn.utils.estimator_checks import parametrize_with_checks
from threadpoolctl import threadpool_info, threadpool_limits

from imgfeat.estimators import LinearProbe, PlannedFolds
from imgfeat.estimators._row_space import row_space
from tests._expected_failures import OF_ESTIMATORS


def blobs(n_samples, n_features, n_classes=3, strength=1.0):
    rng = np.random.default_rng(0)
    y = np.array(["ash", "birch", "cedar"])[np.arange(n_samples) % n_classes]
    centres = strength * rng.standard_normal((n_classes, n_features))
    return rng.standard_normal((n_samples, n_features)) + centres[
        np.arange(n_samples) % n_classes
    ], y


@parametrize_with_checks(
    [LinearProbe(), LinearProbe("svm")],
    expected_failed_checks=lambda probe: OF_ESTIMATORS[type(probe).__name__],
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("shape", [(40, 300), (120, 20)])
@pytest.mark.parametrize(
    "kind, peer",
    [
        ("svm", LinearSVC(C=0.01, dual=False, tol=1e-8)),
        ("logistic", LogisticRegression(C=0.01, tol=1e-8, max_iter=1000)),
    ],
)
def test_decisions_are_those_of_a_fit_on_all_features(kind, peer, shape, n_classes):
    X, y = blobs(*shape, n_classes, strength=0.1)
    probe = LinearProbe(kind, 0.01).fit(X, y)
    peer.fit(X, y)
    assert probe.coef_.shape == peer.coef_.shape
    np.testing.assert_array_equal(probe.predict(X), peer.predict(X))
    np.testing.assert_allclose(
        probe.decision_function(X), peer.decision_function(X), atol=2e-5
    )
    if kind == "logistic":
        np.testing.assert_allclose(
            probe.predict_proba(X), peer.predict_proba(X), atol=2e-5
        )


@pytest.mark.parametrize("kind", ["svm", "logistic"])
def test_choice_is_that_of_a_grid_search(kind):
    X, y = blobs(60, 200, strength=0.12)
    grid = [1e-1, 1e-5, 1e-3]
    probe = LinearProbe(kind, grid).fit(X, y)
    search = GridSearchCV(LinearProbe(kind), {"C": sorted(grid)}, cv=PlannedFolds(3))
    search.fit(X, y)
    assert search.best_params_["C"] == probe.C_
    np.testing.assert_allclose(
        np.sort(probe.scores_), np.sort(search.cv_results_["mean_test_score"])
    )


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("n_each", [2, 3, 5])
@pytest.mark.parametrize("kind", ["svm", "logistic"])
def test_most_probable_class_is_the_one_decided_for(kind, n_each, n_classes):
    # Few rows of much noise: held-out folds often decide wrong.
    X, y = blobs(n_each * n_classes, 400, n_classes, strength=0.02)
    probe = LinearProbe(kind, [0.01, 1.0]).fit(X, y)
    assert probe.temperature_ > 0
    assert probe.score(X, y) == 1
    shares = probe.predict_proba(X)
    np.testing.assert_array_equal(probe.classes_[shares.argmax(axis=1)], y)
    decisions = probe.decision_function(X)
    if n_classes == 2:
        np.testing.assert_array_equal(decisions.argsort(), shares[:, 1].argsort())
    else:
        np.testing.assert_array_equal(decisions.argsort(axis=1), shares.argsort(axis=1))


@pytest.mark.parametrize("kind", ["svm", "logistic"])
def test_rows_without_weight_are_as_if_not_there(kind):
    X, y = blobs(60, 100)
    weights = (np.arange(60) < 45).astype(float)
    weighed = LinearProbe(kind, [0.01, 0.1]).fit(X, y, weights)
    without = LinearProbe(kind, [0.01, 0.1]).fit(X[:45], y[:45])
    np.testing.assert_array_equal(weighed.coef_, without.coef_)
    assert weighed.temperature_ == without.temperature_


@pytest.mark.parametrize("kind", ["svm", "logistic"])
def test_nothing_of_the_size_of_the_images_is_kept(kind):
    X, y = blobs(30, 500)
    probe = LinearProbe(kind, [0.01, 0.1]).fit(X.astype(np.float32), y)
    assert probe.coef_.dtype == np.float32
    sizes = [np.size(v) for v in vars(probe).values()]
    assert max(sizes) == 3 * 500


def test_one_warning_names_the_remedy():
    X, y = blobs(60, 20, strength=0.1)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        LinearProbe("logistic", [1.0, 1e6], max_iter=2).fit(1e3 * X, y)
    assert [w.category for w in caught] == [ConvergenceWarning]
    message = str(caught[0].message)
    assert re.search(r"logistic regression of LinearProbe .* 2 iterations", message)
    assert re.search(r"smaller C, put StandardScaler in front, or raise", message)


def test_scores_are_told(capsys):
    LinearProbe("svm", [0.01, 0.1], verbose=1).fit(*blobs(30, 50))
    assert capsys.readouterr().out.count("of held-out rows right") == 2


@pytest.mark.parametrize(
    "options, message",
    [
        ({"C": -1.0}, r"positive and finite. Got -1"),
        ({"C": [1.0, np.inf]}, r"positive and finite. Got inf"),
        ({"C": []}, r"one number or a list of them. Got shape \(0,\)"),
        ({"C": [[1.0]]}, r"one number or a list of them. Got shape \(1, 1\)"),
    ],
)
def test_bad_C_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        LinearProbe(**options).fit(*blobs(20, 3))


def test_classes_that_cannot_be_learned_are_refused():
    X, y = blobs(21, 5)
    with pytest.raises(ValueError, match=r"two classes. Got one class, 'ash'"):
        LinearProbe().fit(X, ["ash"] * 21)
    with pytest.raises(ValueError, match=r"Got none of class 'birch'"):
        LinearProbe().fit(X, y, (y != "birch").astype(float))
    few = np.array(["ash"] * 20 + ["birch"])
    with pytest.raises(ValueError, match=r"must be 2 images .* Got 1 of class 'birch'"):
        LinearProbe("svm").fit(X, few)


def test_few_rows_are_decomposed_by_one_thread_of_blas(monkeypatch):
    seen = []

    def spy(X):
        pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
        seen.extend(pool["num_threads"] for pool in pools)
        return row_space(X)

    monkeypatch.setattr("imgfeat.estimators._spanned_rows.row_space", spy)
    X = np.random.default_rng(0).standard_normal((20, 50))
    with threadpool_limits(2, "blas"):
        LinearProbe().fit(X, np.arange(20) % 2)
    assert set(seen) == {1}
