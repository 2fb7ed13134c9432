"""Tests for imgfeat/preprocess/_geometry.py."""

import pickle

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_array_equal
from PIL import Image
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from imgfeat.kernels.resize import resize
from imgfeat.preprocess import CenterCrop, Resize
from imgfeat.sources import ImageDecodeError, ImageReader
from tests._checks import WITHOUT_DATA, behind_adapter, expected_to_fail
from tests.sources._batches import batch_kinds
from tests.sources._files import encode

BOTH = [Resize, CenterCrop]


@pytest.mark.parametrize("check", WITHOUT_DATA, ids=lambda check: check.__name__)
@pytest.mark.parametrize("transformer", BOTH)
def test_follows_estimator_api(transformer, check):
    check(transformer.__name__, transformer())


@parametrize_with_checks(
    [behind_adapter(Resize((5, 3))), behind_adapter(CenterCrop((3, 2)))],
    expected_failed_checks=expected_to_fail,
)
def test_behaves_in_a_pipeline(estimator, check):
    check(estimator)


@pytest.mark.parametrize("transformer", BOTH)
def test_every_kind_of_batch_gives_the_same_images(
    transformer, images, color_images, tmp_path
):
    for batch in (images, color_images):
        expected = transformer((9, 8)).transform(batch)
        for name, X in batch_kinds(batch, tmp_path).items():
            shape = batch.shape[1:] if name == "flattened" else None
            step = transformer((9, 8), image_shape=shape, n_jobs=2)
            assert_array_equal(step.fit_transform(X), expected, err_msg=name)


@pytest.mark.parametrize("transformer", BOTH)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
def test_keeps_dtype_and_channels(transformer, color_images, dtype):
    for batch in (color_images, color_images[..., 0]):
        batch = batch.astype(dtype) * dtype(100)
        out = transformer((9, 8)).fit_transform(batch)
        assert out.dtype == dtype and out.flags.c_contiguous
        assert out.shape == (4, 9, 8, *batch.shape[3:])


@pytest.mark.parametrize("transformer", BOTH)
def test_takes_images_of_any_sizes(transformer, color_images):
    mixed = [color_images[0], encode(color_images[1][:12]), color_images[2][:, :11]]
    step = transformer((9, 8))
    alone = [step.transform([image])[0] for image in mixed]
    assert_array_equal(step.transform(mixed), alone)


@pytest.mark.parametrize("transformer", BOTH)
def test_refuses_gray_among_rgb(transformer, color_images):
    mixed = [color_images[0], color_images[1][..., 0]]
    with pytest.raises(ValueError, match="Got RGB in image 0 and gray in image 1; bef"):
        transformer((9, 8)).transform(mixed)


@pytest.mark.parametrize("transformer", BOTH)
@pytest.mark.parametrize("size", [(0, 4), (4,), (2.0, 2), (1, 2, 3)])
def test_rejects_bad_size(transformer, images, size):
    for use in (transformer(size).fit, transformer(size).transform):
        with pytest.raises(ValueError, match="size must be a tuple of 2 positive ints"):
            use(images)


@pytest.mark.parametrize("transformer", BOTH)
def test_names_a_file_that_is_missing(transformer):
    with pytest.raises(ImageDecodeError, match=r"absent.png: there is no such file"):
        transformer((2, 2)).fit(["absent.png"]).transform(["absent.png"])


@pytest.mark.parametrize("transformer", BOTH)
def test_clone_and_pickle_keep_it(transformer, images):
    step = transformer((5, 6))
    expected = step.transform(images)
    assert_array_equal(clone(step).transform(images), expected)
    assert_array_equal(pickle.loads(pickle.dumps(step)).transform(images), expected)


@pytest.mark.parametrize("transformer", BOTH)
def test_images_stay_arrays_whatever_output_is_set(transformer, images):
    step = transformer((5, 6))
    with sklearn.config_context(transform_output="pandas"):
        assert isinstance(step.fit_transform(images), np.ndarray)
    pipeline = make_pipeline(step, "passthrough").set_output(transform="pandas")
    assert isinstance(pipeline.fit_transform(images), np.ndarray)


# Resize -----------------------------------------------------------------------------


@pytest.mark.parametrize("aspect", ["stretch", "crop", "pad"])
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic"])
def test_resize_is_what_the_reader_does(color_images, aspect, interpolation):
    spec = {"aspect": aspect, "interpolation": interpolation}
    expected = ImageReader((11, 8), **spec).transform(color_images)
    assert_array_equal(Resize((11, 8), **spec).transform(color_images), expected)


def test_resize_uses_the_one_kernel(images):
    resized = Resize((9, 30), interpolation="lanczos").transform(images)
    expected = [resize(image, (9, 30), interpolation="lanczos") for image in images]
    assert_array_equal(resized, expected)


def test_resize_takes_floats_of_any_scale(images):
    small = Resize((4, 4)).transform(images * 1000.0 - 7)
    assert small.max() > 1000


# CenterCrop -------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(1, 1), (9, 8), (10, 9), (20, 18), (7, 17)])
def test_crop_is_torchvision_s(images, size):
    v2 = pytest.importorskip("torchvision.transforms")
    expected = [np.asarray(v2.CenterCrop(size)(Image.fromarray(x))) for x in images]
    assert_array_equal(CenterCrop(size).transform(images), expected)


def test_crop_refuses_smaller_images(images, tmp_path):
    message = r"CenterCrop\(size=\(16, 16\)\) needs images of at least 16 x 16 pixels."
    with pytest.raises(ValueError, match=message + " Got 15 x 18 in image 0; resize"):
        CenterCrop((16, 16)).transform(images[:, :15])
    path = tmp_path / "small.png"
    path.write_bytes(encode(images[0][:, :9]))
    with pytest.raises(ValueError, match=message + r" Got 20 x 9 in .*small.png"):
        CenterCrop((16, 16)).transform([images[0], path])


def test_crop_does_not_share_memory(images):
    assert not np.shares_memory(CenterCrop((20, 18)).transform(images), images)
