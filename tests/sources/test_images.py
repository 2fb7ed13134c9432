"""Tests for imgfeat/sources/_images.py, and of the arrays that _batch.py makes."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from PIL import Image
from sklearn.base import BaseEstimator

from imgfeat.sources import ImageDecodeError
from imgfeat.sources._images import Images, is_sequence_of_sources
from tests.sources._batches import batch_kinds
from tests.sources._files import encode


class Model(BaseEstimator):
    pass


def take(X, model=None, **options):
    """Images of any size, as a transformer takes them that was not fitted."""
    return Images(model or Model(), X, **{"reset": False} | options)


def whole(X, model=None, *, reset=True, n_jobs=None, **options):
    """One checked array, as a transformer takes it that needs images of one size."""
    images = Images(model or Model(), X, reset=reset, any_size=False, **options)
    return images.as_array(n_jobs=n_jobs)


@pytest.mark.parametrize("n_jobs", [None, 2])
@pytest.mark.parametrize("kind", ["gray", "rgb"])
def test_every_kind_of_batch_gives_the_same_array(
    images, color_images, kind, n_jobs, tmp_path
):
    batch = images if kind == "gray" else color_images
    for name, X in batch_kinds(batch, tmp_path).items():
        shape = batch.shape[1:] if name == "flattened" else None
        checked = whole(X, image_shape=shape, n_jobs=n_jobs)
        assert_array_equal(checked, batch, err_msg=name)
        assert checked.dtype == np.uint8 and checked.flags.c_contiguous


def test_remembers_and_requires_the_shape(images):
    model = Model()
    whole(list(images), model)
    assert model.image_shape_in_ == (20, 18)
    with pytest.raises(ValueError, match="fitted on images of 20 x 18 pixels"):
        whole(list(images[:, :9]), model, reset=False)


@pytest.mark.parametrize("dtype", [np.uint16, np.float32, np.float64])
def test_list_of_arrays_keeps_dtype_and_values(images, dtype):
    batch = images.astype(dtype) * dtype(100)
    checked = whole(list(batch))
    assert checked.dtype == dtype
    assert_array_equal(checked, batch)


@pytest.mark.parametrize(
    "X",
    [
        [],
        [1, 2],
        [[1, 2], [3, 4]],
        [[[1, 2], [3, 4]]],
        [np.arange(4), np.arange(4)],
        np.zeros((2, 4)),
        np.zeros((2, 4, 4)),
        np.array(["a.jpg"])[:, None],
        np.arange(3),
        np.array([1, 2], dtype=object),
        pd.Series([1.0, 2.0]),
        pd.DataFrame({"path": ["a.jpg"]}),
        "a.jpg",
        b"GIF89a",
        None,
        3,
        {"a.jpg": 1},
    ],
)
def test_numbers_and_single_things_are_no_sequence(X):
    assert not is_sequence_of_sources(X)


def test_a_missing_item_does_not_hide_the_sequence():
    assert is_sequence_of_sources([None, "a.jpg"])
    with pytest.raises(ImageDecodeError, match="image 1: None of type NoneType"):
        whole([np.zeros((2, 2)), None])
    with pytest.raises(ImageDecodeError, match="image 0: nan of type float is not an"):
        whole(pd.Series([np.nan, "a.jpg"], dtype=object))


def test_bad_file_is_named_by_path_and_bytes_by_index(images, tmp_path):
    good = encode(images[0])
    path = tmp_path / "bad.png"
    path.write_bytes(good[:50])
    with pytest.raises(ImageDecodeError, match=r"Cannot read .*bad.png: "):
        whole([good, path])
    for n_jobs in (None, 2):
        with pytest.raises(ImageDecodeError, match="Cannot read image 2: ") as caught:
            whole([good, good, b"x"], n_jobs=n_jobs)
        assert caught.value.source == "image 2"


def test_items_that_differ_are_named(images, color_images, tmp_path):
    path = tmp_path / "small.png"
    path.write_bytes(encode(images[0, :9]))
    sizes = r"one size. Got 20 x 18 in image 0 and 9 x 18 in .*small.png; before Model"
    with pytest.raises(ValueError, match=sizes + r", use ImageReader\(size=\(20, 18"):
        whole([images[0], path])
    with pytest.raises(ValueError, match=r"Got gray in image 0 and RGB in image 1; "):
        whole([images[0], color_images[0, :20, :18]])
    with pytest.raises(ValueError, match="Got uint8 in image 0 and float64 in image 1"):
        whole([images[0], images[1] / 2])


@pytest.mark.parametrize(
    "one", ["a.jpg", b"GIF", Path("a.jpg"), Image.new("L", (2, 2))]
)
def test_one_source_is_no_batch(one):
    with pytest.raises(ValueError, match=r"Got one .*; put it in a list: \[X\]"):
        whole(one)


def test_table_of_paths_names_its_column():
    table = pd.DataFrame({"label": [1], "file": ["a.jpg"]})
    with pytest.raises(ValueError, match=r"pass its column of images alone: X\['file'"):
        whole(table)


def test_empty_batch_is_scikit_learn_s_error():
    with pytest.raises(ValueError, match="0 sample"):
        whole(np.empty((0, 4, 4)))


def test_nan_in_an_array_of_a_list_is_found(images):
    bad = images[0].astype(float)
    bad[3, 3] = np.nan
    with pytest.raises(ValueError, match="the first is image 1 with 1 such values"):
        whole([images[0].astype(float), bad])


def test_nothing_is_read_before_it_is_asked_for():
    for X in (["a.jpg", "b.jpg"], np.array(["a.jpg", "b.jpg"])):
        images = take(X)
        assert images.items == ["a.jpg", "b.jpg"] and len(images) == 2
        assert not images.is_array
        with pytest.raises(ImageDecodeError, match=r"Cannot read b\.jpg"):
            images.read(1)


def test_reads_the_same_pixels_of_every_kind(images, color_images, tmp_path):
    for batch in (images, color_images):
        for kind, X in batch_kinds(batch, tmp_path).items():
            shape = list(batch.shape[1:]) if kind == "flattened" else None
            read = take(X, image_shape=shape).read
            pixels = [read(row) for row in range(len(batch))]
            assert_array_equal(pixels, batch, err_msg=kind)


def test_arrays_are_not_copied(images):
    for X in (images, list(images)):
        assert np.shares_memory(take(X).read(1), images)
    assert np.shares_memory(take(images).take(slice(1, 3)).items, images)


def test_a_part_keeps_names_and_index(images, tmp_path):
    X = pd.Series([images[0], "a.jpg", encode(images[2]), b"x"], index=list("abcd"))
    given = take(X)
    assert [given.name(row) for row in range(3)] == ["image 0", "a.jpg", "image 2"]
    for rows in (slice(1, 4), [1, 2, 3], np.array([1, 2, 3])):
        part = given.take(rows)
        assert len(part) == 3
        assert list(part.index) == ["b", "c", "d"]
        assert_array_equal(part.read(1), images[2])
        with pytest.raises(ImageDecodeError, match="Cannot read image 3"):
            part.take([2]).read(0)
    assert take(pd.DataFrame(images.reshape(6, -1)), image_shape=(20, 18)).index[5] == 5
    assert take(images).index is None and take(list(images)).index is None


def test_a_batch_is_restored_to_the_kind_it_was(images, color_images, tmp_path):
    for batch in (images, color_images):
        flat = batch.reshape(len(batch), -1)
        for kind, X in batch_kinds(batch, tmp_path).items():
            shape = batch.shape[1:] if kind == "flattened" else None
            given = take(X, image_shape=shape)
            views = given.restore([given.read(row) for row in range(len(batch))])
            assert isinstance(views, np.ndarray) == given.is_array
            assert_array_equal(views, flat if kind == "flattened" else batch)
    nested = take(images[:, :18].reshape(6, -1).tolist())
    assert nested.restore(nested.items).shape == (6, 18 * 18)


def test_shape_is_noted_of_arrays_and_forgotten_for_files(images):
    model = Model()
    take(images, model, reset=True)
    assert model.image_shape_in_ == (20, 18) and model.n_features_in_ == 360
    take(images[:, :9], model)
    take(["a.jpg"], model)
    assert model.image_shape_in_ == (20, 18)
    take(["a.jpg"], model, reset=True)
    assert not vars(model)


def test_floats_outside_the_unit_range_are_refused_where_they_are(images):
    floats = images / 255
    assert_array_equal(take(floats, unit_range=True).items, floats)
    with pytest.raises(ValueError, match=r"Model needs .* in 0\.\.1\. Got .* in X;"):
        take(images.astype(float), unit_range=True)
    mixed = take([images[0], floats[1], floats[2] * 255], unit_range=True)
    assert mixed.read(0).dtype == np.uint8
    mixed.read(1)
    with pytest.raises(ValueError, match=r"Got values from 2 to 254 in image 2; "):
        mixed.read(2)


def test_numbers_may_pass_as_they_are():
    rows = np.full((3, 7), np.nan)
    images = take(rows, check_numbers=np.asarray)
    assert images.items is rows
    assert_array_equal(images.take([2]).read(0), rows[2])


def test_images_are_stacked_as_they_are_changed(images):
    given = take([images[0], encode(images[1])])
    half = given.stack(lambda row: given.read(row)[::2], n_jobs=2)
    assert_array_equal(half, images[:2, ::2])
    nan = given.stack(lambda row: None if row else given.read(1) / 255)
    assert nan.dtype == float and np.isnan(nan[1]).all()
    with pytest.raises(ValueError, match=r"one image that can be read\. Got 2"):
        given.stack(lambda row: None)


def test_read_only_and_memory_mapped_arrays_are_read(images, tmp_path):
    np.save(tmp_path / "images.npy", images)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    assert_array_equal(whole(mapped), images)
    assert_array_equal(whole(list(mapped)), images)
