"""Tests for imgfeat/evaluation/gallery/_exact_search.py."""

import numpy as np
import pytest

from imgfeat.evaluation.gallery import _exact_search
from imgfeat.evaluation.gallery._exact_search import nearest_rows


def slowly(queries, rows, n, penalties=0):
    scores = (queries @ rows.T).astype(np.float64) - penalties
    order = np.argsort(-scores, axis=1, kind="stable")[:, :n]
    return order, np.take_along_axis(scores, order, axis=1)


def whole_numbers(shape, seed=0, high=4):
    """Floats whose products are exact, with many equal sums."""
    rng = np.random.default_rng(seed)
    return rng.integers(-high, high + 1, shape).astype(np.float32)


@pytest.mark.parametrize("at_once", [1, 7, 64, 10_000])
@pytest.mark.parametrize("n", [1, 5, 40])
def test_finds_what_sorting_all_scores_finds(monkeypatch, at_once, n):
    monkeypatch.setattr(_exact_search, "_SCORES", at_once)
    monkeypatch.setattr(_exact_search, "_QUERIES", 3)
    queries, rows = whole_numbers((8, 5)), whole_numbers((40, 5), seed=1)
    found, scores = nearest_rows(queries, rows, n)
    order, expected = slowly(queries, rows, n)
    np.testing.assert_array_equal(found, order)  # of equals the first
    np.testing.assert_array_equal(scores, expected)


def test_penalties_are_subtracted():
    queries, rows = whole_numbers((6, 4)), whole_numbers((30, 4), seed=1)
    penalties = whole_numbers(30, seed=2)
    found, scores = nearest_rows(queries, rows, 4, penalties)
    order, expected = slowly(queries, rows, 4, penalties)
    np.testing.assert_array_equal(found, order)
    np.testing.assert_array_equal(scores, expected)


def test_all_rows_equal_are_found_in_order():
    found, _ = nearest_rows(
        np.ones((2, 3), np.float32), np.ones((50, 3), np.float32), 9
    )
    np.testing.assert_array_equal(found, np.tile(np.arange(9), (2, 1)))
