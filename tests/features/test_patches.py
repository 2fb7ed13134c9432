"""Tests for imgfeat/features/_patches.py."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.cluster import KMeans
from sklearn.utils.estimator_checks import parametrize_with_checks

from imgfeat.features import PatchDictionary
from imgfeat.kernels import torch_patches
from imgfeat.kernels.patches import Dictionary
from tests._checks import WITHOUT_DATA, behind_adapter, expected_to_fail

SMALL = {"n_atoms": 6, "patch_size": 4, "max_patches": 500, "random_state": 0}


@pytest.mark.parametrize("check", WITHOUT_DATA, ids=lambda check: check.__name__)
def test_follows_estimator_api(check):
    check("PatchDictionary", PatchDictionary())


@parametrize_with_checks(
    [
        behind_adapter(
            PatchDictionary(
                4, patch_size=2, max_patches=200, max_iter=3, random_state=0
            ),
            unit_range=True,
        )
    ],
    expected_failed_checks=expected_to_fail,
)
def test_behaves_in_a_pipeline(estimator, check):
    check(estimator)


def reference(image, fitted):
    """The definition, one patch at a time, in float64."""
    size, stride, grid = fitted.patch_size, fitted.stride, fitted.grid
    image = image.reshape(*image.shape[:2], -1).astype(float)
    n_rows, n_cols = ((side - size) // stride + 1 for side in image.shape[:2])
    pooled = np.zeros((*grid, len(fitted.atoms_)))
    for row in range(n_rows):
        for col in range(n_cols):
            top, left = row * stride, col * stride
            patch = image[top : top + size, left : left + size].ravel()
            patch = (patch - patch.mean()) / np.sqrt(patch.var() + fitted.norm_eps)
            whitened = (patch - fitted.mean_) @ fitted.whitening_
            z = np.linalg.norm(fitted.atoms_ - whitened, axis=1)
            if fitted.encoding == "triangle":
                similar = np.maximum(0, z.mean() - z)
            else:
                similar = np.arange(len(z)) == z.argmin()
            pooled[row * grid[0] // n_rows, col * grid[1] // n_cols] += similar
    return pooled.ravel()


@pytest.mark.parametrize("encoding", ["triangle", "hard"])
@pytest.mark.parametrize(
    "parameters", [{}, {"stride": 3, "grid": (1, 2)}, {"n_components": 5}], ids=str
)
@pytest.mark.parametrize("kind", ["images", "color_images"])
def test_matches_the_definition(kind, parameters, encoding, request):
    X = request.getfixturevalue(kind)
    fitted = PatchDictionary(**SMALL | parameters, encoding=encoding).fit(X)
    expected = [reference(image, fitted) for image in X]
    assert_allclose(fitted.transform(X), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("encoding", ["triangle", "hard"])
def test_batched_on_a_device_equals_image_by_image(color_images, encoding):
    fitted = PatchDictionary(**SMALL, stride=2, encoding=encoding).fit(color_images)
    dictionary = (fitted.mean_, fitted.whitening_, fitted.atoms_)
    batched = torch_patches.encode(
        torch.from_numpy(color_images).float(),
        Dictionary(*map(torch.from_numpy, dictionary)),
        size=4,
        stride=2,
        norm_eps=10.0,
        encoding=encoding,
        grid=(2, 2),
    )
    expected = fitted.transform(color_images)
    assert_allclose(batched.flatten(1), expected, rtol=1e-5, atol=1e-5)


def test_mirror_adds_the_features_of_the_mirror_image(color_images):
    fitted = PatchDictionary(**SMALL).fit(color_images)
    mirrored = color_images[:, :, ::-1]
    expected = fitted.transform(color_images) + fitted.transform(mirrored)
    features = fitted.set_params(mirror=True).transform(color_images)
    assert_array_equal(features, expected)
    assert_allclose(fitted.transform(mirrored), features, rtol=1e-6)


@pytest.mark.parametrize("stride", [1, 3])  # with 3 they end short of one side
def test_mirror_images_are_learned_from_and_have_the_same_features(
    color_images, stride
):
    fitted = PatchDictionary(**SMALL, stride=stride, mirror=True).fit(color_images)
    mirrored = np.ascontiguousarray(color_images[:, :, ::-1])
    features = fitted.transform(color_images)
    assert_allclose(fitted.transform(mirrored), features, rtol=1e-4, atol=1e-4)
    fitted.mirror = False
    alone = fitted.transform(color_images) + fitted.transform(mirrored)
    assert_allclose(features, alone, rtol=1e-4, atol=1e-4)


def test_whitened_patches_are_uncorrelated(images):
    fitted = PatchDictionary(**SMALL, n_components=None, whiten_eps=1e-6).fit(images)
    drawn = fitted._draw_patches(images, np.random.RandomState(0))
    drawn = torch_patches.normalize(torch.from_numpy(drawn), 10.0).numpy()
    whitened = (drawn - fitted.mean_) @ fitted.whitening_
    # One direction is gone with the patches' brightness.
    covariance = np.cov(whitened[:, :-1].T, bias=True)
    assert_allclose(covariance, np.eye(15), atol=1e-3)


def test_more_components_than_needed_change_nothing(color_images):
    kept, all_ = (
        PatchDictionary(**SMALL, n_components=n).fit_transform(color_images)
        for n in (47, None)  # the brightness, which is gone, is the 48th
    )
    assert_allclose(kept, all_, rtol=1e-3, atol=1e-3)


def test_atoms_are_those_of_kmeans():
    points = np.random.default_rng(0).normal(size=(300, 5)).astype(np.float32)
    kmeans = KMeans(7, init=points[:7], n_init=1, max_iter=4, tol=0).fit(points)
    points = torch.from_numpy(points)
    atoms = torch_patches.learn_atoms(points, points[:7], 4, lambda: None)
    assert_allclose(atoms, kmeans.cluster_centers_, rtol=1e-4, atol=1e-5)


def test_an_atom_without_points_stays():
    points = torch.zeros(10, 3)
    first = torch.tensor([[0.0, 0, 0], [9, 9, 9]])
    assert_array_equal(torch_patches.learn_atoms(points, first, 3, lambda: None), first)


def test_ignores_brightness_and_nearly_ignores_contrast(images):
    dim = images // 4
    fitted = PatchDictionary(**SMALL).fit(dim)
    features = fitted.transform(dim)
    assert_allclose(fitted.transform(dim + 100), features, atol=1e-3)
    assert_allclose(fitted.transform(dim * 3), features, rtol=0.05, atol=0.1)


def test_every_scale_of_pixels_gives_the_same_features(images):
    expected = PatchDictionary(**SMALL).fit_transform(images)
    for X in (images.astype(np.uint16) * 257, images / 255, images.astype(np.int64)):
        features = PatchDictionary(**SMALL).fit_transform(X)
        assert_allclose(features, expected, rtol=1e-3, atol=1e-3)


def test_flat_rows_give_the_same_features(images):
    rows = images.reshape(len(images), -1)
    expected = PatchDictionary(**SMALL).fit_transform(images)
    features = PatchDictionary(**SMALL, image_shape=(20, 18)).fit_transform(rows)
    assert_array_equal(features, expected)


def test_a_row_depends_on_no_other_and_on_no_thread(color_images):
    fitted = PatchDictionary(**SMALL).fit(color_images)
    many = np.concatenate([color_images] * 40)
    features = fitted.set_params(n_jobs=2).transform(many)
    assert_array_equal(features[:1], fitted.transform(color_images[:1]))
    assert features.dtype == np.float32
    assert features.flags.c_contiguous


def test_leaves_the_threads_of_torch_as_they_were(images):
    before = torch.get_num_threads()
    PatchDictionary(**SMALL, n_jobs=2).fit_transform(images)
    assert torch.get_num_threads() == before


def test_the_same_random_state_gives_the_same_dictionary(images):
    atoms = [PatchDictionary(**SMALL).fit(images).atoms_ for _ in range(2)]
    assert_array_equal(*atoms)


def test_learns_from_all_patches_when_these_are_few():
    image = np.random.default_rng(0).integers(0, 256, (1, 8, 9), dtype=np.uint8)
    parameters = {"patch_size": 4, "grid": (1, 1), "random_state": 0}
    fitted = PatchDictionary(n_atoms=30, **parameters).fit(image)
    assert_array_equal(np.unique(fitted.atoms_, axis=0).shape[0], 30)
    with pytest.raises(
        ValueError, match=r"n_atoms=31 needs .* Got 30 from .* 1 images"
    ):
        PatchDictionary(n_atoms=31, **parameters).fit(image)


def test_images_of_one_colour_give_zeros():
    X = np.full((3, 12, 12, 3), 90, dtype=np.uint8)
    assert_array_equal(PatchDictionary(**SMALL).fit_transform(X), 0)


def test_one_colour_and_texture_side_by_side_stay_finite(images):
    X = images.copy()
    X[0] = 0
    assert np.isfinite(PatchDictionary(**SMALL).fit_transform(X)).all()


def test_names_every_feature(images):
    fitted = PatchDictionary(**SMALL | {"n_atoms": 2}, grid=(1, 2)).fit(images)
    assert list(fitted.get_feature_names_out()) == [
        "patch_row0_col0_atom0", "patch_row0_col0_atom1",
        "patch_row0_col1_atom0", "patch_row0_col1_atom1",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"patch_size": 21}, "at least 22 x 22 pixels. Got 20 x 18; use smaller"),
        ({"grid": (2, 9), "stride": 2}, "at least 6 x 20 pixels"),
        ({"grid": (2, 0)}, "grid must be a tuple of 2 positive ints"),
        ({"n_atoms": 501}, "n_atoms=501 needs .* Got 500 from max_patches=500 and 6"),
    ],
)
def test_says_what_is_wrong_with_a_parameter(images, parameters, message):
    with pytest.raises(ValueError, match=message):
        PatchDictionary(**SMALL | parameters).fit(images)


@pytest.mark.parametrize(
    "factor, remedy", [(255, "divide by 255"), (-1, "scale them to 0..1")]
)
def test_refuses_floats_of_unknown_scale(images, factor, remedy):
    X = images / 255 * factor
    with pytest.raises(ValueError, match=rf"in 0\.\.1\. Got .*; {remedy}"):
        PatchDictionary(**SMALL).fit(X)


def test_refuses_another_kind_of_images_after_fit(images):
    fitted = PatchDictionary(**SMALL).fit(images)
    with pytest.raises(ValueError, match=r"fitted on gray images. Got RGB"):
        fitted.transform(np.repeat(images[..., None], 3, axis=3))
