"""Tests for imgfeat/kernels/mirrored_patches.py."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from imgfeat.kernels import torch_patches
from imgfeat.kernels.mirrored_patches import (
    encode_with_mirror,
    find_parities,
    mirrored_values,
)
from imgfeat.kernels.patches import Dictionary, encode

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 13, 15, 3)).astype(np.uint8)


def patches(size, n_patches=200):
    rng = np.random.default_rng(1)
    # Rising to the right, so that a mirror image is another one.
    drawn = rng.normal(size=(n_patches, size, size, 3)) + np.arange(size)[:, None]
    return torch.from_numpy(drawn.reshape(n_patches, -1)).float()


def learned(size, *, is_mirrored=True):
    drawn = patches(size)
    mirrored = mirrored_values(size, drawn.shape[1]) if is_mirrored else None
    mean, directions, _ = torch_patches.whitening(drawn, 0.1, mirrored)
    directions = directions[:, :9].contiguous()
    atoms = (drawn[:11] - mean) @ directions
    return Dictionary(mean.numpy(), directions.numpy(), atoms.numpy())


def test_values_of_a_patch_change_sides():
    patch = np.arange(2 * 2 * 3).reshape(2, 2, 3)
    assert_array_equal(
        patch.ravel()[mirrored_values(2, 12)].reshape(2, 2, 3), patch[:, ::-1]
    )


@pytest.mark.parametrize("grid", [(2, 2), (1, 3)])
@pytest.mark.parametrize(("size", "stride"), [(4, 1), (3, 2), (1, 1)])
def test_one_pass_gives_what_two_passes_give(size, stride, grid):
    dictionary = learned(size)
    parities = find_parities(dictionary, size)
    how = {"size": size, "stride": stride, "norm_eps": 10.0, "grid": grid}
    found = encode_with_mirror(IMAGES, dictionary, parities, **how)
    of_image, of_mirror = (
        encode(np.ascontiguousarray(images), dictionary, encoding="triangle", **how)
        for images in (IMAGES, IMAGES[:, :, ::-1])
    )
    assert_allclose(found, of_image + of_mirror, rtol=1e-4, atol=1e-4)


def test_how_many_patches_are_in_flight_changes_nothing(monkeypatch):
    dictionary = learned(4)
    how = {"size": 4, "stride": 1, "norm_eps": 10.0, "grid": (2, 2)}
    parities = find_parities(dictionary, 4)
    expected = encode_with_mirror(IMAGES, dictionary, parities, **how)
    monkeypatch.setattr("imgfeat.kernels.patches._SLAB_BYTES", 1)
    found = encode_with_mirror(IMAGES, dictionary, parities, **how)
    assert_allclose(found, expected, rtol=1e-5)


def test_directions_are_those_of_patches_and_mirror_images():
    drawn = patches(4)
    mirrored = mirrored_values(4, drawn.shape[1])
    both = torch.cat([drawn, drawn[:, mirrored]])
    mean, directions, variances = torch_patches.whitening(drawn, 0.1, mirrored)
    expected_mean, expected, expected_variances = torch_patches.whitening(both, 0.1)
    assert_allclose(mean, expected_mean, atol=1e-5)
    assert_allclose(variances, expected_variances, atol=1e-6)
    assert_allclose(directions @ directions.T, expected @ expected.T, atol=1e-4)


def test_some_directions_stay_and_others_turn_round():
    parities = find_parities(learned(4), 4)
    assert set(parities) == {1, -1}


def test_a_dictionary_that_knows_no_mirror_has_no_parities():
    assert find_parities(learned(4, is_mirrored=False), 4) is None
