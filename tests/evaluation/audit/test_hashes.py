"""Tests for imgfeat/evaluation/audit/_hashes.py."""

import cv2
import numpy as np
import pytest
from scipy.fft import dctn

from imgfeat.evaluation.audit._hashes import perceptual_hashes, pixel_digest
from imgfeat.kernels.gray import to_gray
from tests.evaluation.audit._photos import photos


def test_the_hash_is_the_signs_of_low_frequencies_about_their_median():
    picture = np.random.default_rng(0).integers(0, 256, (32, 32), dtype=np.uint8)
    waves = dctn(picture.astype(float))[:8, :8].ravel()
    expected = np.packbits(waves > np.median(waves[1:]))
    found = perceptual_hashes(picture[None]).view(np.uint8)
    assert found.tolist() == expected.tolist()


def test_a_copy_differs_in_few_bits_and_another_picture_in_many():
    gray = to_gray(np.ascontiguousarray(photos()))
    small = np.array([cv2.resize(one, (32, 32)) for one in gray])
    darker = np.array([cv2.resize(one // 2 + 20, (32, 32)) for one in gray])
    bits = perceptual_hashes(small)[:, None] ^ perceptual_hashes(darker)
    differ = np.bitwise_count(bits)
    assert differ.diagonal().max() <= 6
    assert differ[~np.eye(len(gray), dtype=bool)].min() >= 10


def test_no_thumbnails_have_no_hashes():
    assert perceptual_hashes(np.empty((0, 32, 32), np.uint8)).shape == (0,)


@pytest.mark.parametrize(
    "same",
    [
        lambda gray: np.repeat(gray[..., None], 3, axis=2),
        lambda gray: gray / 255,
        lambda gray: (gray / 255).astype(np.float32),
        lambda gray: gray.astype(np.uint16) * 257,
    ],
)
def test_one_picture_has_one_digest_in_every_depth(same):
    gray = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert pixel_digest(same(gray)) == pixel_digest(gray)


def test_pictures_that_differ_only_in_their_depth_differ():
    deep = np.full((4, 4), 1000, np.uint16)
    assert pixel_digest(deep) != pixel_digest(deep + np.uint16(1))
    assert pixel_digest(deep / 65535) != pixel_digest((deep + 1) / 65535)


def test_another_shape_of_the_same_values_is_another_picture():
    gray = np.zeros((4, 8), np.uint8)
    assert pixel_digest(gray) != pixel_digest(gray.reshape(8, 4))
