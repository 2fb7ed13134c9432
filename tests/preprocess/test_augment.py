"""Tests for imgfeat/preprocess/_augment.py and _augment_batch.py."""

import math
import pickle
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from imgfeat.kernels.gray import to_gray
from imgfeat.kernels.resize import resize
from imgfeat.preprocess import Policy, augment_image, find_policy
from imgfeat.preprocess._augment import POLICIES
from imgfeat.preprocess._color_weights import color_weights

NAMES = list(POLICIES)
RANDOM = [name for name in NAMES if name != "none"]
COLORED = ["standard", "randaugment", "trivialaugment"]


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def tensor(images):
    return torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()


@pytest.fixture
def photo():
    rng = np.random.default_rng(3)
    return rng.integers(0, 256, (40, 56, 3), dtype=np.uint8)


@pytest.fixture
def batch():
    rng = np.random.default_rng(4)
    return torch.from_numpy(rng.integers(0, 256, (24, 3, 16, 24), dtype=np.uint8))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
@pytest.mark.parametrize("kind", ["gray", "rgb"])
def test_keeps_size_channels_and_dtype(photo, name, dtype, kind):
    image = photo if kind == "rgb" else photo[..., 0]
    if dtype != np.uint8:
        image = (image / 255 * (65535 if dtype == np.uint16 else 1)).astype(dtype)
    before = image.copy()
    for seed in range(4):
        view = augment_image(image, name, np.random.default_rng(seed))
        assert view.shape == image.shape and view.dtype == dtype
        assert view.flags.c_contiguous and not np.shares_memory(view, image)
        highest = 1 if image.dtype.kind == "f" else np.iinfo(dtype).max
        assert view.min() >= 0 and 0.3 * highest < view.max() <= highest
    assert_array_equal(image, before)


@pytest.mark.parametrize("name", NAMES)
def test_same_seed_same_view_and_global_states_are_left_alone(photo, name):
    states = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    first, again, other = (
        augment_image(photo, name, np.random.default_rng(seed)) for seed in (5, 5, 6)
    )
    assert_array_equal(first, again)
    assert (name == "none") == np.array_equal(first, other)
    assert torch.equal(torch.get_rng_state(), states[0])
    assert_array_equal(np.random.get_state()[1], states[1])  # noqa: NPY002


def test_none_changes_nothing(photo, batch):
    policy = find_policy("none")
    assert_array_equal(augment_image(photo, policy, np.random.default_rng(0)), photo)
    assert policy.window(40, 56, np.random.default_rng(0)) == (0, 0, 40, 56)
    assert not policy.is_mirrored(np.random.default_rng(0))
    assert policy.batch(batch, generator(), translate=True) is batch


def test_light_is_a_window_resized_back_and_mirrored(photo):
    policy = find_policy("light")
    mirrored = []
    for seed in range(8):
        view = augment_image(photo, policy, np.random.default_rng(seed))
        rng = np.random.default_rng(seed)
        top, left, tall, wide = policy.window(40, 56, rng, 56 / 40)
        part = np.ascontiguousarray(photo[top : top + tall, left : left + wide])
        expected = resize(part, (40, 56))
        mirrored.append(policy.is_mirrored(rng))
        assert_array_equal(view, expected[:, ::-1] if mirrored[-1] else expected)
    assert 0 < sum(mirrored) < 8


@pytest.mark.parametrize("name, least", [("light", 0.7), ("standard", 0.35)])
@pytest.mark.parametrize("size", [(300, 400), (400, 300), (333, 333)])
def test_windows_lie_inside_with_the_stated_areas_and_shapes(name, least, size):
    rng = np.random.default_rng(0)
    height, width = size
    windows = [find_policy(name).window(*size, rng) for _ in range(400)]
    top, left, tall, wide = np.array(windows).T
    assert (top >= 0).all() and (top + tall <= height).all()
    assert (left >= 0).all() and (left + wide <= width).all()
    area = tall * wide / min(size) ** 2
    assert least - 0.02 < area.min() < least + 0.05 < 0.95 < area.max() < 1.02
    ratio = wide / tall
    assert 0.75 * 0.98 < ratio.min() < 0.9 and 1.1 < ratio.max() < 1.02 * 4 / 3
    assert len(set(top)) > 20 and len(set(left)) > 20


def test_window_follows_the_shape_that_it_will_have():
    rng = np.random.default_rng(0)
    windows = [find_policy("standard").window(100, 300, rng, 3.0) for _ in range(200)]
    ratio = np.array([wide / tall for _, _, tall, wide in windows])
    assert 2.2 < ratio.min() < ratio.max() < 4.1
    assert math.isclose(np.median(ratio), 3, rel_tol=0.1)


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (3, 200), (2, 2)])
def test_images_too_narrow_for_a_window_give_their_middle(size):
    rng = np.random.default_rng(0)
    for _ in range(20):
        top, left, tall, wide = find_policy("standard").window(*size, rng)
        assert tall >= 1 and wide >= 1
        assert 0 <= top <= size[0] - tall and 0 <= left <= size[1] - wide
    image = np.zeros(size, dtype=np.uint8)
    assert augment_image(image, "standard", rng).shape == size


def test_colors_are_brightness_then_contrast_then_saturation(photo):
    """As three steps on floats, by their definitions."""
    policy = Policy(color=0.5)
    for image in (photo / 255 * 0.6, (photo / 255 * 0.6).astype(np.float32)):
        view = augment_image(image, policy, np.random.default_rng(1))
        bright, contrast, saturation = 1 + 0.5 * np.random.default_rng(1).uniform(
            -1, 1, 3
        )
        expected = image * bright
        mean = to_gray(expected).mean()
        expected = mean + contrast * (expected - mean)
        gray = to_gray(np.ascontiguousarray(expected))[..., None]
        expected = gray + saturation * (expected - gray)
        assert_allclose(view, expected.clip(0, 1), atol=1e-6)


def test_factors_of_one_change_no_color():
    assert color_weights(1.0, 1.0, 1.0) == (1.0, 0.0, 0.0)


def test_colors_of_16_bits_are_those_of_8(photo):
    policy = Policy(color=0.5)
    for image in (photo, photo[..., 0]):
        view = augment_image(image, policy, np.random.default_rng(0)).astype(float)
        deep = augment_image(image * np.uint16(257), policy, np.random.default_rng(0))
        assert np.abs(deep / 257 - view).max() <= 0.51


@pytest.mark.parametrize("name", ["randaugment", "trivialaugment"])
def test_gray_under_operations_is_a_channel_of_rgb(photo, name):
    gray = photo[..., 0]
    same = np.repeat(gray[..., None], 3, axis=2)
    for seed in range(10):
        view = augment_image(gray, name, np.random.default_rng(seed))
        rgb = augment_image(same, name, np.random.default_rng(seed))
        assert_array_equal(view, rgb[..., 0])


@pytest.mark.parametrize("name", COLORED)
def test_colors_of_floats_beyond_unit_range_are_refused(photo, name):
    image = photo.astype(np.float32)
    with pytest.raises(ValueError, match=r"float pixels in 0\.\.1.*by 255, or use"):
        augment_image(image, name, np.random.default_rng(0))
    augment_image(image, "light", np.random.default_rng(0))


@pytest.mark.parametrize("name", RANDOM)
@pytest.mark.parametrize("translate", [False, True])
def test_batch_is_the_same_for_one_state_of_the_generator(batch, name, translate):
    policy = find_policy(name)
    before, state = batch.clone(), torch.get_rng_state()
    first, again, other = (
        policy.batch(batch, generator(seed), translate=translate) for seed in (1, 1, 2)
    )
    assert first.shape == batch.shape and first.dtype == torch.uint8
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert torch.equal(batch, before)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("name", RANDOM)
def test_batch_may_have_its_channels_last_in_memory(batch, name):
    last = batch.to(memory_format=torch.channels_last)
    first, second = (
        find_policy(name).batch(images, generator(), translate=True)
        for images in (batch, last)
    )
    assert torch.equal(first, second)


@pytest.mark.parametrize("mirror", [False, True])
def test_shifts_are_reflected_at_the_border(batch, mirror):
    """Every image is one of the shifts that numpy's reflecting pad gives."""
    found = find_policy("light").batch(
        batch, generator(), translate=True, mirror=mirror
    )
    seen = set()
    for image, view in zip(batch.numpy(), found.numpy(), strict=True):
        padded = np.pad(image, ((0, 0), (2, 2), (3, 3)), mode="reflect")
        matches = [
            (down, across, step)
            for down in range(5)
            for across in range(7)
            for step in (1, -1)
            if np.array_equal(
                padded[:, down : down + 16, across : across + 24][..., ::step], view
            )
        ]
        assert len(matches) == 1
        seen.update(matches)
    assert {down for down, _, _ in seen} == set(range(5))
    assert {step for _, _, step in seen} == ({1, -1} if mirror else {1})


def test_half_of_a_batch_is_mirrored_and_none_on_request():
    images = torch.zeros((2000, 3, 2, 2), dtype=torch.uint8)
    images[..., 0] = 200
    light = find_policy("light")
    n_mirrored = int((light.batch(images, generator())[:, 0, 0, 0] == 0).sum())
    assert 900 < n_mirrored < 1100
    assert torch.equal(light.batch(images, generator(), mirror=False), images)
    upright = replace(light, mirrors=False)
    assert torch.equal(upright.batch(images, generator()), images)


def test_colors_of_a_batch_are_those_of_single_images(color_images):
    images = tensor(color_images)
    found = Policy(color=0.4).batch(images, generator(7))
    gen = generator(7)
    factors = [1 + 0.4 * (2 * torch.rand(4, generator=gen) - 1) for _ in range(3)]
    for index, image in enumerate(color_images):

        class Fixed:
            def uniform(self, low, high, size, index=index):
                return np.array([(float(f[index]) - 1) / 0.4 for f in factors])

        expected = augment_image(image, Policy(color=0.4), Fixed())
        view = found[index].permute(1, 2, 0).numpy()
        assert np.abs(view.astype(int) - expected).max() <= 1


def test_operations_vary_from_image_to_image(color_images):
    images = tensor(np.repeat(color_images[:1], 8, axis=0))
    for name in ("randaugment", "trivialaugment"):
        found = find_policy(name).batch(images, generator())
        assert len({view.numpy().tobytes() for view in found}) > 3


def test_empty_batch_stays_empty(batch):
    for policy in POLICIES.values():
        assert policy.batch(batch[:0], generator(), translate=True).shape[0] == 0


def upside_down(image):
    return image[::-1]


def test_callable_is_applied_to_each_image(photo, batch):
    view = augment_image(photo, upside_down, np.random.default_rng(0))
    assert_array_equal(view, photo[::-1])
    gray = augment_image(photo[..., 0], upside_down, np.random.default_rng(0))
    assert_array_equal(gray, photo[::-1, :, 0])
    floats = augment_image(photo / 255, upside_down, np.random.default_rng(0))
    assert_allclose(floats, photo[::-1] / 255)
    found = find_policy(upside_down).batch(batch, generator())
    assert torch.equal(found, batch.flip(2))


@pytest.mark.parametrize(
    "function, message",
    [
        (
            lambda image: image[:5],
            r"<lambda> must .*\(40, 56, 3\)\. Got uint8 of",
        ),
        (
            lambda image: image / 255,
            r"uint8 array.* Got float64 of shape \(40, 56",
        ),
        (lambda image: image[..., 0], r"Got uint8 of shape \(40, 56\)"),
        (lambda image: None, r"Got NoneType"),
    ],
)
def test_callable_that_returns_something_else_is_told(photo, function, message):
    with pytest.raises(ValueError, match=message):
        augment_image(photo, function, np.random.default_rng(0))
    with pytest.raises(ValueError, match=message):
        find_policy(function).batch(tensor(photo[None]), generator())


@pytest.mark.parametrize(
    "augment, error, message",
    [
        ("standart", ValueError, "no augmentation 'standart'; did you mean 'standard'"),
        ("randaugmet", ValueError, "did you mean 'randaugment'"),
        ("xyz", ValueError, r"no augmentation 'xyz'; Augmentations are none, light"),
        (3, TypeError, r"one of none, light, .* or a callable.* Got 3"),
    ],
)
def test_unknown_augmentation_gets_a_close_name(augment, error, message):
    with pytest.raises(error, match=message):
        find_policy(augment)


@pytest.mark.parametrize(
    "values, message",
    [
        ({"least_area": 0}, r"least_area must be in \(0, 1\]\. Got 0"),
        ({"color": 1.5}, r"color must be in \[0, 1\]\. Got 1\.5"),
        ({"operations": "autoaugment"}, "operations must be one of randaugment, triv"),
    ],
)
def test_bad_policy_is_refused(values, message):
    with pytest.raises(ValueError, match=message):
        Policy(**values)


def test_policy_goes_to_other_processes():
    for policy in [*POLICIES.values(), find_policy(upside_down)]:
        assert pickle.loads(pickle.dumps(policy)) == policy


def test_geometry_and_colors_do_not_wait_for_torch():
    code = (
        "import sys, numpy as np\n"
        "from imgfeat.preprocess import Resize, augment_image\n"
        "photo = np.zeros((8, 9, 3), np.uint8)\n"
        "augment_image(photo, 'standard', np.random.default_rng(0))\n"
        "print('torch' in sys.modules)\n"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout == "False\n"
