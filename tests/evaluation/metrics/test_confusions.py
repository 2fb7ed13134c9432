"""Tests for imgfeat/evaluation/metrics/_confusions.py."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import metrics

from imgfeat.evaluation.metrics._confusions import count_pairs, tabulate_classes


@pytest.mark.parametrize("n_classes, n_images", [(2, 9), (5, 40), (30, 80)])
def test_tables_equal_those_of_scikit_learn(n_classes, n_images):
    rng = np.random.default_rng(n_classes)
    true, predicted = rng.integers(0, n_classes, (2, n_images))
    labels = np.arange(n_classes)
    counts = count_pairs(true, predicted, n_classes)
    expected = metrics.confusion_matrix(true, predicted, labels=labels)
    assert_array_equal(counts, expected)
    table = tabulate_classes(pd.DataFrame(counts, labels, labels))
    expected = metrics.precision_recall_fscore_support(
        true, predicted, labels=labels, zero_division=0
    )
    assert_allclose(table.to_numpy().T, expected)
    assert table["n_images"].dtype == counts.dtype
    assert table.index.name == "class"
