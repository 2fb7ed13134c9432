"""Tests for imgfeat/evaluation/audit/_outliers.py."""

import numpy as np
import pytest

from imgfeat.evaluation.audit._label_errors import COLUMNS
from imgfeat.evaluation.audit._outliers import LIMIT, outlier_issues


def embeddings(n, center=0, n_features=64, spread=0.3, seed=0):
    """Rows like those of a net: not negative, of one direction."""
    rng = np.random.default_rng(seed)
    direction = np.random.default_rng(100 + center).exponential(size=n_features)
    return direction * np.exp(rng.normal(0, spread, (n, n_features)))


def test_what_is_planted_is_found_and_nothing_else():
    X = embeddings(200)
    X[5], X[150] = embeddings(1, center=1), embeddings(1, center=2)
    issues = outlier_issues(X)
    assert sorted(issues["row"]) == [5, 150]
    assert issues.columns.tolist() == COLUMNS
    assert set(issues["kind"]) == {"outlier"}
    assert set(issues["label"]) == set(issues["suggested"]) == {""}
    assert issues["score"].between(0.5, 1).all()
    assert issues["score"].is_monotonic_decreasing
    assert "farther than usual" in issues["what"][0]


def test_the_score_is_a_half_at_the_limit_and_rises():
    X = embeddings(200)
    X[5] = embeddings(1, center=1)
    issues = outlier_issues(X)
    times = float(issues["what"][0].rpartition("by ")[2].split()[0])
    np.testing.assert_allclose(issues["score"][0], 1 - LIMIT / (2 * times), atol=0.01)


def test_clean_images_give_no_finding():
    X = np.concatenate([embeddings(100), embeddings(100, center=1, seed=1)])
    assert len(outlier_issues(X)) == 0
    assert len(outlier_issues(X, np.repeat(["a", "b"], 100))) == 0


def test_a_varied_class_has_its_own_measure():
    varied = embeddings(60, center=1, spread=1.5, seed=1)
    X = np.concatenate([embeddings(200), varied])
    y = np.repeat(["even", "varied"], [200, 60])
    assert len(outlier_issues(X)) > 10
    assert len(outlier_issues(X, y)) <= 1
    X[7] = embeddings(1, center=3)
    assert 7 in outlier_issues(X, y)["row"].tolist()
    assert outlier_issues(X, y).set_index("row")["label"][7] == "even"


def test_the_length_of_an_embedding_does_not_count():
    X = embeddings(100) * np.random.default_rng(0).uniform(0.1, 10, (100, 1))
    assert len(outlier_issues(X)) == 0


def test_rows_without_numbers_are_left_out_and_missing_labels_are_not():
    X = embeddings(100)
    X[3] = np.nan
    X[5] = embeddings(1, center=1)
    y = np.array(["a"] * 100, dtype=object)
    y[5] = None
    issues = outlier_issues(X, y)
    assert issues["row"].tolist() == [5]
    assert issues["label"].tolist() == [""]


def test_equal_images_make_no_outliers_of_those_that_are_nearly_so():
    X = np.repeat(embeddings(1), 100, axis=0)
    X[:5] += 1e-4
    assert len(outlier_issues(X)) == 0


@pytest.mark.parametrize("n", [0, 1, 5, 19])
def test_of_a_few_images_nothing_is_said(n):
    assert len(outlier_issues(embeddings(19)[:n])) == 0


def test_small_classes_are_held_against_all_images():
    X = np.concatenate([embeddings(100), embeddings(3, seed=1)])
    X[101] = embeddings(1, center=1)
    y = np.repeat(["many", "few"], [100, 3])
    assert outlier_issues(X, y)["row"].tolist() == [101]


def test_labels_of_another_number_are_refused():
    with pytest.raises(ValueError, match=r"shape \(30, 64\) and 29 labels"):
        outlier_issues(embeddings(30), ["a"] * 29)
