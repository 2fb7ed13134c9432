"""Tests for imgfeat/evaluation/metrics/_matched_boxes.py."""

import numpy as np
import pytest

from imgfeat.estimators import Detections
from imgfeat.evaluation import average_precision


def found(rows):
    rows = [(*box, label, score) for box, label, score in rows]
    table = np.array(rows, dtype=object).reshape(-1, 6)
    return Detections(
        table[:, :4].astype(float), np.array(table[:, 4].tolist()), table[:, 5]
    )


A, B, C, FAR = (0, 0, 10, 10), (30, 0, 40, 10), (60, 0, 70, 10), (90, 90, 99, 99)
NEAR_A, HALF_A = (0, 0, 10, 9), (0, 0, 10, 4)


def test_average_precision_is_that_of_the_curve_by_hand():
    images = [found([(A, 1, 0.9), (FAR, 1, 0.8)]), found([(B, 1, 0.7), (C, 1, 0.2)])]
    row = average_precision(images, [[A], [B, A]]).loc[1]
    # Right, wrong, right, wrong of three objects: precision 1 at 1/3, 2/3 at 2/3.
    assert row["average_precision"] == pytest.approx((1 + 2 / 3) / 3)
    assert row["recall"] == pytest.approx(2 / 3)
    assert row["precision"] == 0.5
    assert row[["n_objects", "n_found", "n_right"]].tolist() == [3, 4, 2]


def test_an_object_counts_once_for_the_surest():
    images = [found([(NEAR_A, 1, 0.5), (A, 1, 0.4)])]
    assert average_precision(images, [[A]]).loc[1, "n_right"] == 1


def test_boxes_must_overlap_enough():
    images = [found([(HALF_A, 1, 0.5)])]
    assert average_precision(images, [[A]]).loc[1, "average_precision"] == 0
    enough = average_precision(images, [[A]], min_overlap=0.4)
    assert enough.loc[1, "average_precision"] == 1


def test_labels_are_compared_each_by_itself():
    images = [found([(A, "cat", 0.5), (B, "dog", 0.4), (C, "cow", 0.1)])]
    table = average_precision(images, [[A, B]], [["dog", "dog"]])
    assert table.index.tolist() == ["cat", "cow", "dog"]
    assert table.loc["dog", "average_precision"] == 0.5
    assert np.isnan(table.loc["cat", "average_precision"])
    alike = average_precision(images, [[A, B]])
    assert alike.loc[1, "average_precision"] == 1


def test_nothing_found_is_no_precision():
    row = average_precision([found([])], [[A]]).loc[1]
    assert row["average_precision"] == 0
    assert np.isnan(row["precision"])
    nothing = average_precision([found([])], [[]])
    assert nothing.shape == (0, 6)
    assert nothing["n_found"].tolist() == []


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"put them in a list: \[found\]"):
        average_precision(found([]), [[A]])
    with pytest.raises(ValueError, match="Got 1 detections, 2 boxes and 2 labels"):
        average_precision([found([])], [[A], [A]])
    with pytest.raises(ValueError, match="Got 1 labels and 2 boxes for image 0"):
        average_precision([found([])], [[A, B]], [["cat"]])
