"""Tests for imgfeat/evaluation/explanation/_seen_part.py."""

import numpy as np
import pytest

from imgfeat.evaluation.explanation._seen_part import (
    SeenPart,
    part_behind,
    parts_of_views,
)
from imgfeat.nets import Preprocessing
from imgfeat.nets._preprocessing import VIEWS
from imgfeat.preprocess import CenterCrop, Equalize, Grayscale, Resize
from imgfeat.sources import ImageReader

# Images whose values are the places of their pixels' middles, down and across.
SHAPE = 60, 84
PLACES = np.mgrid[: SHAPE[0], : SHAPE[1]] + 0.5


@pytest.mark.parametrize(
    "steps",
    [
        [Resize((30, 21))],
        [Resize((20, 20), aspect="crop")],
        [CenterCrop((40, 31))],
        [ImageReader()],
        [Resize((30, 40), aspect="crop"), CenterCrop((16, 20)), Resize((8, 10))],
        [Grayscale(), Equalize()],
    ],
    ids=["stretch", "crop", "center", "nothing", "three", "same places"],
)
def test_places_go_where_the_steps_say(steps):
    part = part_behind(steps, SHAPE)
    if isinstance(steps[0], Grayscale):
        assert part == SeenPart(SHAPE)
        return
    down, across = PLACES / 100
    for step in steps:
        down, across = (
            ImageReader(
                step.size, mode="gray", dtype="float32", aspect=step.aspect
            ).transform([plane])[0]
            if isinstance(step, ImageReader | Resize)
            else step.transform([plane])[0]
            for plane in (down, across)
        )
    assert part.size == down.shape
    middles = (np.mgrid[: part.size[0], : part.size[1]] + 0.5).reshape(2, -1).T
    found = part.to_image(middles).reshape(*part.size, 2)
    # At the border a resizing filter sees one side only.
    inner = slice(2, -2), slice(2, -2)
    np.testing.assert_allclose(found[inner][..., 0], 100 * down[inner], atol=0.02)
    np.testing.assert_allclose(found[inner][..., 1], 100 * across[inner], atol=0.02)


def test_padding_lies_outside():
    part = part_behind([Resize((42, 42), aspect="pad")], SHAPE)
    assert part.to_image([[0, 0], [42, 42]]).tolist() == [[-12, 0], [72, 84]]


@pytest.mark.parametrize("crop", [0.8, 1.0])
def test_views_lie_where_the_net_sees_them(crop):
    seen = Preprocessing((20, 20), (0.5,) * 3, (0.5,) * 3, crop=crop)
    planes = [np.repeat(PLACES[k][..., None], 3, axis=2) for k in range(2)]
    planes = [plane.astype(np.uint8) for plane in planes]
    for view, part in zip(
        VIEWS[10], parts_of_views(seen, SeenPart(SHAPE), VIEWS[10]), strict=True
    ):
        for k, plane in enumerate(planes):
            out = np.empty((20, 20, 3), dtype=np.uint8)
            seen.apply(plane, out, view)
            middles = (np.mgrid[:20, :20] + 0.5).reshape(2, -1).T
            found = part.to_image(middles)[:, k].reshape(20, 20) - 0.5
            inner = slice(2, -2), slice(2, -2)
            np.testing.assert_allclose(found[inner], out[inner][..., 0], atol=1.1)


@pytest.mark.parametrize(
    ("part", "shape"),
    [
        (SeenPart((7, 7), scale=(10, 12)), (70, 84)),
        (SeenPart((50, 60), corner=(5, 8)), (60, 84)),
        (SeenPart((50, 60), corner=(-20, -3.5), is_mirrored=True), (20, 40)),
        (SeenPart((224, 224), scale=(0.02, 0.03)), (5, 7)),
    ],
    ids=["whole", "cut", "padded and mirrored", "tiny"],
)
def test_spreading_keeps_the_sum(part, shape):
    cells = np.random.default_rng(0).standard_normal((7, 9))
    found = part.spread(cells, shape)
    assert found.shape == shape
    assert found.sum() == pytest.approx(cells.sum(), abs=1e-12)


def test_equal_cells_make_a_flat_map_and_nothing_outside():
    found = SeenPart((40, 60), corner=(10, 5)).spread(np.ones((4, 6)), (60, 84))
    np.testing.assert_allclose(found[10:50, 5:65], 1 / 100, rtol=0.06)
    assert found.sum() == pytest.approx(24)
    assert np.count_nonzero(found) == 40 * 60


def test_a_cell_is_brightest_in_its_middle():
    cells = np.zeros((4, 4))
    cells[1, 2] = 1
    found = SeenPart((40, 40)).spread(cells, (40, 40))
    row, col = np.argwhere(found == found.max()).mean(axis=0) + 0.5
    assert (row, col) == (15, 25)
    mirrored = SeenPart((40, 40), is_mirrored=True).spread(cells, (40, 40))
    np.testing.assert_allclose(mirrored, found[:, ::-1])
