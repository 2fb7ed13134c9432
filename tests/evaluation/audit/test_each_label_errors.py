"""Tests for imgfeat/evaluation/audit/_each_label_errors.py."""

import numpy as np
import pytest

from imgfeat.evaluation.audit._each_label_errors import issues_of_labels
from imgfeat.evaluation.audit._label_texts import LabelTexts
from imgfeat.evaluation.audit._out_of_fold import labels_out_of_fold

pytest.importorskip("cleanlab")
TEXTS = LabelTexts(("moss", "rust", "worn"), ";", in_columns=False)


@pytest.fixture
def told():
    """Labels of 90 images, and probabilities that tell them rightly."""
    values = np.random.default_rng(0).integers(2, size=(90, 3))
    return values, np.where(values == 1, 0.95, 0.05)


def test_right_labels_have_no_findings(told):
    assert issues_of_labels(*told, TEXTS).empty


def test_wrong_and_missing_labels_of_an_image_are_one_finding(told):
    values, shares = told
    values[[7, 11]] = [[1, 0, 1], [0, 1, 0]]
    shares[7] = [0.01, 0.97, 0.96]
    shares[11] = [0.05, 0.02, 0.05]
    found = issues_of_labels(values, shares, TEXTS)
    assert found["row"].tolist() == [7, 11]
    assert found["label"].tolist() == ["moss;worn", "rust"]
    assert found["suggested"].tolist() == ["rust;worn", ""]
    assert found["what"].tolist() == [
        "Labelled moss, which looks wrong: 1%; looks like rust, which is missing: 97%.",
        "Labelled rust, which looks wrong: 2%.",
    ]
    assert found["score"].is_monotonic_decreasing and found["score"].between(0, 1).all()


def test_flags_of_a_label_are_those_of_cleanlab(told):
    from cleanlab.multilabel_classification.filter import (
        find_multilabel_issues_per_class,
    )

    values, shares = told
    rng = np.random.default_rng(1)
    flipped = rng.random(values.shape) < 0.08
    given = np.where(flipped, 1 - values, values)
    lists = [np.flatnonzero(row).tolist() for row in given]
    theirs = find_multilabel_issues_per_class(lists, shares, n_jobs=1)
    found = issues_of_labels(given, shares, TEXTS)
    assert set(found["row"]) == set(np.flatnonzero(theirs.any(axis=1)))
    assert set(found["row"]) == set(np.flatnonzero(flipped.any(axis=1)))


def test_what_is_nan_is_not_judged(told):
    values, shares = told
    values[3, 0] ^= 1
    shares[:, 0] = np.nan
    assert issues_of_labels(values, shares, TEXTS).empty


def test_models_judge_each_label_by_images_that_they_have_not_seen():
    rng = np.random.default_rng(0)
    values = rng.integers(2, size=(120, 3))
    values[:, 2] = 1
    rows = np.hstack([values, values]) * 4 + rng.normal(size=(120, 6))
    rows[5] = np.nan
    found, notes = labels_out_of_fold(rows, values, TEXTS.names)
    assert np.isnan(found[5]).all() and np.isnan(found[:, 2]).all()
    known = np.delete(np.arange(120), 5)
    agree = (found[known, :2] > 0.5) == values[known, :2]
    assert agree.mean() > 0.95
    (note,) = notes
    assert "too few readable images have them or lack them: 'worn'" in note
