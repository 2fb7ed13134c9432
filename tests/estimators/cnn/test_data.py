"""Tests for imgfeat/estimators/cnn/_data.py."""

import threading

import numpy as np
import pytest
import torch

from imgfeat.estimators.cnn._data import TrainingData
from imgfeat.nets import Preprocessing
from imgfeat.nets._preprocessing import View
from imgfeat.preprocess import find_policy

SEEN = Preprocessing((8, 8), (0.5,) * 3, (0.5,) * 3, crop=1.0, interpolation="box")


@pytest.fixture
def photos():
    return np.random.default_rng(0).integers(0, 256, (21, 8, 8, 3), dtype=np.uint8)


def data_of(photos, *, resident=False, rows=None, policy="none", **options):
    defaults = {"batch_size": 5, "n_threads": 2, "device": "cpu", "seed": 3}
    return TrainingData(
        lambda row: photos[row],
        np.arange(len(photos)) if rows is None else rows,
        np.arange(len(photos)),
        preprocessing=SEEN,
        policy=find_policy(policy),
        resident=torch.from_numpy(photos) if resident else None,
        **(defaults | options),
    )


def collect(batches):
    images, targets = zip(
        *((inputs["images"], targets) for inputs, targets in batches), strict=True
    )
    return torch.cat(images).permute(0, 2, 3, 1).numpy(), torch.cat(targets).numpy()


@pytest.mark.parametrize("resident", [False, True])
def test_evaluation_is_in_order(photos, resident):
    images, targets = collect(data_of(photos, resident=resident).evaluation_batches())
    np.testing.assert_array_equal(targets, np.arange(21))
    np.testing.assert_array_equal(images, photos)


@pytest.mark.parametrize("resident", [False, True])
def test_training_sees_every_image_once_an_epoch(photos, resident):
    data = data_of(photos, resident=resident)
    images, targets = collect(data.training_batches())
    assert sorted(targets) == list(range(21))
    np.testing.assert_array_equal(images, photos[targets])
    assert list(targets) != list(range(21))


@pytest.mark.parametrize("resident", [False, True])
def test_epoch_alone_decides_order_and_augmentation(photos, resident):
    data = data_of(photos, resident=resident, policy="standard")
    epochs = []
    for epoch in (0, 1, 0):
        data.epoch = epoch
        epochs.append(collect(data.training_batches()))
    for got, expected in zip(epochs[2], epochs[0], strict=True):
        np.testing.assert_array_equal(got, expected)
    assert list(epochs[1][1]) != list(epochs[0][1])


def test_threads_change_nothing(photos):
    one, four = (
        collect(data_of(photos, policy="standard", n_threads=n).training_batches())
        for n in (1, 4)
    )
    np.testing.assert_array_equal(one[0], four[0])


@pytest.mark.parametrize("n, expected", [(1, 1), (5, 1), (6, 1), (7, 2), (11, 2)])
def test_last_image_is_not_left_alone(photos, n, expected):
    data = data_of(photos, rows=np.arange(n))
    sizes = [len(targets) for _, targets in data.training_batches()]
    assert len(sizes) == data.n_batches() == expected
    assert sum(sizes) == n
    assert n == 1 or min(sizes) > 1


@pytest.mark.parametrize("resident", [False, True])
def test_mirrored_view(photos, resident):
    views = [View(is_mirrored=True)]
    data = data_of(photos, resident=resident, views=views)
    images, _ = collect(data.evaluation_batches())
    np.testing.assert_array_equal(images, photos[:, :, ::-1])


def test_weights_come_with_their_images(photos):
    data = data_of(photos, weights=np.arange(21, dtype=np.float32))
    for inputs, targets in data.training_batches():
        torch.testing.assert_close(inputs["weights"], targets.float())


def test_only_some_batches_are_read_ahead(photos):
    n_read, lock = [0], threading.Lock()

    def read(row):
        with lock:
            n_read[0] += 1
        return photos[row]

    data = data_of(photos, batch_size=3)
    data._read = read
    batches = data.evaluation_batches()
    next(batches)
    assert n_read[0] <= 9
    batches.close()


def test_unreadable_image_ends_or_leaves_the_batch(photos):
    def read(row):
        if row == 4:
            raise ValueError("broken")
        return photos[row]

    data = data_of(photos)
    data._read = read
    with pytest.raises(ValueError, match="broken"):
        list(data.training_batches())
    data = data_of(photos, on_error="skip")
    data._read = read
    _, targets = collect(data.training_batches())
    assert sorted(targets) == [row for row in range(21) if row != 4]
    assert list(data.errors) == [4]


def test_wide_photo_is_not_squeezed_without_augmentation():
    photo = np.zeros((8, 24, 3), dtype=np.uint8)
    photo[:, 8:16] = 255  # the middle, which a net sees
    data = TrainingData(
        lambda row: photo,
        np.arange(2),
        np.zeros(2, dtype=np.int64),
        preprocessing=SEEN,
        policy=find_policy("none"),
        batch_size=2,
        n_threads=1,
        device="cpu",
    )
    images, _ = collect(data.training_batches())
    assert (images == 255).all()


@pytest.mark.parametrize("resident", [False, True])
def test_views_of_an_image_follow_each_other(photos, resident):
    data = data_of(photos, resident=resident, views=[View(), View(is_mirrored=True)])
    n_read, read = [0], data._read

    def counted(row):
        n_read[0] += 1
        return read(row)

    data._read = counted
    batches = [inputs["images"] for inputs, _ in data.evaluation_batches()]
    images = torch.cat(batches).permute(0, 2, 3, 1).numpy()
    np.testing.assert_array_equal(images[::2], photos)
    np.testing.assert_array_equal(images[1::2], photos[:, :, ::-1])
    assert n_read[0] == (0 if resident else 21)


@pytest.mark.parametrize("n", [21, 19, 4])
def test_processes_share_every_batch(photos, n):
    rows = np.arange(n)
    parts = [data_of(photos, rows=rows, part=(rank, 2)) for rank in (0, 1)]
    batches = [list(part.training_batches()) for part in parts]
    assert len(batches[0]) == len(batches[1]) == parts[0].n_batches()
    targets = torch.cat([target for part in batches for _, target in part])
    assert sorted(targets.tolist()) == list(rows)
    assert [part.n_own() for part in parts] == [
        sum(len(target) for _, target in part) for part in batches
    ]
    for (one, _), (two, _) in zip(*batches, strict=True):
        # The mean of both means is that of the whole batch.
        shares = [part["share"] / len(part["share"]) / 2 for part in (one, two)]
        got = torch.cat(shares)
        torch.testing.assert_close(got, torch.full_like(got, 1 / len(got)))


def test_processes_share_what_is_evaluated(photos):
    parts = [data_of(photos, part=(rank, 2)) for rank in (0, 1)]
    targets = [collect(part.evaluation_batches())[1] for part in parts]
    assert sorted(np.concatenate(targets)) == list(range(21))


def test_features_take_the_place_of_images(photos):
    rows = np.array([5, 2, 9])
    features = np.arange(6, dtype=np.float32).reshape(3, 2)
    data = data_of(photos, weights=np.arange(21, dtype=np.float32))
    data = data.of_features(features, rows)
    assert len(data) == 3
    for batches in (data.training_batches(), data.evaluation_batches()):
        (inputs, targets) = next(iter(batches))
        order = [list(rows).index(target) for target in targets]
        np.testing.assert_array_equal(inputs["images"], features[order])
        np.testing.assert_array_equal(inputs["weights"], targets)
