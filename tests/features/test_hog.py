"""Tests for imgfeat/features/_hog.py."""

import pickle

import numpy as np
import pytest
import skimage.feature
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import parametrize_with_checks

from imgfeat.features import HOG
from tests._checks import WITHOUT_DATA, behind_adapter, expected_to_fail


@pytest.mark.parametrize("check", WITHOUT_DATA, ids=lambda check: check.__name__)
def test_follows_estimator_api(check):
    check("HOG", HOG())


@parametrize_with_checks(
    [behind_adapter(HOG(pixels_per_cell=(2, 2), cells_per_block=(2, 2)))],
    expected_failed_checks=expected_to_fail,
)
def test_behaves_in_a_pipeline(estimator, check):
    check(estimator)


def reference(image, orientations, pixels_per_cell, cells_per_block):
    """The definition with block_norm="L2", one pixel at a time."""
    height, width = image.shape
    cell_height, cell_width = pixels_per_cell
    rows, cols = height // cell_height, width // cell_width
    cells = np.zeros((rows, cols, orientations))
    for y in range(rows * cell_height):
        for x in range(cols * cell_width):
            down = image[y + 1, x] - image[y - 1, x] if 0 < y < height - 1 else 0.0
            across = image[y, x + 1] - image[y, x - 1] if 0 < x < width - 1 else 0.0
            degrees = np.degrees(np.arctan2(down, across)) % 180
            bin_ = int(degrees // (180 / orientations))
            cells[y // cell_height, x // cell_width, bin_] += np.hypot(down, across)
    cells /= cell_height * cell_width
    block_rows, block_cols = cells_per_block
    blocks = [
        cells[r : r + block_rows, c : c + block_cols].ravel()
        for r in range(rows - block_rows + 1)
        for c in range(cols - block_cols + 1)
    ]
    return np.ravel([block / np.sqrt(block @ block + 1e-10) for block in blocks])


@pytest.mark.parametrize("cell, block", [((8, 8), (2, 2)), ((3, 5), (2, 1))])
def test_matches_the_definition(images, cell, block):
    hog = HOG(7, pixels_per_cell=cell, cells_per_block=block, block_norm="L2")
    expected = [reference(image.astype(float), 7, cell, block) for image in images]
    assert_allclose(hog.fit_transform(images), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("block_norm", ["L1", "L1-sqrt", "L2", "L2-Hys"])
@pytest.mark.parametrize("transform_sqrt", [False, True])
def test_passes_its_parameters_on(color_images, block_norm, transform_sqrt):
    params = {
        "orientations": 6,
        "pixels_per_cell": (4, 6),
        "cells_per_block": (3, 2),
        "block_norm": block_norm,
        "transform_sqrt": transform_sqrt,
    }
    expected = [
        skimage.feature.hog(image, channel_axis=2, **params) for image in color_images
    ]
    features = HOG(**params).fit_transform(color_images)
    assert_allclose(features, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("axis, expected", [(1, [1, 0, 0, 0]), (0, [0, 0, 1, 0])])
def test_ramp_fills_the_bin_of_its_direction(axis, expected):
    ramp = np.indices((1, 8, 8))[axis + 1].astype(float)
    features = HOG(4, cells_per_block=(1, 1)).fit_transform(ramp)
    assert_allclose(features, [expected], atol=1e-6)


@pytest.mark.parametrize("dtype", [np.uint16, np.float32, np.float64])
def test_same_pixels_in_another_dtype_give_the_same_features(color_images, dtype):
    features = HOG().fit_transform(color_images)
    assert features.dtype == np.float32
    scale = 257 if dtype == np.uint16 else 1
    other = color_images.astype(dtype) * dtype(scale)
    assert_allclose(HOG().fit_transform(other), features, 1e-6)


def test_ignores_brightness_and_contrast(images):
    features = HOG().fit_transform(images / 255)
    assert_allclose(HOG().fit_transform(3.0 * images + 7), features, atol=1e-5)


def test_image_without_edges_gives_zeros():
    flat = np.full((2, 16, 16, 3), 200, dtype=np.uint8)
    assert_array_equal(HOG().fit_transform(flat), 0)


def test_gray_image_equals_its_rgb_copy(images):
    rgb = np.repeat(images[..., None], 3, axis=3)
    assert_array_equal(HOG().fit_transform(rgb), HOG().fit_transform(images))


def test_row_is_the_same_alone_and_in_any_batch(images):
    batch = HOG().fit_transform(images)
    alone = [HOG().fit_transform(image[None])[0] for image in images]
    assert_array_equal(batch, alone)


def test_threads_change_nothing(images):
    assert_array_equal(HOG(n_jobs=2).fit_transform(images), HOG().fit_transform(images))


def test_needs_no_fit(images):
    assert_array_equal(HOG().transform(images), HOG().fit_transform(images))


def test_flattened_rows_equal_images(images, color_images):
    for batch in (images, color_images):
        hog = HOG(image_shape=batch.shape[1:])
        flat = batch.reshape(len(batch), -1)
        assert_array_equal(hog.fit_transform(flat), HOG().fit_transform(batch))


@pytest.fixture
def paths(tmp_path, color_images):
    names = [str(tmp_path / f"{i}.png") for i in range(len(color_images))]
    for image, name in zip(color_images, names, strict=True):
        Image.fromarray(image).save(name)
    return names


def test_paths_equal_arrays(paths, color_images):
    assert_array_equal(HOG().fit_transform(paths), HOG().fit_transform(color_images))


def test_fit_reads_only_the_first_of_many_files(paths, color_images):
    hog = HOG().fit([paths[0], "missing.png"])
    assert hog.image_shape_in_ == color_images.shape[1:]
    with pytest.raises(ValueError, match=r"missing\.png"):
        hog.transform([paths[0], "missing.png"])


def test_names_say_block_cell_and_orientation(images):
    hog = HOG(2, pixels_per_cell=(8, 6), cells_per_block=(1, 2)).fit(images)
    names = list(hog.get_feature_names_out())
    assert names[:5] == [
        "hog_r0_c0_b0_o0", "hog_r0_c0_b0_o1", "hog_r0_c0_b1_o0", "hog_r0_c0_b1_o1",
        "hog_r0_c1_b0_o0",
    ]  # fmt: skip
    assert names[-1] == "hog_r1_c1_b1_o1"
    assert len(names) == hog.transform(images).shape[1]


def test_names_the_columns_of_a_frame(images):
    frame = HOG().set_output(transform="pandas").fit_transform(images)
    assert frame.columns[0] == "hog_r0_c0_b0_o0"
    assert frame.shape == (6, 36)


def test_names_need_the_size_of_the_images():
    with pytest.raises(NotFittedError, match="not fitted"):
        HOG().get_feature_names_out()


def test_survives_pickle_and_clone(images):
    hog = HOG(5, pixels_per_cell=[4, 4]).fit(images)
    for twin in (pickle.loads(pickle.dumps(hog)), clone(hog).fit(images)):
        assert_array_equal(twin.transform(images), hog.transform(images))


def test_says_how_large_images_must_be():
    message = r"needs images of at least 16 x 20 pixels. Got 16 x 19; use smaller"
    with pytest.raises(ValueError, match=message):
        HOG(pixels_per_cell=(8, 10)).fit(np.zeros((2, 16, 19)))
    with pytest.raises(ValueError, match=message):
        HOG(pixels_per_cell=(8, 10)).transform(np.zeros((2, 16, 19)))


def test_takes_no_root_of_negative_pixels(images):
    with pytest.raises(ValueError, match=r"needs pixels of 0 and more\. Got values"):
        HOG(transform_sqrt=True).fit(images - 1.5)


def test_refuses_pixels_whose_differences_leave_float32():
    checkers = np.indices((1, 16, 16)).sum(axis=0) // 2 % 2 * 1e39
    with pytest.raises(ValueError, match=r"from 0 to 1e\+39; scale the images down"):
        HOG().fit_transform(checkers)


@pytest.mark.parametrize("name", ["pixels_per_cell", "cells_per_block"])
@pytest.mark.parametrize("value", [(0, 4), (4,), (2.0, 2)])
def test_rejects_bad_sizes(images, name, value):
    with pytest.raises(ValueError, match=f"{name} must be a tuple of 2 positive ints"):
        HOG(**{name: value}).fit(images)


def test_rejects_another_size_after_fit(images):
    with pytest.raises(ValueError, match="fitted on images of 20 x 18 pixels"):
        HOG().fit(images).transform(images[:, :-1])


@pytest.mark.parametrize("kind", ["images", "color_images"])
def test_device_gives_the_same_features(kind, request):
    X = request.getfixturevalue(kind)
    hog = HOG(pixels_per_cell=(4, 4))
    # Torch's own name for the CPU: what runs on a device then runs there.
    on_device = hog.set_params(device="cpu:0").fit_transform(X)
    on_cpu = hog.set_params(device="cpu").fit_transform(X)
    assert on_device.dtype == np.float32
    assert_allclose(on_device, on_cpu, rtol=0, atol=1e-5)


def test_says_that_a_device_is_not_there(images):
    with pytest.raises(ValueError, match=r"no device 'toaster' here\. .*device='auto'"):
        HOG(device="toaster").fit_transform(images)
