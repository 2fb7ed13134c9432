"""Tests for imgfeat/nets/_preprocessing.py."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from torchvision.transforms import functional as tv

from imgfeat.nets import Preprocessing

HALVES = {"mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)}


@pytest.mark.parametrize("shape", [(60, 80), (80, 61), (30, 300), (47, 47), (9, 33)])
@pytest.mark.parametrize("size, crop", [(32, 0.875), (31, 1.0), (224, 224 / 232)])
def test_sees_what_torchvision_resizes_and_crops(shape, size, crop):
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    stated = Preprocessing((size, size), crop=crop, interpolation="bicubic", **HALVES)
    out = np.empty((size, size, 3), dtype=np.uint8)
    stated.apply(image, out)

    shorter = int(size / crop + 1e-6)
    resized = tv.resize(
        Image.fromarray(image), shorter, tv.InterpolationMode.BICUBIC, antialias=True
    )
    expected = np.asarray(tv.center_crop(resized, [size, size]))
    off = np.abs(out.astype(int) - expected)
    assert off.max() <= 2
    assert np.mean(off > 1) < 1e-4


def test_oblong_view_is_covered_by_the_image():
    size, (top, left, height, width) = Preprocessing((20, 60), **HALVES).window(90, 100)
    assert (height, width) == (20, 60)
    assert top + height <= size[0] and left + width <= size[1]
    assert min(size[0] / 20, size[1] / 60) == pytest.approx(1 / 0.875, abs=0.02)


def test_gray_is_seen_as_its_rgb_copy(images):
    stated = Preprocessing((16, 16), **HALVES)
    gray, rgb = np.empty((2, 16, 16, 3), dtype=np.uint8)
    stated.apply(images[0], gray)
    stated.apply(np.repeat(images[0][..., None], 3, axis=2), rgb)
    assert_array_equal(gray, rgb)


def test_another_size_keeps_the_share_of_the_crop():
    stated = Preprocessing((224, 224), crop=0.5, **HALVES).with_changes(size=10)
    assert stated.size == (10, 10)
    assert stated.window(40, 40) == ((20, 20), (5, 5, 10, 10))
    assert stated.with_changes(size=None) == stated


def test_reads_the_config_of_a_timm_net():
    config = {
        "input_size": (3, 64, 96), "crop_pct": 0.9, "interpolation": "bilinear",
        "mean": [0.1, 0.2, 0.3], "std": [1, 1, 1], "classifier": "fc",
    }  # fmt: skip
    stated = Preprocessing.from_config(config)
    assert stated.size == (64, 96)
    assert_allclose(stated.mean, (0.1, 0.2, 0.3))
    assert stated.crop == 0.9


CONFIG = {"input_size": (3, 8, 8), "mean": (0.5,) * 3, "std": (0.5,) * 3}


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"input_size": (1, 8, 8)}, r"input_size of 3 channels.* Got \(1, 8, 8\)"),
        ({"mean": None}, "needs input_size, mean, std. Got none of mean"),
        ({"mean": (0.5,)}, "mean must be three finite numbers"),
        ({"interpolation": "random"}, "interpolation must be one of .* Got 'random'"),
        ({"crop_mode": "corner"}, "crop_mode must be one of .* Got 'corner'"),
        ({"color_space": "bgr"}, "Got color_space; use an older timm"),
    ],
)
def test_refuses_a_config_that_it_cannot_follow(wrong, message):
    assert Preprocessing.from_config(CONFIG).crop_mode == "center"
    with pytest.raises(ValueError, match=message):
        Preprocessing.from_config({**CONFIG, **wrong})


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"size": (0, 3)}, "size must be a tuple of 2 positive ints"),
        ({"mean": (0.5,)}, "mean must be three finite numbers"),
        ({"std": (0.5, 0, 0.5)}, "std must be positive"),
        ({"crop": 87.5}, r"crop must be in \(0, 2\]"),
        ({"crop_mode": "stretch"}, "crop_mode must be one of center, squash, border"),
        ({"interpolation": "cubic"}, "interpolation must be one of nearest, box"),
    ],
)
def test_rejects_what_cannot_be(wrong, message):
    with pytest.raises(ValueError, match=message):
        Preprocessing(**{"size": (8, 8), **HALVES, **wrong})
