"""Tests for imgfeat/evaluation/comparison/_stratified_order.py."""

import numpy as np

from imgfeat.evaluation.comparison._stratified_order import stratified_order


def test_every_beginning_of_the_order_has_the_classes_in_their_shares():
    y = np.repeat([0, 1, 2], [60, 30, 10])
    order = stratified_order(np.arange(100), y)
    assert sorted(order) == list(range(100))
    for n in (10, 20, 50):
        counts = np.bincount(y[order[:n]], minlength=3)
        assert np.abs(counts - n * np.array([0.6, 0.3, 0.1])).max() <= 1
