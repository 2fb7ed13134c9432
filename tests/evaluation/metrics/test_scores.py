"""Tests for imgfeat/evaluation/metrics/_scores.py."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.preprocessing import label_binarize
from sklearn.svm import SVC, LinearSVC

from imgfeat import evaluate
from tests.evaluation.metrics.test_evaluate import Oracle


def random_case(seed, n_classes, n_images):
    """Probabilities with ties, and labels of which some classes may have none."""
    rng = np.random.default_rng(seed)
    proba = rng.integers(1, 6, (n_images, n_classes)) + 1.0 * np.arange(n_classes)
    proba /= proba.sum(axis=1, keepdims=True)
    return proba, rng.integers(n_classes, size=n_images)


def scikit_learns(true, proba):
    n_classes = proba.shape[1]
    predicted = proba.argmax(axis=1)
    labels = np.arange(n_classes)
    with warnings.catch_warnings():
        # A predicted class that is not among the true; undefined kappa.
        warnings.simplefilter("ignore")
        found = {
            "accuracy": metrics.accuracy_score(true, predicted),
            "balanced_accuracy": metrics.balanced_accuracy_score(true, predicted),
            "cohen_kappa": metrics.cohen_kappa_score(true, predicted),
            "matthews": metrics.matthews_corrcoef(true, predicted),
            "log_loss": metrics.log_loss(true, proba, labels=labels),
        }
    for average in ("macro", "weighted"):
        names = ("precision", "recall", "f1")
        values = metrics.precision_recall_fscore_support(
            true, predicted, average=average, zero_division=0
        )
        for name, value in zip(names, values, strict=False):
            found[f"{name}_{average}"] = value
    if n_classes > 3:
        found["top_3_accuracy"] = metrics.top_k_accuracy_score(
            true, proba, k=3, labels=labels
        )
    hot = true[:, np.newaxis] == labels
    squares = np.square(proba - hot).sum(axis=1).mean()
    found["brier"] = squares / 2 if n_classes == 2 else squares
    there = hot.any(axis=0) & ~hot.all(axis=0)
    if there.any():
        for name in ("roc_auc", "average_precision"):
            score = getattr(metrics, f"{name}_score")
            one_by_one = [score(hot[:, c], proba[:, c]) for c in np.flatnonzero(there)]
            found[name] = np.mean(one_by_one)
    return found


@given(st.integers(0, 10**6), st.integers(2, 7), st.integers(1, 60))
@settings(max_examples=60, deadline=None)
def test_metrics_equal_scikit_learns_on_random_input(seed, n_classes, n_images):
    proba, true = random_case(seed, n_classes, n_images)
    found = evaluate(Oracle(np.arange(n_classes)), proba, true, top_k=3).metrics
    expected = scikit_learns(true, proba)
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, nan_ok=True, abs=1e-12), name
    known = {*expected, "n_images", "calibration_error"}
    assert not found.drop(list(known & set(found.index))).notna().any()


def test_the_three_of_all_classes_are_scikit_learns():
    proba, true = random_case(3, 4, 200)
    found = evaluate(Oracle(np.arange(4)), proba, true).metrics
    hot = label_binarize(true, classes=np.arange(4))
    area = metrics.roc_auc_score(true, proba, multi_class="ovr")
    assert found["roc_auc"] == pytest.approx(area)
    precision = metrics.average_precision_score(hot, proba, average="macro")
    assert found["average_precision"] == pytest.approx(precision)


def blobs(n_classes=3):
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(n_classes), 30)
    return rng.normal(size=(len(y), 4)) + np.eye(n_classes, 4)[y], y


@pytest.mark.parametrize("n_classes", [2, 3])
def test_decision_values_rank_where_there_are_no_probabilities(n_classes):
    X, y = blobs(n_classes)
    model = LinearSVC().fit(X, y)
    evaluation = evaluate(model, X, y)
    assert evaluation.ranked_by == "decision values"
    values = model.decision_function(X)
    if n_classes == 2:
        expected = metrics.roc_auc_score(y, values)
    else:
        expected = np.mean(
            [metrics.roc_auc_score(y == c, values[:, c]) for c in range(n_classes)]
        )
    assert evaluation.metrics["roc_auc"] == pytest.approx(expected)
    assert evaluation.metrics[["log_loss", "brier", "calibration_error"]].isna().all()


def test_values_of_pairs_are_not_taken_for_those_of_classes():
    X, y = blobs(3)
    model = SVC(decision_function_shape="ovo").fit(X, y)
    assert model.decision_function(X).shape == (90, 3)
    evaluation = evaluate(model, X, y)
    assert evaluation.ranked_by == "nothing"
    assert np.isnan(evaluation.metrics["roc_auc"])


def test_one_class_in_the_truth_leaves_unknown_what_cannot_be_known():
    X, y = blobs(3)
    evaluation = evaluate(LogisticRegression().fit(X, y), X[:30], y[:30])
    found = evaluation.metrics
    assert found[["roc_auc", "average_precision"]].isna().all()
    assert found.drop(["roc_auc", "average_precision"]).notna().all()


def test_a_thousand_classes_are_scored_and_listed():
    rng = np.random.default_rng(0)
    proba = rng.dirichlet(np.ones(1000), size=400)
    true = np.where(rng.random(400) < 0.5, proba.argmax(axis=1), 7)
    evaluation = evaluate(Oracle(np.arange(1000)), proba, true, n_resamples=20)
    assert 0.4 < evaluation.metrics["accuracy"] < 0.6
    assert evaluation.metrics_table.loc["roc_auc", "low"] > 0


def test_decisions_that_a_shifted_threshold_overrules_still_rank_the_images():
    X, y = make_classification(200, random_state=0)
    model = FixedThresholdClassifier(LinearSVC(), threshold=1.5).fit(X, y)
    found = evaluate(model, X, y).metrics
    assert found["roc_auc"] == metrics.roc_auc_score(y, model.decision_function(X))
    assert found["accuracy"] < 0.9
