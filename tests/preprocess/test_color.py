"""Tests for imgfeat/preprocess/_color.py."""

import pickle

import cv2
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from sklearn.utils.estimator_checks import parametrize_with_checks

from imgfeat.preprocess import Equalize, Grayscale
from imgfeat.sources import ImageReader
from tests._checks import WITHOUT_DATA, behind_adapter, expected_to_fail
from tests.sources._batches import batch_kinds

BOTH = [Grayscale, Equalize]
METHODS = ["histogram", "clahe"]


@pytest.mark.parametrize("check", WITHOUT_DATA, ids=lambda check: check.__name__)
@pytest.mark.parametrize("transformer", BOTH)
def test_follows_estimator_api(transformer, check):
    check(transformer.__name__, transformer())


@parametrize_with_checks(
    [
        behind_adapter(Grayscale()),
        behind_adapter(Equalize(), unit_range=True),
        behind_adapter(Equalize("clahe", grid=(2, 2)), unit_range=True),
    ],
    expected_failed_checks=expected_to_fail,
)
def test_behaves_in_a_pipeline(estimator, check):
    check(estimator)


@pytest.mark.parametrize("transformer", BOTH)
def test_every_kind_of_batch_gives_the_same_images(
    transformer, images, color_images, tmp_path
):
    for batch in (images, color_images):
        expected = transformer().transform(batch)
        for name, X in batch_kinds(batch, tmp_path).items():
            shape = batch.shape[1:] if name == "flattened" else None
            step = transformer(image_shape=shape, n_jobs=2)
            assert_array_equal(step.fit_transform(X), expected, err_msg=name)


@pytest.mark.parametrize("transformer", BOTH)
def test_mixed_sizes_need_a_reader(transformer, images):
    with pytest.raises(ValueError, match=r"use ImageReader\(size=\(20, 18\)\)"):
        transformer().transform([images[0], images[1][:9]])


# Grayscale --------------------------------------------------------------------------


def test_gray_is_pillow_s_and_the_reader_s(color_images):
    gray = Grayscale().fit_transform(color_images)
    expected = [np.asarray(Image.fromarray(x).convert("L")) for x in color_images]
    assert_array_equal(gray, expected)
    assert_array_equal(gray, ImageReader(mode="gray").transform(color_images))


def test_gray_images_stay(images):
    for batch in (images, images.astype(np.float32) * 1000):
        gray = Grayscale().fit_transform(batch)
        assert gray.dtype == batch.dtype
        assert_array_equal(gray, batch)


# Equalize ---------------------------------------------------------------------------


def reference_histogram(image, levels):
    """The definition: a pixel's new value is the share of pixels it is not below."""
    values, counts = np.unique(image, return_counts=True)
    if len(values) == 1:
        return image
    below = np.cumsum(counts) - counts[0]
    share = dict(zip(values, below / (image.size - counts[0]), strict=True))
    return np.vectorize(share.get)(image) * (levels - 1)


def test_histogram_matches_the_definition(images):
    dark = images // 3 + 20
    expected = [reference_histogram(image, 256) for image in dark]
    assert_allclose(Equalize().fit_transform(dark), expected, atol=0.51)
    deep = dark.astype(np.uint16) * 100
    expected = [reference_histogram(image, 65536) for image in deep]
    assert_allclose(Equalize().fit_transform(deep), expected, atol=0.51)
    fine = deep.astype(np.float32) / 65535
    assert_allclose(
        Equalize().fit_transform(fine), np.array(expected) / 65535, atol=1e-5
    )


def test_clahe_is_opencv_s(images):
    clahe = cv2.createCLAHE(3.0, (5, 4))
    equalize = Equalize("clahe", clip_limit=3.0, grid=(4, 5))
    for batch in (images, images.astype(np.uint16) * 257):
        expected = [clahe.apply(image) for image in batch]
        assert_array_equal(equalize.fit_transform(batch), expected)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
@pytest.mark.parametrize("kind", ["gray", "rgb"])
def test_keeps_dtype_and_range(images, color_images, method, dtype, kind):
    batch = (images if kind == "gray" else color_images).astype(dtype)
    highest = 1 if np.dtype(dtype).kind == "f" else np.iinfo(dtype).max
    batch = batch if dtype == np.uint8 else (batch * dtype(highest / 255)).astype(dtype)
    before = batch.copy()
    equalized = Equalize(method).fit_transform(batch)
    assert equalized.dtype == dtype and equalized.shape == batch.shape
    assert equalized.min() >= 0 and equalized.max() <= highest
    assert_array_equal(batch, before)


@pytest.mark.parametrize("method", METHODS)
def test_color_moves_with_its_luminance(color_images, method):
    muted = color_images // 4 + 90  # far enough from the ends not to clip
    equalized = Equalize(method, clip_limit=1.5, grid=(2, 2)).fit_transform(muted)
    gray = Grayscale().transform(muted)
    target = Equalize(method, clip_limit=1.5, grid=(2, 2)).fit_transform(gray)
    expected = np.clip(muted + (target.astype(int) - gray)[..., None], 0, 255)
    assert_array_equal(equalized, expected)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float64])
def test_flat_image_stays_flat(dtype):
    value = 20_000 if dtype == np.uint16 else 1
    flat = np.full((2, 8, 8, 3), value, dtype=dtype)
    assert_array_equal(Equalize().fit_transform(flat), flat)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_ignores_changes_of_contrast_that_keep_the_order(images, dtype):
    steps = images.astype(dtype) // 2
    low = dtype(0 if dtype == np.uint8 else 20_000)
    compressed, distinct = low + 40 + steps, low + steps * 2
    assert_array_equal(
        Equalize().fit_transform(compressed), Equalize().fit_transform(distinct)
    )


@pytest.mark.parametrize("method", METHODS)
def test_threads_change_nothing(color_images, method):
    batch = np.repeat(color_images, 5, axis=0)
    expected = Equalize(method).fit_transform(batch)
    before = cv2.getNumThreads()
    assert_array_equal(Equalize(method, n_jobs=3).fit_transform(batch), expected)
    assert cv2.getNumThreads() == before
    alone = [Equalize(method).transform(image[None])[0] for image in batch]
    assert_array_equal(alone, expected)


@pytest.mark.parametrize("method", METHODS)
def test_pickles(images, method):
    equalize = Equalize(method).fit(images)
    copy = pickle.loads(pickle.dumps(equalize))
    assert_array_equal(copy.transform(images), equalize.transform(images))


def test_refuses_floats_outside_the_unit_range(images):
    with pytest.raises(ValueError, match=r"in 0..1. Got values from 0 to 255 in"):
        Equalize().fit_transform(images.astype(float))


def test_refuses_a_grid_finer_than_the_image(images):
    with pytest.raises(ValueError, match=r"at least 8 x 8 pixels. Got 20 x 6; use a"):
        Equalize("clahe").fit_transform(images[:, :, :6])
    assert Equalize().fit_transform(images[:, :, :6]).shape == (6, 20, 6)


@pytest.mark.parametrize("grid", [(0, 4), (4,), (2.0, 2)])
def test_rejects_bad_grid(images, grid):
    with pytest.raises(ValueError, match="grid must be a tuple of 2 positive ints"):
        Equalize("clahe", grid=grid).fit(images)
