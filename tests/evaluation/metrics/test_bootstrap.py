"""Tests for imgfeat/evaluation/metrics/_bootstrap.py."""

import numpy as np
import pytest
from sklearn import metrics

from imgfeat import evaluate
from tests.evaluation.metrics.test_evaluate import Oracle
from tests.evaluation.metrics.test_scores import random_case


@pytest.fixture(scope="module")
def case():
    proba, true = random_case(0, 3, 300)
    return proba, np.where(np.arange(300) % 2, proba.argmax(axis=1), true)


def evaluated(case, **options):
    return evaluate(Oracle(np.arange(3)), *case, **options)


@pytest.mark.slow
def test_intervals_are_those_of_images_drawn_one_by_one(case):
    proba, true = case
    table = evaluated(case, n_resamples=2000).metrics_table
    rng = np.random.default_rng(1)
    slow = []
    for _ in range(400):
        rows = rng.integers(len(true), size=len(true))
        predicted = proba[rows].argmax(axis=1)
        slow.append(
            [
                metrics.f1_score(true[rows], predicted, average="macro"),
                metrics.matthews_corrcoef(true[rows], predicted),
                metrics.roc_auc_score(true[rows], proba[rows], multi_class="ovr"),
                metrics.log_loss(true[rows], proba[rows], labels=[0, 1, 2]),
            ]
        )
    ends = np.quantile(slow, [0.025, 0.975], axis=0).T
    names = ["f1_macro", "matthews", "roc_auc", "log_loss"]
    widths = (ends[:, 1] - ends[:, 0])[:, np.newaxis]
    difference = table.loc[names, ["low", "high"]].to_numpy(float) - ends
    assert np.abs(difference / widths).max() < 0.15


def test_value_lies_in_its_interval(case):
    table = evaluated(case).metrics_table.drop("calibration_error")
    assert (table["low"] <= table["value"]).all()
    assert (table["value"] <= table["high"]).all()


def test_a_seed_gives_the_same_and_another_another(case):
    first = evaluated(case).metrics_table
    assert first.equals(evaluated(case).metrics_table)
    assert not first.equals(evaluated(case, random_state=1).metrics_table)


def test_a_higher_level_is_wider(case):
    narrow = evaluated(case, level=0.5).metrics_table
    wide = evaluated(case, level=0.99).metrics_table
    assert (wide["high"] - wide["low"] > narrow["high"] - narrow["low"]).all()


def test_accuracy_of_many_images_has_the_width_of_a_binomial():
    proba, _ = random_case(0, 2, 4000)
    right = np.random.default_rng(0).random(4000) < 0.9
    true = np.where(right, proba.argmax(axis=1), 1 - proba.argmax(axis=1))
    row = evaluate(Oracle([0, 1]), proba, true).metrics_table.loc["accuracy"]
    expected = 2 * 1.96 * np.sqrt(0.09 / 4000)
    assert row["high"] - row["low"] == pytest.approx(expected, rel=0.1)


def test_accuracy_without_a_mistake_is_not_certain():
    true = np.arange(20) % 2
    proba = np.eye(2)[true]
    table = evaluate(Oracle([0, 1]), proba, true).metrics_table
    low, high, n_resamples = table.loc["accuracy", ["low", "high", "n_resamples"]]
    assert low == pytest.approx(20 / (20 + 1.96**2), abs=1e-3)
    assert (high, n_resamples) == (1, 0)


def test_value_lies_in_its_interval_with_as_many_classes_as_images():
    """Drawing leaves out a third of them, and means of classes fall in every draw."""
    proba, true = random_case(0, 150, 300)
    true = np.where(np.arange(300) % 3, proba.argmax(axis=1), true)
    model = Oracle(np.arange(150))
    table = evaluate(model, proba, true, n_resamples=200).metrics_table
    table = table.drop("calibration_error")
    assert (table["low"] <= table["value"]).all()
    assert (table["value"] <= table["high"]).all()
    assert (table["low"] < table["high"]).all()
