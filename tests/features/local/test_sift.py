"""Tests for imgfeat/features/local/_sift.py, _dense_sift.py and _local.py."""

import io
import pickle

import cv2
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from skimage import data
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from imgfeat.features import ORB, SIFT, DenseSIFT
from imgfeat.kernels.dense_sift import dense_sift
from imgfeat.kernels.gray import to_gray
from imgfeat.sources import ImageDecodeError
from tests._checks import WITHOUT_DATA, PadToSquare, behind_adapter, expected_to_fail

SMALL = {"scale_factor": 1.2, "patch_size": 15}
ALL = [SIFT(), ORB(**SMALL), DenseSIFT()]
EVERY = pytest.mark.parametrize("feature", ALL, ids=lambda f: type(f).__name__)


class MeanPool(TransformerMixin, BaseEstimator):
    """Mean descriptor of each image: a table, for checks that want one."""

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X):
        total = np.zeros(X.shape, dtype=np.float32)
        images = np.repeat(np.arange(len(X)), X.n_per_image)
        np.add.at(total, images, X.values)
        return total / np.maximum(X.n_per_image, 1)[:, None].astype(np.float32)

    def get_feature_names_out(self, input_features=None):
        if input_features is None:
            input_features = [f"mean{i}" for i in range(self.n_features_in_)]
        return np.asarray(input_features, dtype=object)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


def pooled(feature):
    pipeline = behind_adapter(feature, min_side=40)
    return make_pipeline(*(step for _, step in pipeline.steps), MeanPool())


@EVERY
@pytest.mark.parametrize("check", WITHOUT_DATA, ids=lambda check: check.__name__)
def test_follows_estimator_api(check, feature):
    check(type(feature).__name__, clone(feature))


@parametrize_with_checks(
    [pooled(feature) for feature in ALL], expected_failed_checks=expected_to_fail
)
def test_behaves_in_a_pipeline(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def photos():
    """Three 80 x 72 gray photographs, and a blank, uint8."""
    whole = data.camera()[::2, ::2]
    corners = [(30, 90), (60, 110), (100, 60)]
    crops = [whole[r : r + 80, c : c + 72] for r, c in corners]
    return np.stack([*crops, np.full((80, 72), 9, np.uint8)])


@pytest.fixture(scope="module")
def color_photo():
    """A 60 x 80 RGB photograph, uint8."""
    return np.ascontiguousarray(data.astronaut()[40:280:4, 100:420:4])


def assert_same(a, b, atol=0):
    assert_array_equal(a.offsets, b.offsets)
    assert_allclose(a.values, b.values, rtol=0, atol=atol)
    assert_allclose(a.positions, b.positions, rtol=0, atol=1e-6)


# --- All of them ---------------------------------------------------------------------


@EVERY
def test_describes_each_image_alone(feature, photos):
    X = feature.fit_transform(photos)
    assert X.shape == (4, len(feature.get_feature_names_out()))
    assert X.n_per_image[0] > 0
    assert X.values.flags.c_contiguous
    for i in range(len(photos)):
        assert_same(feature.transform(photos[i : i + 1]), X[i : i + 1])


@EVERY
def test_threads_change_nothing(feature, photos):
    assert_same(
        clone(feature).set_params(n_jobs=3).fit_transform(photos),
        feature.fit_transform(photos),
    )


def encoded(image):
    file = io.BytesIO()
    Image.fromarray(image).save(file, format="PNG")
    return file.getvalue()


@EVERY
def test_every_kind_of_batch_gives_the_same(feature, photos, tmp_path):
    expected = feature.fit_transform(photos)
    paths = [tmp_path / f"{i}.png" for i in range(len(photos))]
    for path, image in zip(paths, photos, strict=True):
        path.write_bytes(encoded(image))
    flat = clone(feature).set_params(image_shape=(80, 72))
    assert_same(flat.fit_transform(photos.reshape(4, -1)), expected)
    for batch in (
        list(photos),
        [encoded(image) for image in photos],
        paths,
        np.array([str(path) for path in paths]),
        pd.Series([str(path) for path in paths]),
        [Image.fromarray(image) for image in photos],
        photos[..., None],
        np.repeat(photos[..., None], 3, axis=3),
        photos.astype(np.uint16) * 257,
        photos.astype(np.int64),
    ):
        assert_same(feature.fit_transform(batch), expected, atol=1e-6)
    for dtype in (np.float32, np.float64):
        unit = photos.astype(dtype) / 255
        assert_same(feature.fit_transform(unit), expected, atol=1e-4)


@EVERY
def test_images_may_differ_in_size_and_kind(feature, photos, color_photo):
    images = [photos[0], color_photo, photos[1][:70, :70]]
    X = clone(feature).set_params(n_jobs=2).fit_transform(images)
    alone = [feature.transform(image[None]) for image in images]
    assert_same(X, np.concatenate(alone))


@EVERY
def test_rgb_is_described_by_its_luminance(feature, color_photo):
    assert_same(
        feature.fit_transform(color_photo[None]),
        feature.fit_transform(to_gray(color_photo)[None]),
    )


@EVERY
@pytest.mark.parametrize("scale, offset", [(255, 0), (1e-3, 7.0), (1e300, -1e299)])
def test_takes_floats_of_any_scale(feature, photos, scale, offset):
    stretched = photos[:2] - photos[:2].min(axis=(1, 2), keepdims=True)
    unit = stretched / stretched.max(axis=(1, 2), keepdims=True)
    images = unit * scale + offset
    expected = feature.fit_transform(unit)
    assert_same(feature.fit_transform(images), expected, atol=1e-3)


@EVERY
def test_huge_range_stays_finite(feature):
    image = np.zeros((1, 50, 50))
    image[0, 20:30, 20:30] = 1.7e308
    image[0, :10, :10] = -1.7e308
    assert np.isfinite(feature.fit_transform(image).values).all()


@EVERY
@pytest.mark.parametrize("value", [0, 200])
@pytest.mark.parametrize("dtype", [np.uint8, np.float64])
def test_blank_image_is_no_error(feature, value, dtype):
    X = feature.fit_transform(np.full((2, 70, 70), value, dtype=dtype))
    assert len(X) == 2
    assert not X.values.any()


@EVERY
def test_one_axis_of_positions_is_down_and_the_other_across(feature):
    image = np.zeros((1, 100, 200), dtype=np.uint8)
    rng = np.random.default_rng(0)
    image[0, 40:80, 40:80] = rng.integers(0, 256, (40, 40))
    X = feature.fit_transform(image)
    middle = X.positions[X.values.any(axis=1)].mean(axis=0)
    assert_allclose(middle, [0.6, 0.3], atol=0.04)


@EVERY
def test_pickles_before_and_after_fit(feature, photos):
    fitted = clone(feature).fit(photos)
    for estimator in (feature, fitted):
        again = pickle.loads(pickle.dumps(estimator))
        assert_same(again.transform(photos), fitted.transform(photos))


@EVERY
def test_stays_descriptors_in_a_pipeline_that_gives_tables(feature, photos):
    pipeline = make_pipeline(clone(feature), MeanPool())
    table = pipeline.set_output(transform="pandas").fit_transform(photos)
    assert isinstance(table, pd.DataFrame)
    names = list(feature.get_feature_names_out())
    assert list(pipeline.get_feature_names_out()) == names
    assert table.shape == (len(photos), len(names))


@EVERY
def test_needs_finite_pixels(feature):
    image = np.zeros((70, 70))
    image[3, 4] = np.nan
    with pytest.raises(ValueError, match="Input X contains NaN"):
        feature.fit(image[None])
    with pytest.raises(ImageDecodeError, match="image 1: it has NaN or infinite"):
        feature.fit_transform([np.zeros((70, 70)), image])


@EVERY
def test_names_the_file_that_it_cannot_read(feature, tmp_path):
    path = tmp_path / "torn.png"
    path.write_bytes(encoded(np.zeros((70, 70), np.uint8))[:60])
    with pytest.raises(ImageDecodeError, match=r"torn\.png"):
        feature.fit_transform([path])


@EVERY
def test_checks_parameters_without_fit(feature, photos):
    with pytest.raises(ValueError, match="'n_jobs' parameter"):
        clone(feature).set_params(n_jobs="all").transform(photos)


# --- SIFT ----------------------------------------------------------------------------


def strongest_first(keypoints):
    keys = [(-k.response, k.pt[1], k.pt[0], k.size, k.angle) for k in keypoints]
    return sorted(range(len(keys)), key=keys.__getitem__)


def test_sift_describes_as_opencv_does(photos):
    X = SIFT(n_keypoints=None, root=False).fit_transform(photos)
    for i, image in enumerate(photos):
        keypoints, values = cv2.SIFT_create().detectAndCompute(image, None)
        assert len(X[i]) == len(keypoints)
        if len(keypoints) == 0:
            continue
        order = strongest_first(keypoints)
        values = values[order] / np.linalg.norm(values[order], axis=1, keepdims=True)
        assert_allclose(X[i], values, atol=1e-6)
        place = keypoints[order[0]].pt
        expected = (place[1] + 0.5) / 80, (place[0] + 0.5) / 72
        assert_allclose(X[i : i + 1].positions[0], expected, rtol=1e-5)


def test_root_sift_is_the_root_of_shares(photos):
    plain, root = (SIFT(root=r).fit_transform(photos).values for r in (False, True))
    assert_allclose(root**2, plain / plain.sum(axis=1, keepdims=True), atol=1e-6)


def test_sift_keeps_the_strongest_keypoints(photos):
    few = SIFT(n_keypoints=5).fit_transform(photos)
    every = SIFT(n_keypoints=None).fit_transform(photos)
    assert_array_equal(few.n_per_image, [5, 5, 5, 0])
    assert_array_equal(few[0], every[0][:5])


def test_orb_keeps_no_more_than_asked(photos):
    X = ORB(n_keypoints=7, **SMALL).fit_transform(photos)
    assert 0 < X.n_per_image.max() <= 7


@pytest.mark.parametrize("side", [(1, 1), (1, 9), (2, 2), (5, 90), (31, 31)])
@pytest.mark.parametrize("feature", [SIFT(), ORB(), ORB(patch_size=2, n_levels=30)])
def test_tiny_images_have_few_keypoints_or_none(feature, side):
    rng = np.random.default_rng(0)
    X = feature.fit_transform(rng.integers(0, 256, (2, *side), dtype=np.uint8))
    assert len(X) == 2
    assert np.isfinite(X.values).all()


def test_orb_bits_are_opencvs(photos):
    X = ORB(n_keypoints=300, patch_size=31).fit_transform(photos)
    for image, bits in zip(photos, X, strict=True):
        keypoints, values = cv2.ORB_create(300).detectAndCompute(image, None)
        if not keypoints:
            assert len(bits) == 0
            continue
        order = strongest_first(keypoints)
        assert_array_equal(bits, np.unpackbits(values[order], axis=1))


def test_opencv_keeps_its_threads(photos):
    before = cv2.getNumThreads()
    SIFT(n_jobs=2).fit_transform(photos)
    assert cv2.getNumThreads() == before


# --- DenseSIFT -----------------------------------------------------------------------


def test_dense_sift_is_the_kernel_with_positions(photos):
    X = DenseSIFT(step=6, bin_size=3, contrast_threshold=0.02).fit_transform(photos)
    found = dense_sift(
        photos, step=6, bin_size=3, contrast_threshold=0.02 * 255, root=True
    )
    assert_array_equal(X.values, found.reshape(-1, 128))
    assert_array_equal(X.n_per_image, found.shape[1] * found.shape[2])
    # (80 - 1 - 9) % 6 = 4: two rows of pixels above the first bins' centres.
    assert_allclose(X.positions[0], [(2 + 4.5 + 0.5) / 80, (1 + 4.5 + 0.5) / 72])
    assert_allclose(X.positions[1] - X.positions[0], [0, 6 / 72], atol=1e-6)


def test_sizes_of_bins_follow_each_other(photos):
    both = DenseSIFT(bin_size=(3, 5), n_jobs=2).fit_transform(photos)
    small, large = (DenseSIFT(bin_size=b).fit_transform(photos) for b in (3, 5))
    n_small = small.n_per_image[0]
    for i in range(len(photos)):
        assert_array_equal(both[i], np.concatenate([small[i], large[i]]))
        places = both[i : i + 1].positions
        assert_array_equal(places[:n_small], small[i : i + 1].positions)
        assert_array_equal(places[n_small:], large[i : i + 1].positions)


@pytest.mark.parametrize("dtype", [np.uint8, np.float64])
def test_colors_are_described_one_after_the_other(color_photo, dtype):
    image = color_photo if dtype == np.uint8 else color_photo / 255
    X = DenseSIFT(color="rgb", contrast_threshold=0).fit_transform(image[None])
    gray = DenseSIFT(contrast_threshold=0)
    for c in range(3):
        channel = gray.fit_transform(image[None, ..., c])
        assert_array_equal(X.values[:, c * 128 : (c + 1) * 128], channel.values)


def test_opponent_colors_by_their_definition(color_photo):
    R, G, B = np.moveaxis(color_photo.astype(np.float64), -1, 0)
    axes = (R - G) / 2**0.5, (R + G - 2 * B) / 6**0.5, (R + G + B) / 3**0.5
    X = DenseSIFT(color="opponent", root=False).fit_transform(color_photo[None])
    found = dense_sift(
        np.stack(axes).astype(np.float32),
        step=4,
        bin_size=4,
        contrast_threshold=0.005 * 255,
    )
    for c in range(3):
        expected = found[c].reshape(-1, 128)
        assert_allclose(X.values[:, c * 128 : (c + 1) * 128], expected, atol=1e-5)


def test_gray_images_have_no_hue(photos):
    X = DenseSIFT(color="opponent").fit_transform(photos)
    assert not X.values[:, :256].any()
    intensity = DenseSIFT(contrast_threshold=0.005 / 3**0.5).fit_transform(photos)
    assert_allclose(X.values[:, 256:], intensity.values, atol=1e-6)


def test_contrast_means_the_same_for_every_depth(photos):
    describe = DenseSIFT(contrast_threshold=0.05).fit_transform
    is_zero = [
        ~describe(images).values.any(axis=1)
        for images in (photos, photos.astype(np.uint16) * 257, photos / 255)
    ]
    assert 0.1 < is_zero[0].mean() < 0.9
    assert_array_equal(is_zero[1], is_zero[0])
    assert_array_equal(is_zero[2], is_zero[0])


def test_brightness_and_contrast_change_nothing(photos):
    images = photos[:3] / 1024 + 0.25
    describe = DenseSIFT(contrast_threshold=0).fit_transform
    assert_same(describe(2 * images + 0.01), describe(images), atol=1e-3)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float64])
@pytest.mark.parametrize("color", ["gray", "opponent"])
def test_device_gives_the_same_descriptors(color_photo, color, dtype):
    scale = {np.uint8: 1, np.uint16: 257, np.float64: 1 / 255}[dtype]
    X = (color_photo[None] * float(scale)).astype(dtype)
    feature = DenseSIFT(color=color, bin_size=(3, 4))
    # Torch's own name for the CPU: what runs on a device then runs there.
    on_device = feature.set_params(device="cpu:0").fit_transform(X)
    on_cpu = feature.set_params(device="cpu").fit_transform(X)
    assert_allclose(on_device.values, on_cpu.values, rtol=0, atol=1e-5)
    assert_array_equal(on_device.positions, on_cpu.positions)


def test_names_say_channel_bin_and_orientation():
    names = DenseSIFT(color="rgb").get_feature_names_out()
    assert len(names) == len(set(names)) == 384
    assert names[0] == "red_sift_row0_col0_bin0"
    assert names[-1] == "blue_sift_row3_col3_bin7"
    assert SIFT().get_feature_names_out()[9] == "sift_row0_col1_bin1"


@pytest.mark.parametrize(
    "shape, bin_size, message",
    [
        ((2, 12, 40), 4, r"bin_size=4 needs .* at least 13 x 13 pixels. Got 12 x 40;"),
        ((2, 30, 20), (4, 8), r"bin_size=\(4, 8\) needs .* 25 x 25 .* Got 30 x 20;"),
    ],
)
def test_dense_sift_says_how_large_images_must_be(shape, bin_size, message):
    images = np.zeros(shape, dtype=np.uint8)
    feature = DenseSIFT(bin_size=bin_size)
    for method in (feature.fit, feature.transform):
        with pytest.raises(ValueError, match=message):
            method(images)
    with pytest.raises(ValueError, match=r"Got \d+ x \d+ in image 1; use smaller bins"):
        feature.transform([np.zeros((40, 40), np.uint8), images[0]])


@pytest.mark.parametrize("bin_size", [(), (4, 0), (4, 2.5), ("4",)])
def test_dense_sift_rejects_bad_bins(photos, bin_size):
    with pytest.raises(ValueError, match="bin_size must be one or more positive ints"):
        DenseSIFT(bin_size=bin_size).fit(photos)


def test_checks_run_on_images_large_enough_to_describe():
    rows = np.random.default_rng(0).normal(size=(3, 4))
    images = PadToSquare(min_side=40).fit_transform(rows)
    assert DenseSIFT().fit_transform(images).n_per_image.min() > 0
