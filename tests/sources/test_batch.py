"""Tests for imgfeat/sources/_batch.py."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from PIL import Image
from sklearn.base import BaseEstimator

from imgfeat.sources import ImageDecodeError
from imgfeat.sources._batch import (
    check_images,
    is_sequence_of_sources,
    list_sources,
    read_source,
    take_items,
)
from tests.sources._files import encode


class Model(BaseEstimator):
    pass


def batch_kinds(batch, folder):
    """Every kind of batch that holds these images, by name."""
    paths = []
    for index, image in enumerate(batch):
        paths.append(str(folder / f"{index}.png"))
        Path(paths[-1]).write_bytes(encode(image))
    objects = np.empty(len(batch), dtype=object)
    objects[:] = list(batch)
    return {
        "array": batch,
        "nested lists": batch.tolist(),
        "flattened": batch.reshape(len(batch), -1),
        "list of str": paths,
        "list of Path": [Path(path) for path in paths],
        "tuple of str": tuple(paths),
        "str array": np.array(paths),
        "object array of str": np.array(paths, dtype=object),
        "Series of str": pd.Series(paths, index=range(10, 10 + len(paths))),
        "Series of objects": pd.Series(paths, dtype=object),
        "Index": pd.Index(paths),
        "bytes": [Path(path).read_bytes() for path in paths],
        "PIL images": [Image.fromarray(image) for image in batch],
        "file objects": [io.BytesIO(Path(path).read_bytes()) for path in paths],
        "list of arrays": list(batch),
        "object array of arrays": objects,
        "mixed": [paths[0], batch[1], Image.fromarray(batch[2]), *paths[3:]],
    }


@pytest.mark.parametrize("n_jobs", [None, 2])
@pytest.mark.parametrize("kind", ["gray", "rgb"])
def test_every_kind_of_batch_gives_the_same_array(
    images, color_images, kind, n_jobs, tmp_path
):
    batch = images if kind == "gray" else color_images
    for name, X in batch_kinds(batch, tmp_path).items():
        shape = batch.shape[1:] if name == "flattened" else None
        checked = check_images(Model(), X, reset=True, image_shape=shape, n_jobs=n_jobs)
        assert_array_equal(checked, batch, err_msg=name)
        assert checked.dtype == np.uint8 and checked.flags.c_contiguous


def test_remembers_and_requires_the_shape(images):
    model = Model()
    check_images(model, list(images), reset=True)
    assert model.image_shape_in_ == (20, 18)
    with pytest.raises(ValueError, match="fitted on images of 20 x 18 pixels"):
        check_images(model, list(images[:, :9]), reset=False)


@pytest.mark.parametrize("dtype", [np.uint16, np.float32, np.float64])
def test_list_of_arrays_keeps_dtype_and_values(images, dtype):
    batch = images.astype(dtype) * dtype(3)
    checked = check_images(Model(), list(batch), reset=True)
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
        check_images(Model(), [np.zeros((2, 2)), None], reset=True)
    with pytest.raises(ImageDecodeError, match="image 0: nan of type float is not an"):
        check_images(Model(), pd.Series([np.nan, "a.jpg"], dtype=object), reset=True)


def test_bad_file_is_named_by_path_and_bytes_by_index(images, tmp_path):
    good = encode(images[0])
    path = tmp_path / "bad.png"
    path.write_bytes(good[:50])
    with pytest.raises(ImageDecodeError, match=r"Cannot read .*bad.png: "):
        check_images(Model(), [good, path], reset=True)
    for n_jobs in (None, 2):
        with pytest.raises(ImageDecodeError, match="Cannot read image 2: ") as caught:
            check_images(Model(), [good, good, b"x"], reset=True, n_jobs=n_jobs)
        assert caught.value.source == "image 2"


def test_items_that_differ_are_named(images, color_images, tmp_path):
    path = tmp_path / "small.png"
    path.write_bytes(encode(images[0, :9]))
    sizes = r"one size. Got 20 x 18 in image 0 and 9 x 18 in .*small.png; before Model"
    with pytest.raises(ValueError, match=sizes + r", use ImageReader\(size=\(20, 18"):
        check_images(Model(), [images[0], path], reset=True)
    with pytest.raises(ValueError, match=r"Got gray in image 0 and RGB in image 1; "):
        check_images(Model(), [images[0], color_images[0, :20, :18]], reset=True)
    with pytest.raises(ValueError, match="Got uint8 in image 0 and float64 in image 1"):
        check_images(Model(), [images[0], images[1] / 2], reset=True)


@pytest.mark.parametrize(
    "one", ["a.jpg", b"GIF", Path("a.jpg"), Image.new("L", (2, 2))]
)
def test_one_source_is_no_batch(one):
    with pytest.raises(ValueError, match=r"Got one .*; put it in a list: \[X\]"):
        check_images(Model(), one, reset=True)


def test_table_of_paths_names_its_column():
    table = pd.DataFrame({"label": [1], "file": ["a.jpg"]})
    with pytest.raises(ValueError, match=r"pass its column of images alone: X\['file'"):
        check_images(Model(), table, reset=True)


def test_empty_batch_is_scikit_learn_s_error():
    with pytest.raises(ValueError, match="0 sample"):
        check_images(Model(), np.empty((0, 4, 4)), reset=True)


def test_nan_in_an_array_of_a_list_is_found(images):
    bad = images[0].astype(float)
    bad[3, 3] = np.nan
    with pytest.raises(ValueError, match="the first is image 1 with 1 such values"):
        check_images(Model(), [images[0].astype(float), bad], reset=True)


def test_items_are_listed_unread(images):
    paths = pd.Series(["a.jpg", "b.jpg"], index=[5, 6])
    assert list_sources(paths) == ["a.jpg", "b.jpg"]
    assert list_sources(np.array(["a.jpg", "b.jpg"])) == ["a.jpg", "b.jpg"]
    assert take_items(Model(), paths) == ["a.jpg", "b.jpg"]
    items = take_items(Model(), images.reshape(len(images), -1), image_shape=(20, 18))
    assert_array_equal(items, images)


def test_reads_one_item(images, color_images):
    assert np.shares_memory(read_source(images[0], 0), images)
    assert read_source(images[0], 0, mode="rgb").shape == (20, 18, 3)
    assert read_source(encode(images[0]), 0, dtype="float32").max() <= 1
    assert read_source(encode(color_images[0]), 0, mode="gray").shape == (24, 20)
    with pytest.raises(ImageDecodeError, match="image 7: its header says"):
        read_source(encode(images[0]), 7, max_pixels=10)


def test_read_only_and_memory_mapped_arrays_are_read(images, tmp_path):
    np.save(tmp_path / "images.npy", images)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    assert_array_equal(check_images(Model(), mapped, reset=True), images)
    assert_array_equal(check_images(Model(), list(mapped), reset=True), images)
