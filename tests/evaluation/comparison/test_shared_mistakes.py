"""Tests for imgfeat/evaluation/comparison/_shared_mistakes.py: several labels."""

import numpy as np

from imgfeat.evaluation.comparison._shared_mistakes import shared_mistakes_of_several

CLASSES = np.array(["a", "b", "c"])
TRUE = np.array([[1, 0, 0], [0, 1, 0], [1, 1, 1]], dtype=bool)


def test_what_is_shown_is_what_a_model_says():
    # Of the first image each label is right with most, and each model is wrong.
    models = [
        [[1, 1, 0], [0, 1, 0], [1, 0, 1]],
        [[0, 0, 0], [1, 1, 0], [1, 0, 1]],
        [[1, 0, 1], [0, 0, 0], [1, 1, 0]],
    ]
    table = shared_mistakes_of_several(TRUE, np.array(models, dtype=bool), CLASSES)
    assert list(table.index) == [2, 0]
    assert list(table["predicted"]) == [("a", "c"), ("a", "b")]
    assert list(table["n_agree"]) == [2, 1]


def test_no_image_that_all_get_wrong_is_an_empty_table():
    table = shared_mistakes_of_several(TRUE, TRUE[None], CLASSES)
    assert len(table) == 0
