"""Tests for imgfeat/sources/_samples.py."""

import socket

import numpy as np
import pytest
import skimage.data
from numpy.testing import assert_array_equal
from sklearn.datasets import load_digits
from sklearn.model_selection import GroupKFold

from imgfeat.sources import load_sample


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("load_sample asked for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.parametrize(
    "name, shape, n_classes",
    [("digits", (1797, 8, 8), 10), ("faces", (200, 25, 25), 2), ("textures", None, 3)],
)
def test_gives_gray_uint8_images_and_labels(name, shape, n_classes):
    data = load_sample(name)
    assert data.images.shape == (shape or (192, 64, 64))
    assert data.images.dtype == np.uint8
    assert data.images.max() > 240 and data.images.min() < 20
    assert data.target.dtype == np.int64
    assert_array_equal(np.unique(data.target), np.arange(n_classes))
    assert_array_equal(data.frame.label, data.target_names[data.target])
    assert len(data.frame) == len(data.images) and data.DESCR


def test_digits_are_scikit_learn_s_times_16():
    data, digits = load_sample("digits"), load_digits()
    assert_array_equal(data.images, np.rint(digits.images * 255 / 16))
    assert_array_equal(data.target, digits.target)


def test_faces_come_first():
    data = load_sample("faces")
    assert list(data.frame.label) == ["face"] * 100 + ["background"] * 100


@pytest.mark.parametrize("patch_size", [32, 50, 64, 200, 256])
def test_texture_parts_never_share_a_pixel(patch_size):
    data = load_sample("textures", patch_size=patch_size)
    n_side = 512 // patch_size
    assert data.images.shape == (3 * n_side**2, patch_size, patch_size)
    assert set(data.frame.part) == {"train", "test"}

    # Find every patch in its picture, and mark what each part uses.
    pictures = [getattr(skimage.data, name)() for name in data.target_names]
    place = np.tile(np.arange(n_side**2), 3)
    seen = np.zeros((3, 512, 512), dtype=int)
    last_train, first_test = 0, 512
    for image, label, index, part in zip(
        data.images, data.target, place, data.frame.part, strict=True
    ):
        row, col = np.array(divmod(index, n_side)) * patch_size
        window = slice(row, row + patch_size), slice(col, col + patch_size)
        assert_array_equal(image, pictures[label][window])
        seen[label][window] += 1
        if part == "train":
            last_train = max(last_train, col + patch_size)
        else:
            first_test = min(first_test, col)
    assert seen.max() == 1
    assert last_train <= first_test


def test_texture_groups_are_blocks_within_one_part_and_picture():
    frame = load_sample("textures", patch_size=32).frame
    by_group = frame.groupby("group")
    assert by_group.size().eq(16).all() and len(by_group) == 48
    assert by_group.part.nunique().eq(1).all()
    assert by_group.label.nunique().eq(1).all()
    assert sum(1 for _ in GroupKFold(5).split(frame, groups=frame.group)) == 5


@pytest.mark.parametrize("patch_size", [7, 257, 64.0])
def test_patch_size_is_checked(patch_size):
    with pytest.raises(ValueError, match=r"'patch_size' .* in the range \[8, 256\]"):
        load_sample("textures", patch_size=patch_size)


def test_unknown_name_lists_the_names():
    with pytest.raises(ValueError, match=r"'name'.*among .*'textures'.* Got 'cats'"):
        load_sample("cats")
