"""Tests for imgfeat/evaluation/comparison/_few_images.py."""

import numpy as np
import pytest
from sklearn.model_selection import StratifiedKFold

from imgfeat.evaluation.comparison._few_images import have_few, note_few_images


@pytest.mark.parametrize(
    "counts, few", [([6, 6, 90], True), ([1, 7, 7], False), ([5, 8], False)]
)
def test_the_class_in_the_middle_decides(counts, few):
    labels = np.repeat(np.arange(len(counts)), counts)
    assert have_few(labels) is few
    assert (note_few_images(labels, [], 5) is not None) is few


@pytest.mark.parametrize("folds", [5, StratifiedKFold(5)])
def test_note_counts_images_of_a_fold_and_names_the_recipe(folds):
    labels = np.repeat(["a", "b"], 5)
    note = note_few_images(labels, ["cnn-lr"], folds)
    assert "5 images or fewer: of such a class each of 5 folds tests 1" in note
    assert "learns from 4" in note
    assert note.endswith("The recipe prototype is made for so few.")
    assert "prototype" not in note_few_images(labels, ["prototype"], folds)
