"""Tests for imgfeat/features/_glcm.py."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from skimage.feature import graycomatrix, graycoprops
from sklearn.utils.estimator_checks import parametrize_with_checks

from imgfeat.features import GLCM
from imgfeat.features._glcm import MORE_PROPERTIES, PROPERTIES
from tests._checks import WITHOUT_DATA, behind_adapter, expected_to_fail


@pytest.mark.parametrize("check", WITHOUT_DATA, ids=lambda check: check.__name__)
def test_follows_estimator_api(check):
    check("GLCM", GLCM())


@parametrize_with_checks(
    [behind_adapter(GLCM(8, distances=(1, 2)), unit_range=True)],
    expected_failed_checks=expected_to_fail,
)
def test_behaves_in_a_pipeline(estimator, check):
    check(estimator)


def reference(image, n_levels, d_row, d_col):
    """The matrix one pair at a time, then properties by their formulas."""
    matrix = np.zeros((n_levels, n_levels))
    for row, col in np.ndindex(image.shape):
        other_row, other_col = row + d_row, col + d_col
        if 0 <= other_row < image.shape[0] and 0 <= other_col < image.shape[1]:
            a = int(image[row, col]) * n_levels // 256
            b = int(image[other_row, other_col]) * n_levels // 256
            matrix[a, b] += 1
            matrix[b, a] += 1
    p = matrix / matrix.sum()
    i, j = np.indices(p.shape)
    mean = (i * p).sum()
    variance = (p * (i - mean) ** 2).sum()
    return {
        "contrast": (p * (i - j) ** 2).sum(),
        "dissimilarity": (p * abs(i - j)).sum(),
        "homogeneity": (p / (1 + (i - j) ** 2)).sum(),
        "energy": np.sqrt((p**2).sum()),
        "correlation": (p * (i - mean) * (j - mean)).sum() / variance,
    }


@pytest.mark.parametrize(
    "distance, angle, d_row, d_col",
    [(1, 0, 0, 1), (2, 45, 1, 1), (3, 90, 3, 0), (1, 135, 1, -1)],
)
def test_matches_the_definition(images, distance, angle, d_row, d_col):
    features = GLCM(7, distances=(distance,), angles=(angle,)).fit_transform(images)
    expected = [list(reference(x, 7, d_row, d_col).values()) for x in images]
    assert_allclose(features, expected, rtol=1e-5, atol=1e-6)


def test_every_scale_of_pixels_gives_the_same_features(images):
    expected = GLCM().fit_transform(images)
    for X in (images.astype(np.uint16) * 257, (images + 0.5) / 256):
        assert_array_equal(GLCM().fit_transform(X), expected)
    in_rgb = np.repeat(images[..., None], 3, axis=3)
    assert_array_equal(GLCM().fit_transform(in_rgb), expected)


def test_ignores_a_half_turn_and_transposes_its_angles(images):
    glcm = GLCM(angles=(0, 90))
    features = glcm.fit_transform(images)
    assert_allclose(glcm.transform(images[:, ::-1, ::-1]), features, rtol=1e-6)
    turned = glcm.fit_transform(images.transpose(0, 2, 1))
    swapped = features.reshape(len(images), -1, 2)[..., ::-1].reshape(len(images), -1)
    assert_allclose(turned, swapped, rtol=1e-6)


@pytest.mark.parametrize("value", [0, 77, 255])
def test_an_image_of_one_gray_is_finite(value):
    X = np.full((1, 6, 6), value, dtype=np.uint8)
    features = GLCM(distances=(1,), angles=(0,)).fit_transform(X)
    assert_allclose(features, [[0, 0, 1, 1, 1]], atol=1e-7)


def test_threads_and_batches_change_nothing(images):
    many = np.concatenate([images] * 8)
    features = GLCM(n_jobs=2).fit_transform(many)
    assert_array_equal(features[:1], GLCM().fit_transform(images[:1]))
    assert features.dtype == np.float32
    assert features.flags.c_contiguous


def test_names_every_feature(images):
    glcm = GLCM(distances=(1, 3), angles=(0, 22.5), properties=("energy",)).fit(images)
    assert list(glcm.get_feature_names_out()) == [
        "glcm_energy_d1_a0", "glcm_energy_d1_a22.5",
        "glcm_energy_d3_a0", "glcm_energy_d3_a22.5",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"distances": (1, 18)}, "at least 19 x 19 pixels. Got 20 x 18; use smaller"),
        ({"distances": (0.5,)}, "distances must be .* positive ints. Got"),
        ({"distances": ()}, "distances must be .* positive ints. Got"),
        ({"angles": ("a",)}, "angles must be numbers in degrees"),
        ({"properties": ("shade",)}, "must be of contrast, .* Got .'shade'"),
        ({"properties": ()}, "must be of contrast, .* Got"),
    ],
)
def test_says_what_is_wrong_with_a_parameter(images, parameters, message):
    with pytest.raises(ValueError, match=message):
        GLCM(**parameters).fit(images)


def test_refuses_floats_of_unknown_scale(images):
    with pytest.raises(ValueError, match=r"in 0\.\.1\. Got .* divide by 255"):
        GLCM().fit(images.astype(float))


def test_has_all_properties_of_scikit_image(images):
    every = (*PROPERTIES, *MORE_PROPERTIES)
    found = GLCM(properties=every, distances=(1,), angles=(0,)).fit_transform(images)
    levels = np.minimum(images * (16 / 256), 15).astype(np.uint8)
    for image, row in zip(levels, found, strict=True):
        matrix = graycomatrix(image, [1], [0], 16, symmetric=True, normed=True)
        expected = [graycoprops(matrix, name)[0, 0] for name in every]
        assert_allclose(row, expected, rtol=1e-6)
