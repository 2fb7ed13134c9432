"""Tests for imgfeat/features/local/_pyramid.py."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from imgfeat.features import Descriptors
from imgfeat.features.local._bags import Bags
from imgfeat.features.local._pyramid import Pyramid

LEVELS = [None, [1], [1, 2], [(1, 3), (3, 1)], [2, (2, 5), 1]]


def bags_at(*positions):
    """An image with descriptors at each list of positions."""
    values = [np.ones((len(image), 2)) for image in positions]
    shaped = [np.reshape(image, (-1, 2)) for image in positions]
    return Bags(Descriptors.from_images(values, shaped), "VLAD")


@pytest.fixture
def bags():
    rng = np.random.default_rng(0)
    return bags_at(rng.random((400, 2)), [], rng.random((7, 2)))


@pytest.mark.parametrize("levels", LEVELS)
def test_each_descriptor_is_in_the_cell_around_it(bags, levels):
    pyramid = Pyramid(levels)
    for image in range(3):
        cells = pyramid.cells(bags, image)
        positions = bags.positions(image)
        assert cells.shape == (len(levels or [1]), len(positions))
        for number, (row, col) in enumerate(positions):
            start, expected = 0, []
            for shape in levels or [1]:
                down, across = (shape, shape) if isinstance(shape, int) else shape
                expected.append(start + int(row * down) * across + int(col * across))
                start += down * across
            assert_array_equal(cells[:, number], expected)


@pytest.mark.parametrize("levels", LEVELS)
def test_cells_of_levels_do_not_overlap_and_have_a_name_each(bags, levels):
    pyramid = Pyramid(levels)
    by_level = [set(level) for level in pyramid.cells(bags, 0)]
    assert sum(map(len, by_level)) == len(set().union(*by_level)) == pyramid.n_cells
    names = pyramid.prefixes()
    assert len(set(names)) == len(names) == pyramid.n_cells


def test_names_tell_level_row_and_column():
    assert Pyramid([1, (1, 2)]).prefixes() == ["l0_r0_c0_", "l1_r0_c0_", "l1_r0_c1_"]
    assert Pyramid(None).prefixes() == [""]


def test_edges_between_cells_belong_to_the_later_and_the_last_to_the_last():
    bags = bags_at([[0, 0], [0.5, 0.5], [1, 1], [0.4999, 1], [1, 0]])
    assert_array_equal(Pyramid([2]).cells(bags, 0), [[0, 3, 3, 1, 2]])


@pytest.mark.parametrize("position", [[-0.1, 0.5], [0.5, 1.1], [7, -7]])
def test_positions_just_outside_count_to_the_nearest_cell(position):
    bags = bags_at([position])
    inside = bags_at([np.clip(position, 0, 1)])
    for levels in ([3], [(2, 4)]):
        pyramid = Pyramid(levels)
        assert_array_equal(pyramid.cells(bags, 0), pyramid.cells(inside, 0))


@pytest.mark.parametrize("levels", [[0], [(1, 2, 3)], [2.5], [(1, -1)], ["ab"]])
def test_level_that_is_no_grid_is_refused(levels):
    with pytest.raises(ValueError, match="Each level of spatial_pyramid must be a tup"):
        Pyramid(levels)


def test_pyramid_without_levels_is_refused():
    with pytest.raises(ValueError, match=r"must have a level or be None\. Got \(\)"):
        Pyramid([])


def test_arrays_without_positions_do_for_the_whole_image_alone():
    bags = Bags(np.zeros((2, 3, 4)), "VLAD")
    assert_array_equal(Pyramid(None).cells(bags, 0), [[0, 0, 0]])
    assert Pyramid(None).check_fits(bags, "VLAD") is None
    with pytest.raises(ValueError, match=r"\[\(1, 1\)\] needs to know .* and VLAD got"):
        Pyramid([1]).check_positions(bags, "VLAD")


def test_cell_that_is_empty_in_one_image_may_be_filled_by_another():
    halves = bags_at([[0.1, 0.5]], [[0.9, 0.5]])
    assert Pyramid([1, (2, 1)]).check_fits(halves, "VLAD") is None


def test_cell_that_no_image_fills_is_refused_naming_its_level():
    bags = bags_at([[0.1, 0.1], [0.9, 0.1]], [])
    words = r"a level of 2 x 2 cells, and 2 of them hold no .* any of the 2 images; use"
    with pytest.raises(ValueError, match=words):
        Pyramid([1, 2]).check_fits(bags, "VLAD")
