"""Tests for imgfeat/estimators/detection/_hog_windows.py."""

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer, StandardScaler
from sklearn.svm import SVC, LinearSVC

from imgfeat.estimators.detection._cut_windows import CutWindows
from imgfeat.estimators.detection._hog_windows import hog_windows
from imgfeat.features import HOG
from imgfeat.preprocess import Equalize, Grayscale
from imgfeat.sources import ImageReader

rng = np.random.default_rng(0)
# Flat parts, too, whose blocks are empty.
PHOTO = rng.integers(0, 256, (12, 15, 3), dtype=np.uint8).repeat(6, 0).repeat(6, 1)
PHOTO[20:60] ^= rng.integers(0, 32, (40, 90, 3), dtype=np.uint8)


def fitted(window, *steps, n_classes=2, photo=PHOTO):
    tops = rng.integers(0, 72 - window[0], 24)
    lefts = rng.integers(0, 90 - window[1], 24)
    crops = np.stack(
        [
            photo[top : top + window[0], left : left + window[1]]
            for top, left in zip(tops, lefts, strict=True)
        ]
    )
    return make_pipeline(*steps).fit(crops, np.arange(24) % n_classes)


def hog(cell, **options):
    return HOG(pixels_per_cell=(cell, cell), **options)


GRAY, SVM = Grayscale(), LinearSVC()
# Window, step, steps of the pipeline, classes.
CASES = {
    "cells": ((24, 32), (8, 8), [GRAY, HOG(), SVM], 2),
    "a scaler": ((16, 24), (8, 8), [GRAY, HOG(), StandardScaler(), SVM], 2),
    "three in colour": ((24, 24), (6, 6), [hog(6), LogisticRegression()], 3),
    "within cells": ((20, 15), (2, 3), [GRAY, hog(5, block_norm="L1-sqrt"), SVM], 2),
    "across cells": ((20, 20), (15, 7), [GRAY, hog(5, block_norm="L1"), SVM], 2),
    "no whole cells": ((23, 26), (8, 8), [GRAY, HOG(block_norm="L2"), SVM], 2),
    "one block": ((16, 8), (8, 8), [hog(8, cells_per_block=(2, 1)), SVM], 2),
    "one cell a block": ((12, 12), (4, 4), [hog(4, cells_per_block=(1, 1)), SVM], 3),
    "a reader": ((24, 24), (8, 8), [ImageReader(24, mode="gray"), HOG(), SVM], 2),
}


@pytest.mark.parametrize("case", CASES)
def test_scores_are_those_of_windows_by_themselves(case):
    window, step, steps, n_classes = CASES[case]
    pipeline = fitted(window, *steps, n_classes=n_classes)
    shared = hog_windows(pipeline, window, step).score(PHOTO)
    alone = CutWindows(pipeline, window, step, 100).score(PHOTO)
    assert len(np.unique(alone.round(3))) > 20
    np.testing.assert_allclose(shared, alone, atol=1e-5)


@pytest.mark.parametrize(
    "steps",
    [
        [Grayscale(), HOG(), SVC()],
        [Grayscale(), HOG(), Normalizer(), LinearSVC()],
        [Grayscale(), HOG(transform_sqrt=True), LinearSVC()],
        [Grayscale(), Equalize(), HOG(), LinearSVC()],
        [ImageReader(32, mode="gray"), HOG(), LinearSVC()],
        [Grayscale(), HOG(), CalibratedClassifierCV(LinearSVC(), cv=2)],
    ],
    ids=str,
)
def test_what_shares_no_blocks_is_left_to_windows_that_are_cut(steps):
    assert hog_windows(fitted((16, 24), *steps), (16, 24), (8, 8)) is None


def test_floats_are_left_to_windows_that_are_cut():
    photo = PHOTO[..., 0] / 255
    pipeline = fitted((16, 24), HOG(), LinearSVC(), photo=photo)
    assert hog_windows(pipeline, (16, 24), (8, 8)).score(photo) is None
