"""Tests for imgfeat/estimators/detection/_detections.py."""

import numpy as np

from imgfeat.estimators.detection._detections import Windows, overlaps, pick, suppress

BOXES = np.array(
    [(0, 0, 10, 10), (1, 0, 11, 10), (20, 0, 30, 10), (0, 0, 10, 5)], float
)


def test_overlap_is_intersection_over_union():
    found = overlaps(BOXES, BOXES[:1])[:, 0]
    np.testing.assert_allclose(found, [1, 90 / 110, 0, 0.5])


def test_of_boxes_that_overlap_the_surest_stays():
    scores = np.array([1.0, 3, 2, 0])
    one = np.zeros(4, dtype=int)
    assert suppress(BOXES, scores, one, 0.3).tolist() == [1, 2]
    assert suppress(BOXES, scores, one, 0.7).tolist() == [1, 2, 3]
    assert suppress(BOXES, scores, np.array([0, 1, 0, 1]), 0.3).tolist() == [1, 2, 0]
    assert suppress(BOXES[:0], scores[:0], one[:0], 0.3).tolist() == []


def test_without_a_threshold_an_object_must_beat_the_background():
    classes = np.array(["cat", "dog", "none"])
    scores = np.array([(1, -3, 0), (2, 5, 6), (-2, -1, -3), (-9, -8, 1)], float)
    rows, found = pick(Windows(BOXES, scores), classes, "none", None, 1.0)
    assert rows.tolist() == [0, 2]
    assert found.labels.tolist() == ["cat", "dog"]
    assert found.scores.tolist() == [1, -1]
    assert found.boxes.tolist() == BOXES[[0, 2]].tolist()


def test_a_threshold_is_all_that_counts():
    classes = np.array([0, 1])
    scores = np.array([(1, -1), (0.2, -0.2), (-1, 1), (2, -2)], float)
    rows, found = pick(Windows(BOXES, scores), classes, 0, -0.5, 1.0)
    assert rows.tolist() == [2, 1]
    assert found.labels.tolist() == [1, 1]
