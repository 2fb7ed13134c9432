"""Tests for imgfeat/estimators/detection/_levels.py."""

import numpy as np
import pytest

from imgfeat.estimators.detection._levels import plan_levels


def plan(shape, window=(10, 20), step=(5, 5), scale=2.0, low=None, high=None):
    return plan_levels(shape, window, step, scale, low, high, who="image 3")


def test_levels_end_where_a_window_no_longer_fits():
    assert [level.size for level in plan((80, 90))] == [(80, 90), (40, 45), (20, 22)]


def test_sizes_are_those_of_the_objects():
    assert [level.size for level in plan((80, 90), low=20, high=20)] == [(40, 45)]
    assert plan((80, 90), low=5)[0].size == (160, 180)


def test_boxes_are_windows_in_pixels_of_the_image():
    level = plan((80, 90))[1]
    assert level.grid == (7, 6)
    boxes = level.boxes()
    assert boxes[0].tolist() == [0, 0, 40, 20]
    assert boxes[-1].tolist() == [50, 60, 90, 80]
    assert boxes[1].tolist() == [10, 0, 50, 20]
    assert len(boxes) == 42


def test_sides_are_stretched_each_by_itself():
    level = plan((81, 45), scale=1.9)[1]
    assert level.size == (43, 24)
    np.testing.assert_allclose(level.stretch, (81 / 43, 45 / 24))


@pytest.mark.parametrize(("low", "needed"), [(None, "10 x 20"), (30, "30 x 60")])
def test_an_image_smaller_than_the_window_is_named(low, needed):
    with pytest.raises(
        ValueError,
        match=f"at least {needed} pixels here. Got 9 x 90 in image 3; set min_size",
    ):
        plan((9, 90), low=low)


def test_an_image_is_not_enlarged_beyond_all_memory():
    with pytest.raises(
        ValueError, match=r"min_size=1 needs image 3 of 3000 x 4000 .* use a larger"
    ):
        plan((3000, 4000), low=1)
