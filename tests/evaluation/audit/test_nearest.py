"""Tests for imgfeat/evaluation/audit/_nearest.py."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from imgfeat.evaluation.audit import _nearest
from imgfeat.evaluation.audit._nearest import nearest_pairs


def unit_rows(n_rows, seed=0):
    rows = np.random.default_rng(seed).normal(size=(n_rows, 6)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def by_sorting(queries, rows, k, at_least):
    """The definition, with all n x n similarities."""
    close = queries @ rows.T
    np.fill_diagonal(close, -np.inf)
    found = set()
    for row, values in enumerate(close):
        for other in np.argsort(-values)[:k]:
            if values[other] > at_least:
                found.add((min(row, other), max(row, other)))
    return sorted(found)


@pytest.mark.parametrize("block", [7, 16, 1000])
@pytest.mark.parametrize("at_least", [-1.0, 0.6])
def test_blocks_find_what_sorting_finds(monkeypatch, block, at_least):
    monkeypatch.setattr(_nearest, "_BLOCK", block)
    queries, rows = unit_rows(60), unit_rows(60, seed=1)
    for some in (rows, queries):
        found = nearest_pairs(some, rows, 4, at_least=at_least, n_jobs=2)
        assert_array_equal(found, by_sorting(some, rows, 4, at_least))


@pytest.mark.parametrize("n_rows", [0, 1])
def test_fewer_than_two_rows_have_no_pairs(n_rows):
    rows = unit_rows(n_rows)
    assert nearest_pairs(rows, rows, 3).shape == (0, 2)


def test_with_few_rows_each_is_paired_with_all_others():
    rows = unit_rows(3)
    assert nearest_pairs(rows, rows, 8).tolist() == [[0, 1], [0, 2], [1, 2]]
