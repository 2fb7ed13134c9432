"""Tests for imgfeat/evaluation/gallery/_plot_detections.py."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from imgfeat.estimators import Detections
from imgfeat.evaluation import plot_detections

IMAGE = np.zeros((40, 60, 3), dtype=np.uint8)
FOUND = Detections(
    np.array([(8.0, 4, 24, 20), (30, 10, 50, 30)]),
    np.array(["cat", "$dog"]),
    np.array([0.9, 0.25]),
)


@pytest.fixture(autouse=True)
def no_figures_left():
    yield
    plt.close("all")


def test_boxes_stand_around_their_pixels_with_label_and_score():
    ax = plot_detections(IMAGE, FOUND)
    assert ax.get_title() == "2 found"
    assert [text.get_text() for text in ax.texts] == ["cat  0.90", r"\$dog  0.25"]
    top = ax.patches[1]
    assert (top.get_x(), top.get_y()) == (7.5, 3.5)
    assert (top.get_width(), top.get_height()) == (16, 16)
    assert ax.patches[1].get_edgecolor() != ax.patches[3].get_edgecolor()


def test_true_boxes_are_dashed():
    ax = plot_detections(IMAGE, FOUND, boxes=[(1, 1, 9, 9)])
    assert [patch.get_linestyle() for patch in ax.patches[-2:]] == ["--", "--"]


def test_draws_on_given_axes():
    _, ax = plt.subplots()
    none = Detections(np.empty((0, 4)), np.empty(0), np.empty(0))
    assert plot_detections(IMAGE[..., 0], none, ax) is ax
    assert ax.get_title() == "0 found"


def test_what_is_found_in_several_images_is_refused():
    with pytest.raises(TypeError, match=r"Got list; take one item: found\[0\]"):
        plot_detections(IMAGE, [FOUND])
    with pytest.raises(ValueError, match="draws one image"):
        plot_detections([IMAGE, IMAGE], FOUND)
