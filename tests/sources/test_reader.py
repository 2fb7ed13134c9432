"""Tests for imgfeat/sources/_reader.py."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks

from imgfeat.features import HOG
from imgfeat.kernels.resize import resize
from imgfeat.sources import ImageDecodeError, ImageReader
from tests._checks import WITHOUT_DATA, behind_adapter, expected_to_fail
from tests.sources._batches import batch_kinds
from tests.sources._files import encode, with_orientation

READER = ImageReader((5, 4), mode="gray", dtype="float32")


@pytest.mark.parametrize("check", WITHOUT_DATA, ids=lambda check: check.__name__)
def test_follows_estimator_api(check):
    check("ImageReader", ImageReader())


@parametrize_with_checks(
    [behind_adapter(READER, unit_range=True)],
    expected_failed_checks=expected_to_fail,
)
def test_behaves_in_a_pipeline(estimator, check):
    check(estimator)


@pytest.mark.parametrize("mode", ["gray", "rgb"])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_every_kind_of_batch_gives_the_same_images(color_images, mode, dtype, tmp_path):
    expected = None
    for name, X in batch_kinds(color_images, tmp_path).items():
        shape = (24, 20, 3) if name == "flattened" else None
        reader = ImageReader((9, 8), mode=mode, dtype=dtype, image_shape=shape)
        images = reader.fit_transform(X)
        expected = images if expected is None else expected
        assert images.shape == (4, 9, 8) + (3,) * (mode == "rgb")
        assert images.dtype == dtype and images.flags.c_contiguous
        assert_array_equal(images, expected, err_msg=name)


def test_row_is_the_same_alone_and_in_a_batch(color_images, tmp_path):
    sources = [
        encode(color_images[0]),
        encode(color_images[1][..., 0]),
        color_images[2][:9],
        encode(color_images[3].astype(np.uint16)[..., 0] * 200),
    ]
    for n_jobs in (None, 3):
        reader = ImageReader((8, 8), n_jobs=n_jobs)
        batch = reader.transform(sources)
        assert_array_equal(
            batch, np.concatenate([reader.transform([one]) for one in sources])
        )
        assert_array_equal(batch[::-1], reader.transform(sources[::-1]))


def test_photo_is_upright_before_it_is_resized(color_images):
    turned = with_orientation(np.rot90(color_images[0]), 6, "PNG")
    images = ImageReader((12, 7)).transform([turned])
    assert_array_equal(images[0], resize(color_images[0], (12, 7)))


def test_resizes_after_the_conversion_to_dtype(color_images):
    deep = color_images[0][..., 0].astype(np.uint16) * 257
    reader = ImageReader((12, 7), mode="gray", dtype="float32")
    expected = resize(deep.astype(np.float32) / 65535, (12, 7))
    assert_allclose(reader.transform([encode(deep)])[0], expected, rtol=1e-5)


# height, width, size, the part of the image that crop keeps: top, left, height, width
CROPS = [
    (40, 60, (20, 20), (0, 10, 40, 40)),
    (60, 40, (20, 20), (10, 0, 40, 40)),
    (40, 40, (10, 20), (10, 0, 20, 40)),
    (40, 40, (20, 10), (0, 10, 40, 20)),
]


@pytest.mark.parametrize("height, width, size, kept", CROPS)
def test_crop_keeps_the_middle(height, width, size, kept):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (height, width), dtype=np.uint8)
    reader = ImageReader(size, mode="gray", aspect="crop", interpolation="box")
    top, left, n_rows, n_cols = kept
    part = np.ascontiguousarray(image[top : top + n_rows, left : left + n_cols])
    expected = resize(part, size, interpolation="box")
    assert_array_equal(reader.transform([image])[0], expected)


@pytest.mark.parametrize("shape", [(37, 50), (50, 37), (224, 224), (31, 30), (9, 300)])
@pytest.mark.parametrize("side", [224, 15])
def test_square_crop_is_torchvision_s(shape, side):
    v2 = pytest.importorskip("torchvision.transforms")
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (*shape, 3), dtype=np.uint8)
    theirs = v2.CenterCrop(side)(v2.Resize(side)(Image.fromarray(image)))
    ours = ImageReader((side, side), aspect="crop").transform([image])[0]
    assert abs(ours.astype(int) - np.asarray(theirs).astype(int)).max() <= 1


def test_pad_centers_the_whole_image_on_black():
    white = np.full((10, 40, 3), 255, dtype=np.uint8)
    images = ImageReader((20, 20), aspect="pad").transform([white, white[:, :10]])
    bar = np.zeros((20, 20, 3), dtype=np.uint8)
    bar[8:13] = 255  # 5 rows of 20: 15 are left, 8 above
    assert_array_equal(images[0], bar)
    assert_array_equal(images[1], 255)


@pytest.mark.parametrize("aspect", ["stretch", "crop", "pad"])
@pytest.mark.parametrize("shape", [(1, 300), (300, 1), (1, 1)])
def test_extreme_shapes_are_read(aspect, shape):
    image = np.full(shape, 77, dtype=np.uint8)
    images = ImageReader((4, 6), aspect=aspect, mode="gray").transform([image])
    assert images.shape == (1, 4, 6)
    assert images.max() == 77


def test_reads_without_fit_and_fit_reads_nothing(images):
    absent = ["absent.png"]
    reader = ImageReader().fit(absent)
    with pytest.raises(ImageDecodeError, match=r"absent.png: there is no such file"):
        reader.transform(absent)
    assert_array_equal(ImageReader(mode="gray").transform(images), images)


def test_images_of_different_sizes_need_a_size(images):
    mixed = [images[0], images[1][:9]]
    message = r"Got 20 x 18 in image 0 and 9 x 18 in image 1; use ImageReader\(size="
    with pytest.raises(ValueError, match=message):
        ImageReader().fit_transform(mixed)
    assert ImageReader((5, 5)).fit_transform(mixed).shape == (2, 5, 5, 3)


def test_raise_names_the_file(images, tmp_path):
    path = tmp_path / "bad.jpg"
    path.write_bytes(b"not an image")
    for n_jobs in (None, 2):
        reader = ImageReader((4, 4), n_jobs=n_jobs)
        with pytest.raises(ImageDecodeError, match=r"bad.jpg: it is not an image file"):
            reader.transform([images[0], images[1], path])


@pytest.mark.parametrize("n_jobs", [None, 2])
@pytest.mark.parametrize("size", [None, (20, 18)])
def test_nan_keeps_the_row_and_lists_it(images, size, n_jobs, tmp_path):
    path = tmp_path / "bad.jpg"
    path.write_bytes(b"not an image")
    reader = ImageReader(
        size, mode="gray", dtype="float32", on_error="nan", n_jobs=n_jobs
    )
    batch = reader.fit_transform([b"", images[0], path, images[1], None])
    assert_array_equal(np.isnan(batch).all(axis=(1, 2)), [1, 0, 1, 0, 1])
    assert_allclose(batch[[1, 3]], images[:2] / 255, rtol=1e-6)
    assert list(reader.errors_.columns) == ["row", "path", "reason"]
    assert list(reader.errors_.row) == [0, 2, 4]
    assert list(reader.errors_.path) == ["image 0", str(path), "image 4"]
    assert reader.errors_.reason[0] == "it is empty (0 bytes)"
    assert reader.transform(images[:2]).shape == (2, 20, 18)
    assert reader.errors_.empty


def test_nothing_readable_is_nan_or_an_error():
    reader = ImageReader(dtype="float32", on_error="nan")
    with pytest.raises(ValueError, match=r"image that can be read. Got 2"):
        reader.transform([b"", b""])
    batch = reader.set_params(size=(2, 3)).transform([b"", b""])
    assert batch.shape == (2, 2, 3, 3) and np.isnan(batch).all()
    assert len(reader.errors_) == 2


def test_nan_needs_floats(images):
    reader = ImageReader(on_error="nan")
    for use in (reader.fit, reader.transform):
        with pytest.raises(ValueError, match="on_error='nan' needs dtype='float32'"):
            use(images)


@pytest.mark.parametrize("size", [(0, 4), (4,), (2.0, 2), (1, 2, 3)])
def test_rejects_bad_size(images, size):
    for use in (ImageReader(size).fit, ImageReader(size).transform):
        with pytest.raises(ValueError, match="size must be a tuple of 2 positive ints"):
            use(images)


def test_size_limit_is_a_parameter(images):
    with pytest.raises(ImageDecodeError, match="20 x 18 pixels, more than 100"):
        ImageReader(max_pixels=100).transform([encode(images[0])])


@pytest.mark.parametrize(
    "X, message",
    [
        (np.zeros((2, 6)), "6 values a row, which is not a square. Pass image_shape="),
        (
            np.full((2, 4, 4), 200.0),
            "image 0: float pixels from 200 to 200 are",
        ),
        (np.full((2, 4, 4), np.nan), "needs finite pixels"),
        (np.zeros((2, 4, 4, 4)), "drop the alpha channel"),
        ("a.jpg", "put it in a list"),
    ],
)
def test_rejects_what_is_no_batch_of_images(X, message):
    with pytest.raises(ValueError, match=message):
        ImageReader().fit(X).transform(X)


@pytest.fixture
def photos(tmp_path):
    """Paths of 24 photos of two classes that differ in brightness, and their labels."""
    rng = np.random.default_rng(0)
    labels = np.repeat(["dark", "light"], 12)
    paths = []
    for index, label in enumerate(labels):
        low = 0 if label == "dark" else 120
        shape = rng.integers(8, 20, 2)
        pixels = rng.integers(low, low + 100, (*shape, 3), dtype=np.uint8)
        paths.append(str(Path(tmp_path, f"{index}.png")))
        Path(paths[-1]).write_bytes(encode(pixels))
    return np.array(paths, dtype=object), labels


def flatten():
    return FunctionTransformer(lambda X: X.reshape(len(X), -1).astype(float) / 255)


def test_works_as_the_first_step_of_a_search(photos):
    paths, labels = photos
    model = make_pipeline(ImageReader((4, 4)), flatten(), LogisticRegression())
    grid = {"imagereader__mode": ["gray", "rgb"], "imagereader__size": [(2, 2), (4, 4)]}
    search = GridSearchCV(model, grid, cv=StratifiedKFold(3))
    train, test, y_train, y_test = train_test_split(
        paths, labels, stratify=labels, random_state=0
    )
    search.fit(train, y_train)
    assert search.score(test, y_test) == 1
    assert search.score(list(test), y_test) == 1


def test_clone_and_pickle_keep_the_spec(images):
    reader = ImageReader((4, 5), mode="gray", aspect="pad", interpolation="lanczos")
    expected = reader.transform(images)
    for copy in (clone(reader), pickle.loads(pickle.dumps(reader))):
        assert copy.get_params() == reader.get_params()
        assert_array_equal(copy.transform(images), expected)


def test_images_stay_arrays_whatever_output_is_set(images):
    reader = ImageReader(mode="gray")
    with sklearn.config_context(transform_output="pandas"):
        assert isinstance(reader.fit_transform(images), np.ndarray)
    pipeline = make_pipeline(reader, "passthrough").set_output(transform="pandas")
    assert isinstance(pipeline.fit_transform(images), np.ndarray)
    assert list(pipeline.get_feature_names_out()) == ["image"]


def test_value_range_scales_twelve_bits_whatever_they_are_stored_in():
    twelve = np.uint16([[0, 2048, 4095]])
    expected = (twelve / 4095).astype(np.float32)
    reader = ImageReader(mode="gray", dtype="float32", value_range=(0, 4095))
    wide = twelve.astype(np.int32)
    for image in (twelve, wide, encode(twelve), encode(twelve, "TIFF")):
        assert_array_equal(reader.transform([image])[0], expected)
    assert_array_equal(reader.transform(wide[None])[0], expected)
    assert clone(reader).get_params()["value_range"] == (0, 4095)
    with pytest.raises(ImageDecodeError, match=r"outside value_range=\(0, 4095\)"):
        reader.transform([np.uint16([[4096]])])


@pytest.mark.parametrize("value_range", [(3,), (5, 5), (9, 1), ("a", "b")])
def test_value_range_must_be_two_numbers(value_range):
    with pytest.raises(ValueError, match="value_range must be two numbers"):
        ImageReader(value_range=value_range).fit([np.eye(3)])


def stored(pixels, kind):
    return pixels if kind == "array" else encode(pixels, kind)


@pytest.mark.parametrize("kind", ["array", "TIFF", "PNG"])
@pytest.mark.parametrize("n_jobs", [None, 4])
def test_twelve_bits_in_sixteen_are_warned_of_once_a_batch(kind, n_jobs):
    twelve = np.random.default_rng(0).integers(0, 4096, (20, 6, 5), dtype=np.uint16)
    twelve[:, 0, 0] = 4095
    batch = [stored(pixels, kind) for pixels in twelve]
    reader = ImageReader(mode="gray", n_jobs=n_jobs)
    for X in (batch, twelve):
        with pytest.warns(UserWarning, match=r"are dark.*value_range=") as caught:
            reader.transform(X)
        assert len(caught) == 1
    # Nothing is to be said with the range given, nor of 16 bits, nor of black.
    reader.set_params(value_range=(0, 4095)).transform(batch)
    reader.set_params(value_range=None).transform([stored(twelve[0] * 16, kind)])
    reader.transform([stored(twelve[0] * 0, kind)])


def test_descriptors_of_twelve_bit_files_warn_once():
    twelve = np.random.default_rng(0).integers(0, 4096, (8, 20, 20), dtype=np.uint16)
    files = [encode(pixels) for pixels in twelve]
    with pytest.warns(UserWarning, match="a tenth of 0..65535") as caught:
        HOG(n_jobs=2).fit_transform(files)
    assert len(caught) == 1


@pytest.mark.parametrize("as_list", [False, True])
def test_descriptors_of_twelve_bit_arrays_warn_once_a_batch(as_list):
    twelve = np.random.default_rng(0).integers(0, 4096, (8, 20, 20), dtype=np.uint16)
    with pytest.warns(UserWarning, match="a tenth of 0..65535") as caught:
        HOG(n_jobs=2).transform(list(twelve) if as_list else twelve)
    assert len(caught) == 1
