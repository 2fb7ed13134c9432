"""Tests for imgfeat/features/_color_histogram.py."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from skimage.color import rgb2hsv
from sklearn.utils.estimator_checks import parametrize_with_checks

from imgfeat.features import ColorHistogram
from tests._checks import WITHOUT_DATA, behind_adapter, expected_to_fail


@pytest.mark.parametrize("check", WITHOUT_DATA, ids=lambda check: check.__name__)
def test_follows_estimator_api(check):
    check("ColorHistogram", ColorHistogram())


@parametrize_with_checks(
    [behind_adapter(ColorHistogram(4), unit_range=True)],
    expected_failed_checks=expected_to_fail,
)
def test_behaves_in_a_pipeline(estimator, check):
    check(estimator)


def reference(image, space, n_bins, joint):
    """Counts by NumPy's histograms of scikit-image's colours."""
    pixels = image if space == "rgb" else rgb2hsv(image)
    pixels = pixels.reshape(-1, 3)
    if joint:
        return np.histogramdd(pixels, n_bins, range=[(0, 1)] * 3)[0].ravel()
    return np.concatenate(
        [
            np.histogram(channel, n, range=(0, 1))[0]
            for channel, n in zip(pixels.T, n_bins, strict=True)
        ]
    )


@pytest.mark.parametrize("joint", [True, False])
@pytest.mark.parametrize("n_bins", [(4, 4, 4), (8, 2, 1)])
@pytest.mark.parametrize("space", ["rgb", "hsv"])
def test_matches_the_definition(space, n_bins, joint):
    # Floats: an integer may lie on the edge of a bin, where rounding decides.
    X = np.random.default_rng(0).random((4, 12, 10, 3))
    histogram = ColorHistogram(n_bins, space=space, joint=joint, normalize=None)
    expected = [reference(image, space, n_bins, joint) for image in X]
    assert_array_equal(histogram.fit_transform(X), expected)


@pytest.mark.parametrize(
    "color, lab",
    [
        ((255, 255, 255), (100, 0, 0)),
        ((0, 0, 0), (0, 0, 0)),
        ((255, 0, 0), (53.2, 80.1, 67.2)),
        ((0, 0, 255), (32.3, 79.2, -107.9)),
        ((0, 255, 0), (87.7, -86.2, 83.2)),
    ],
)
def test_knows_the_corners_of_lab(color, lab):
    n_bins = (20, 20, 20)
    low, high = np.array([[0, -87, -108], [100, 99, 95]])
    bins = np.clip((np.array(lab) - low) / (high - low) * n_bins, 0, 19).astype(int)
    X = np.full((1, 3, 3, 3), color, dtype=np.uint8)
    histogram = ColorHistogram(n_bins, space="lab", normalize="l1").fit(X)
    (index,) = np.flatnonzero(histogram.transform(X)[0])
    names = histogram.get_feature_names_out()
    assert names[index] == "color_row0_col0_l{}_a{}_b{}".format(*bins)


@pytest.mark.parametrize("joint", [True, False])
@pytest.mark.parametrize("normalize, length", [("l1", 1), ("sqrt", 2), ("l2", 2)])
def test_normalizes_every_cell(color_images, joint, normalize, length):
    histogram = ColorHistogram(4, joint=joint, grid=(3, 2), normalize=normalize)
    features = histogram.fit_transform(color_images).reshape(4 * 6, -1)
    assert_allclose(np.linalg.norm(features, ord=length, axis=1), 1, rtol=1e-6)


def test_cells_add_up_to_the_whole(color_images):
    whole = ColorHistogram(4, normalize=None).fit_transform(color_images)
    cells = ColorHistogram(4, normalize=None, grid=(5, 3)).fit_transform(color_images)
    assert_array_equal(cells.reshape(4, 15, 64).sum(axis=1), whole)


def test_mirroring_moves_cells_and_changes_nothing_in_them(color_images):
    describe = ColorHistogram(4, grid=(2, 2), space="hsv").transform
    features = describe(color_images).reshape(4, 2, 2, 64)
    mirrored = describe(np.ascontiguousarray(color_images[:, :, ::-1]))
    assert_array_equal(mirrored.reshape(4, 2, 2, 64), features[:, :, ::-1])


@pytest.mark.parametrize("space", ["rgb", "hsv", "lab"])
def test_gray_is_rgb_with_equal_channels(images, space):
    in_rgb = np.repeat(images[..., None], 3, axis=3)
    describe = ColorHistogram(8, space=space).transform
    assert_array_equal(describe(images), describe(in_rgb))


def test_every_scale_of_pixels_gives_the_same_features(color_images):
    expected = ColorHistogram(8).fit_transform(color_images)
    for X in (color_images.astype(np.uint16) * 257, color_images / 255):
        assert_array_equal(ColorHistogram(8).fit_transform(X), expected)


def test_threads_and_batches_change_nothing(color_images):
    many = np.concatenate([color_images] * 20)
    features = ColorHistogram(space="lab", n_jobs=2).fit_transform(many)
    alone = ColorHistogram(space="lab").fit_transform(color_images[:1])
    assert_array_equal(features[:1], alone)
    assert features.dtype == np.float32
    assert features.flags.c_contiguous


def test_names_every_feature(color_images):
    histogram = ColorHistogram((2, 1, 1), grid=(1, 2)).fit(color_images)
    assert list(histogram.get_feature_names_out()) == [
        "color_row0_col0_r0_g0_b0", "color_row0_col0_r1_g0_b0",
        "color_row0_col1_r0_g0_b0", "color_row0_col1_r1_g0_b0",
    ]  # fmt: skip
    histogram.set_params(joint=False, grid=(1, 1), space="hsv")
    assert list(histogram.get_feature_names_out()) == [
        "color_row0_col0_h0", "color_row0_col0_h1",
        "color_row0_col0_s0", "color_row0_col0_v0",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"n_bins": (8, 8)}, "n_bins must be a tuple of 3 positive ints"),
        ({"n_bins": 0}, "n_bins must be a tuple of 3 positive ints"),
        ({"grid": (2, 21)}, "grid=.* at least 2 x 21 pixels. Got 24 x 20"),
    ],
)
def test_says_what_is_wrong_with_a_parameter(color_images, parameters, message):
    with pytest.raises(ValueError, match=message):
        ColorHistogram(**parameters).fit(color_images)


def test_refuses_floats_of_unknown_scale(color_images):
    with pytest.raises(ValueError, match=r"in 0\.\.1\. Got .* divide by 255"):
        ColorHistogram().fit(color_images.astype(float))
    with pytest.raises(ValueError, match=r"Got values from -1 to .* scale them"):
        ColorHistogram().fit(color_images / 127.5 - 1)
