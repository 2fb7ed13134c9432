"""Tests for imgfeat/features/_lbp.py."""

import io

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from skimage.feature import local_binary_pattern
from sklearn.utils.estimator_checks import parametrize_with_checks

from imgfeat.features import LBP
from tests._checks import WITHOUT_DATA, behind_adapter, expected_to_fail


@pytest.mark.parametrize("check", WITHOUT_DATA, ids=lambda check: check.__name__)
def test_follows_estimator_api(check):
    check("LBP", LBP())


@parametrize_with_checks(
    [behind_adapter(LBP())], expected_failed_checks=expected_to_fail
)
def test_behaves_in_a_pipeline(estimator, check):
    check(estimator)


def counts_by_skimage(image, n_points, radius, method, n_bins):
    codes = local_binary_pattern(image, n_points, radius, method).astype(int)
    return np.bincount(codes.ravel(), minlength=n_bins)


@pytest.mark.parametrize(
    "n_points, radius, method, n_bins",
    [
        (8, 1, "uniform", 10),
        (24, 3, "uniform", 26),
        (8, 2, "nri_uniform", 59),
        (8, 1, "default", 256),
    ],
)
def test_with_zeros_around_it_counts_the_codes_of_skimage(
    images, n_points, radius, method, n_bins
):
    lbp = LBP(n_points, radius, method=method, normalize=None, border="zeros")
    expected = [
        counts_by_skimage(image, n_points, radius, method, n_bins) for image in images
    ]
    assert_array_equal(lbp.fit_transform(images), expected)


def test_skips_pixels_whose_circle_leaves_the_image(images):
    codes = [local_binary_pattern(image, 8, 2, "uniform") for image in images]
    expected = [
        np.bincount(code[2:-2, 2:-2].astype(int).ravel(), minlength=10)
        for code in codes
    ]
    lbp = LBP(8, 2, normalize=None)
    assert_array_equal(lbp.fit_transform(images), expected)


def test_scales_follow_one_another(images):
    both = LBP((8, 16), (1, 2)).fit_transform(images)
    parts = [LBP(8, 1), LBP(16, 2)]
    expected = np.hstack([part.fit_transform(images) for part in parts])
    assert_array_equal(both, expected)


def test_cells_add_up_to_the_whole(images):
    whole = LBP(normalize=None).fit_transform(images)
    cells = LBP(normalize=None, grid=(3, 2)).fit_transform(images)
    assert_array_equal(cells.reshape(len(images), 6, 10).sum(axis=1), whole)


def test_a_cell_is_an_image_of_its_own():
    image = np.random.default_rng(0).integers(0, 256, (1, 10, 14), dtype=np.uint8)
    cells = LBP(grid=(1, 2)).fit_transform(image)
    right_half = LBP().fit_transform(image[:, :, 6:])  # its border is in the left half
    assert_array_equal(cells[:, 10:], right_half)


def test_ignores_brightness_and_doubling(images):
    describe = LBP((8, 16), (1, 2.5)).transform
    # Near ties, an image with its own rounding would see other signs.
    flat = images // 32
    assert_array_equal(describe(flat + 200), describe(flat))
    assert_array_equal(describe(flat * 2), describe(flat))


@pytest.mark.parametrize("method", ["uniform", "ror"])
def test_ignores_a_quarter_turn(images, method):
    describe = LBP((8, 16), (1, 2), method=method).transform
    turned = np.rot90(images, axes=(1, 2))
    assert_allclose(describe(turned), describe(images), atol=1e-6)


@pytest.mark.parametrize("value", [0, 7, 255, 0.1, -1e30])
def test_a_flat_image_has_one_pattern(value):
    features = LBP(8, 1.5).fit_transform(np.full((1, 8, 8), value))
    assert_array_equal(features, [[0] * 8 + [1, 0]])


@pytest.mark.parametrize("normalize, length", [("l1", 1), ("sqrt", 2), ("l2", 2)])
def test_normalizes_every_cell(images, normalize, length):
    features = LBP(grid=(2, 2), normalize=normalize).fit_transform(images)
    norms = np.linalg.norm(features.reshape(-1, 10), ord=length, axis=1)
    assert_allclose(norms, 1, rtol=1e-6)


def test_every_kind_of_batch_gives_the_same_features(images):
    files = []
    for image in images:
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, "png")
        files.append(buffer.getvalue())
    expected = LBP().transform(images)
    assert_array_equal(LBP().transform(files), expected)
    assert_array_equal(LBP().transform(images.astype(float)), expected)
    rows = images.reshape(len(images), -1)
    assert_array_equal(LBP(image_shape=(20, 18)).transform(rows), expected)
    in_rgb = np.repeat(images[..., None], 3, axis=3)
    assert_array_equal(LBP().transform(in_rgb), expected)


def test_threads_and_batches_change_nothing(images):
    many = np.concatenate([images] * 30)
    features = LBP(grid=(2, 2), n_jobs=2).fit_transform(many)
    alone = LBP(grid=(2, 2)).fit_transform(images[:1])
    assert_array_equal(features[:1], alone)
    assert features.dtype == np.float32
    assert features.flags.c_contiguous


def test_names_every_feature(images):
    lbp = LBP((1, 2), (1, 1.5), grid=(1, 2)).fit(images)
    names = list(lbp.get_feature_names_out())
    assert names[:4] == [
        "lbp_r1_row0_col0_bin0", "lbp_r1_row0_col0_bin1",
        "lbp_r1_row0_col0_bin2", "lbp_r1_row0_col1_bin0",
    ]  # fmt: skip
    assert names[-1] == "lbp_r1.5_row0_col1_bin3"
    assert len(names) == lbp.transform(images).shape[1]


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"n_points": 17, "method": "ror"}, "from 1 to 16 with method='ror'. Got 17"),
        ({"n_points": 0}, "n_points must be ints from 1 to 24"),
        ({"n_points": (8, 16)}, "one entry a scale. Got 2 in .* and 1 in radius=1"),
        ({"radius": -1}, "radius must be positive, in pixels. Got -1"),
        ({"grid": (0, 4)}, "grid must be a tuple of 2 positive ints"),
        ({"radius": 12}, "at least 25 x 25 pixels. Got 20 x 18; use a smaller radius"),
        ({"grid": (4, 17)}, "at least 6 x 19 pixels. Got 20 x 18"),
    ],
)
def test_says_what_is_wrong_with_a_parameter(images, parameters, message):
    with pytest.raises(ValueError, match=message):
        LBP(**parameters).fit(images)


def test_refuses_what_is_not_finite(images):
    bad = images.astype(float)
    bad[2, 3, 4] = np.nan
    with pytest.raises(ValueError, match="contains NaN: 1 of 6 images"):
        LBP().fit(bad)
