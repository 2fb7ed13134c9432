"""Tests for imgfeat/estimators/cnn/_mixing.py: torchvision's, in training."""

import pytest
import torch

from imgfeat.estimators.cnn._mixing import find_mixing, unmixed


@pytest.fixture
def images():
    return torch.arange(6 * 3 * 8 * 8, dtype=torch.float32).reshape(6, 3, 8, 8)


@pytest.fixture
def labels():
    return torch.tensor([0, 1, 2, 0, 1, 2])


@pytest.fixture(autouse=True)
def own_generator():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def test_nothing_is_mixed_by_default(images, labels):
    mixing = find_mixing(0.0, 0.0, 3)
    assert mixing is unmixed
    assert mixing(images, labels) == (images, labels)


def test_mixup_is_a_weighted_mean_with_the_image_before(images, labels):
    mixed, shares = find_mixing(1.0, 0.0, 3)(images, labels)
    share = shares[0, 0]
    assert 0 < share < 1
    expected = share * images + (1 - share) * images.roll(1, 0)
    torch.testing.assert_close(mixed, expected)
    torch.testing.assert_close(shares, _expected_shares(labels, share))


def test_cutmix_pastes_a_rectangle_and_counts_it(images, labels):
    mixing = find_mixing(0.0, 1.0, 3)
    for _ in range(20):
        mixed, shares = mixing(images, labels)
        is_pasted = mixed == images.roll(1, 0)
        assert (is_pasted | (mixed == images)).all()
        share = 1 - is_pasted.float().mean()
        torch.testing.assert_close(shares, _expected_shares(labels, share))


def _expected_shares(labels, share):
    own = torch.nn.functional.one_hot(labels, 3)
    return share * own + (1 - share) * own.roll(1, 0)


def test_both_take_turns(images, labels):
    mixing = find_mixing(1.0, 1.0, 3)
    kinds = set()
    for _ in range(20):
        mixed, _ = mixing(images, labels)
        kinds.add(bool(((mixed == images) | (mixed == images.roll(1, 0))).all()))
    assert kinds == {True, False}


def test_bytes_are_mixed_as_numbers(images, labels):
    pixels = (images % 256).to(torch.uint8)
    torch.manual_seed(1)
    from_bytes, _ = find_mixing(0.4, 0.0, 3)(pixels, labels)
    torch.manual_seed(1)
    from_floats, _ = find_mixing(0.4, 0.0, 3)(pixels.float(), labels)
    assert torch.equal(from_bytes, from_floats)
    assert (from_bytes % 1).any()


def test_one_image_stays_as_it_is(images, labels):
    mixed, shares = find_mixing(1.0, 0.0, 3)(images[:1], labels[:1])
    torch.testing.assert_close(mixed, images[:1])
    torch.testing.assert_close(shares, torch.tensor([[1.0, 0.0, 0.0]]))


def test_same_state_of_the_generator_gives_the_same(images, labels):
    mixing, drawn = find_mixing(1.0, 1.0, 3), []
    for _ in range(2):
        torch.manual_seed(5)
        drawn.append(mixing(images, labels)[0])
    assert torch.equal(*drawn)
