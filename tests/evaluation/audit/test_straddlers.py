"""Tests for imgfeat/evaluation/audit/_straddlers.py."""

import io

import numpy as np
import pytest
from PIL import Image

from imgfeat import load_sample
from imgfeat.evaluation.audit._straddlers import note_straddlers


@pytest.fixture(scope="module")
def photos():
    return list(load_sample("textures", patch_size=96).images[::9])


def recompressed(pixels):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "jpeg", quality=90)
    return buffer.getvalue()


def held(n, *rows):
    return np.isin(np.arange(n), rows)


def test_photos_that_differ_are_not_mentioned(photos):
    assert len(photos) == 9
    assert note_straddlers(photos, held(9, 1, 2)) is None


def test_copies_on_both_sides_are_counted(photos):
    copies = [recompressed(photos[0]), recompressed(photos[4]), photos[5]]
    note = note_straddlers([*photos, *copies], held(12, 4, 9, 8))
    assert "2 pairs in the training part and among the held-out images" in note
    assert "1 pair within the training part" in note
    assert "imgfeat audit" in note and "duplicate_groups" in note


def test_copies_of_one_group_or_both_held_out_are_all_right(photos):
    copies = [recompressed(photos[0]), recompressed(photos[4])]
    groups = [*range(9), 0, 9]
    assert note_straddlers([*photos, *copies], held(11, 4, 10), groups) is None


def test_files_that_cannot_be_read_are_left_to_others(photos):
    images = [b"no image", photos[0], "missing.jpg", photos[0]]
    note = note_straddlers(images, held(4, 3))
    assert note.startswith("Some images are nearly the same: 1 pair in the training")
    assert note_straddlers([b"no image", photos[0]], held(2)) is None
