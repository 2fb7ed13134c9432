"""Nets see what timm's and torchvision's own transforms give, one of every kind."""

import numpy as np
import pytest
import timm
import torch
import torchvision
from numpy.testing import assert_array_equal
from PIL import Image
from timm.data.transforms import ResizeKeepRatio, str_to_interp_mode

from imgfeat.nets import Preprocessing
from imgfeat.nets._normalization import normalization
from imgfeat.nets._preprocessing import VIEWS
from imgfeat.nets.catalog._registry import get_spec
from imgfeat.sources import load_sample


def kinds_of_timm():
    """The smallest net of every kind of preprocessing."""
    configs = map(timm.get_pretrained_cfg, timm.list_pretrained())
    found = {}
    for config in sorted(configs, key=lambda config: config.input_size):
        _, height, width = config.input_size
        kind = (
            config.crop_mode, config.interpolation, np.sign(config.crop_pct - 1),
            config.mean, config.std, height == width,
        )  # fmt: skip
        name = ".".join(filter(None, (config.architecture, config.tag)))
        found.setdefault(kind, name)
    return sorted(found.values())


def kinds_of_torchvision():
    models, found = torchvision.models, {}
    for name in models.list_models(module=models):
        for weights in models.get_model_weights(name):
            view = weights.transforms()
            is_whole = view.crop_size == view.resize_size
            kind = view.interpolation, is_whole, *view.mean, *view.std
            found.setdefault(kind, (name, weights.name))
    return sorted(found.values())


@pytest.fixture(scope="module")
def pictures():
    """A real photo, lying, standing, and smaller than any net's view."""
    photo = load_sample("textures", patch_size=64).images
    whole = Image.fromarray(np.concatenate(np.concatenate(photo[:54].reshape(
        6, 9, 64, 64), axis=1), axis=1)).convert("RGB")  # fmt: skip
    rng = np.random.default_rng(0)
    tint = rng.integers(0, 60, (384, 576, 3), dtype=np.uint8)
    lying = Image.fromarray(np.asarray(whole) // 2 + tint)
    return {
        "lying": lying,
        "standing": lying.transpose(Image.Transpose.ROTATE_90).crop((0, 0, 201, 576)),
        "small": lying.crop((3, 5, 50, 36)),
        "strip": lying.crop((0, 0, 576, 17)),
    }


def seen_by(stated, picture):
    out = np.empty((*stated.size, 3), dtype=np.uint8)
    stated.apply(np.asarray(picture), out)
    x = torch.from_numpy(out)[None].permute(0, 3, 1, 2).float()
    scale, shift = normalization(stated.mean, stated.std)
    return (x * scale + shift)[0]


def assert_same(got, expected, std):
    assert got.shape == expected.shape
    levels = (got - expected).abs() * 255 * torch.tensor(std).view(3, 1, 1)
    # Pillow 13 filters columns first where mostly the height shrinks, so that rounding
    # in between is another; a second level is for a few pixels at sharp edges.
    assert levels.max() <= 2.01
    assert (levels > 1.01).double().mean() < 1e-3


def assert_as_timm(stated, size, config, pictures):
    view = timm.data.resolve_data_config(
        {"input_size": (3, *size)}, pretrained_cfg=config
    )
    transform = timm.data.create_transform(**view)
    for step in transform.transforms:
        if isinstance(step, ResizeKeepRatio):
            # timm 1.0.21 leaves it bilinear where the view is no square.
            step.interpolation = str_to_interp_mode(view["interpolation"])
    for picture in pictures.values():
        assert_same(seen_by(stated, picture), transform(picture), stated.std)


@pytest.mark.parametrize("name", kinds_of_timm())
def test_input_is_that_of_timm(name, pictures):
    config = timm.get_pretrained_cfg(name).to_dict()
    stated = get_spec(f"timm/{name}").preprocessing
    assert stated.size == config["input_size"][1:]
    stated = stated.with_changes(size=[side // 2 for side in stated.size])
    assert_as_timm(stated, stated.size, config, pictures)


@pytest.mark.parametrize("size", [(64, 64), (50, 81), (96, 40)])
@pytest.mark.parametrize("crop", [0.8, 1.0, 1.15])
@pytest.mark.parametrize("mode", ["center", "squash", "border"])
def test_input_of_another_size_is_that_of_timm(mode, crop, size, pictures):
    config = {
        "input_size": (3, 224, 224), "crop_pct": crop, "interpolation": "bicubic",
        "crop_mode": mode, "mean": (0.5, 0.4, 0.3), "std": (0.2, 0.2, 0.3),
    }  # fmt: skip
    stated = Preprocessing.from_config(config).with_changes(size=size)
    assert_as_timm(stated, size, config, pictures)


@pytest.mark.parametrize("name, tag", kinds_of_torchvision())
def test_input_is_that_of_torchvision(name, tag, pictures):
    transform = torchvision.models.get_model_weights(name)[tag].transforms()
    stated = get_spec(name, tag).preprocessing
    for picture in pictures.values():
        got = seen_by(stated, picture)
        if stated.mean == (0.5, 0.5, 0.5) and transform.mean != [0.5, 0.5, 0.5]:
            continue  # the net's own forward pass makes halves of it
        assert_same(got, transform(picture), stated.std)


# Views


def view_of(stated, image, n_views):
    out = np.empty((n_views, *stated.size, 3), dtype=np.uint8)
    for seen, view in zip(out, VIEWS[n_views], strict=True):
        stated.apply(image, seen, view)
    return out


def test_views_of_a_squashed_image_are_parts_of_all_of_it(pictures):
    image = np.asarray(pictures["lying"])
    stated = Preprocessing((32, 32), (0.5,) * 3, (0.5,) * 3, 0.5, crop_mode="squash")
    whole = stated.with_changes(size=(64, 64), crop=1.0)
    (whole,) = view_of(whole, image, 1)
    _, *corners = view_of(stated, image, 5)
    rows = [np.concatenate(corners[i : i + 2], axis=1) for i in (0, 2)]
    assert_array_equal(np.concatenate(rows), whole)


def test_views_of_an_image_on_a_border_move_along_it_only(pictures):
    image = np.asarray(pictures["lying"].crop((0, 0, 100, 20)))
    stated = Preprocessing((32, 32), (0.5,) * 3, (0.5,) * 3, 0.5, crop_mode="border")
    middle, *corners, _, _, _, _, mirrored = view_of(stated, image, 10)
    for seen in (middle, *corners):  # 64 x 13 pixels
        assert (seen[:9] == 128).all() and (seen[22:] == 128).all()
        assert (seen[9:22].std(axis=(0, 1)) > 1).all()
    assert_array_equal(corners[0], corners[2])
    assert_array_equal(mirrored, corners[3][:, ::-1])
    assert not np.array_equal(corners[0], corners[1])
