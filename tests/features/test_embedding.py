"""Tests for imgfeat/features/_embedding.py."""

import io
import pickle
import threading
import time

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from sklearn.base import clone
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

from imgfeat.features import CNNEmbedding
from imgfeat.features import _embedding as module
from imgfeat.nets.catalog import _backbones
from imgfeat.sources import ImageDecodeError
from imgfeat.sources._images import Images
from tests._checks import WITHOUT_DATA, behind_adapter, expected_to_fail
from tests.nets._tiny import ENGINES, TINY, TinyNet

# Small pictures of the real net: quick, and exported at most once a run.
SIZE = 32


@pytest.mark.parametrize("check", WITHOUT_DATA, ids=lambda check: check.__name__)
def test_follows_estimator_api(check):
    check("CNNEmbedding", CNNEmbedding())


@parametrize_with_checks(
    [
        behind_adapter(
            CNNEmbedding(size=SIZE, engine="torch", n_jobs=1), unit_range=True
        )
    ],
    expected_failed_checks=expected_to_fail,
)
def test_behaves_in_a_pipeline(estimator, check):
    check(estimator)


@pytest.fixture
def photos():
    """Nine RGB images of smooth noise, 50 x 40 pixels."""
    rng = np.random.default_rng(3)
    small = rng.integers(0, 256, (9, 10, 8, 3), dtype=np.uint8)
    return np.stack(
        [np.asarray(Image.fromarray(image).resize((40, 50))) for image in small]
    )


def embedding(**options):
    return CNNEmbedding(**{"size": SIZE, "engine": "torch", "n_jobs": 1, **options})


def assert_same_rows(got, expected, tolerance=1e-5):
    scale = np.abs(expected).max(axis=1, keepdims=True)
    assert (np.abs(got - expected) <= tolerance * scale).all()


def test_matches_the_definition(photos):
    tiny = TinyNet()
    features = CNNEmbedding(tiny).fit_transform(photos)
    for row, photo in zip(features, photos, strict=True):
        # crop=1 and a portrait: the middle 40 rows, 12 x 15 pixels resized
        resized = Image.fromarray(photo).resize((12, 15), Image.Resampling.BOX)
        view = np.asarray(resized)[2:14] / 255  # (15 - 12) / 2, rounded to even
        x = ((view - TINY.mean) / TINY.std).transpose(2, 0, 1)[None]
        with torch.inference_mode():
            maps = tiny.eval()(torch.tensor(x, dtype=torch.float32))
        assert_allclose(row, maps.mean((0, 2, 3)), atol=0.02)  # a level, when rounding


@pytest.mark.onnx
def test_engines_agree(photos):
    by_torch = embedding().fit_transform(photos)
    by_onnx = embedding(engine="onnx").fit_transform(photos)
    assert_same_rows(by_onnx, by_torch, 1e-4)


@pytest.mark.parametrize("engine", ENGINES)
def test_row_is_the_same_alone_in_any_batch_and_for_any_threads(photos, engine):
    expected = embedding(engine=engine).fit_transform(photos)
    alone = [embedding(engine=engine).transform(photos[i : i + 1])[0] for i in range(9)]
    assert_same_rows(np.stack(alone), expected)
    for options in ({"batch_size": 2}, {"n_jobs": 2}, {"n_jobs": 3}, {"n_jobs": None}):
        assert_same_rows(
            embedding(engine=engine, **options).fit_transform(photos[::-1])[::-1],
            expected,
        )


def encoded(image):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "png")
    return file.getvalue()


def test_all_kinds_of_input_give_the_same(photos, tmp_path):
    expected = embedding().fit_transform(photos)
    paths = [tmp_path / f"{i}.png" for i in range(len(photos))]
    for path, photo in zip(paths, photos, strict=True):
        path.write_bytes(encoded(photo))
    kinds = {
        "paths": paths,
        "array of str": np.array([str(path) for path in paths]),
        "series": pd.Series([str(path) for path in paths], index=range(5, 14)),
        "bytes": [path.read_bytes() for path in paths],
        "PIL": [Image.open(path) for path in paths],
        "list of arrays": list(photos),
        "floats": photos / 255,
        "float32": photos.astype(np.float32) / 255,
        "16 bit": photos.astype(np.uint16) * 257,
        "ints": photos.astype(int),
    }
    for kind, X in kinds.items():
        assert_array_equal(embedding().transform(X), expected, err_msg=kind)


def test_gray_is_the_same_as_its_rgb_copy(images):
    rgb = np.repeat(images[..., None], 3, axis=3)
    assert_array_equal(
        embedding().fit_transform(images), embedding().fit_transform(rgb)
    )


def test_flattened_rows_are_unfolded(photos):
    flat = photos.reshape(len(photos), -1)
    with pytest.raises(ValueError, match="image_shape"):
        embedding().fit(flat)
    got = embedding(image_shape=(50, 40, 3)).fit(flat).transform(flat)
    assert_array_equal(got, embedding().fit_transform(photos))


def test_images_may_have_any_sizes(photos):
    mixed = [photos[0], photos[1][:20], photos[2][:, :9], np.zeros((1, 1), np.uint8)]
    net = embedding().fit(photos)
    alone = np.vstack([net.transform([image]) for image in mixed])
    assert_same_rows(net.transform(mixed), alone)
    assert net.transform(photos[:, :30]).shape == (9, 1280)  # another size than fit's


def test_output_is_float32_in_rows(photos):
    features = embedding().fit_transform(photos)
    assert features.shape == (9, 1280)
    assert features.dtype == np.float32
    assert features.flags.c_contiguous


def test_needs_no_fit(photos):
    assert not get_tags(CNNEmbedding()).requires_fit
    net = embedding()
    features = net.transform(photos)
    assert_array_equal(features, embedding().fit_transform(photos))
    assert set(vars(net)) == set(net.get_params())
    assert len(net.get_feature_names_out()) == 1280
    with pytest.raises(ValueError, match="'pooling' parameter"):
        embedding(pooling="sum").transform(photos)


def test_names_features_by_net(photos):
    names = embedding().fit(photos).get_feature_names_out()
    assert list(names[[0, 17, 1279]]) == [
        "efficientnet_lite0_0000", "efficientnet_lite0_0017", "efficientnet_lite0_1279",
    ]  # fmt: skip
    tiny = CNNEmbedding(TinyNet()).set_output(transform="pandas")
    frame = tiny.fit_transform(photos)
    assert list(frame) == [f"tinynet_000{i}" for i in range(5)]


@pytest.mark.onnx
def test_says_which_weights_and_how_they_run(photos):
    net = embedding(engine="auto", device="cpu", n_jobs=2, batch_size=3).fit(photos)
    assert net.weights_info_["name"] == "efficientnet_lite0"
    assert net.weights_info_["sha256"].startswith("57934424")
    assert net.weights_info_["preprocessing"]["size"] == (SIZE, SIZE)
    assert net.weights_info_["preprocessing"]["interpolation"] == "bicubic"
    assert net.inference_info_.items() >= {
        "engine": "onnx", "device": "cpu", "precision": "float32", "threads": 2,
        "batch_size": 3, "n_views": 1, "fast_decode": False,
    }.items()  # fmt: skip
    assert net.n_features_in_ == 50 * 40 * 3
    assert not hasattr(embedding().fit(list(photos)), "n_features_in_")


def test_transform_leaves_a_module_as_it_was(photos):
    tiny = TinyNet().train()
    before = {name: tensor.clone() for name, tensor in tiny.state_dict().items()}
    net = CNNEmbedding(tiny).fit(photos)
    first, second = net.transform(photos), net.transform(photos)
    assert_array_equal(first, second)
    assert tiny.training
    for name, tensor in tiny.state_dict().items():
        assert torch.equal(tensor, before[name])


def test_clone_and_pickle_load_and_hold_no_weights(photos, monkeypatch):
    net = embedding().fit(photos)
    expected = net.transform(photos)

    def loaded(*args):
        raise AssertionError("weights were loaded")

    with monkeypatch.context() as patch:
        patch.setattr(_backbones, "_net_from_file", loaded)
        assert clone(net).get_params() == net.get_params()
        stored = pickle.dumps(net)
        again = pickle.loads(stored)
        clone(net).fit(photos)
    assert len(stored) < 2000
    assert_array_equal(again.transform(photos), expected)


def test_fitted_estimator_refuses_other_weights(photos):
    net = embedding().fit(photos)
    net.weights_info_ = {**net.weights_info_, "sha256": "0" * 64}
    with pytest.raises(ValueError, match=r"weights of efficientnet_lite0 need the sha"):
        net.transform(photos)


@pytest.mark.parametrize("n_jobs, most", [(1, 1), (2, 2)])
def test_decode_and_net_together_keep_to_the_threads(photos, monkeypatch, n_jobs, most):
    seen, read = set(), Images.read

    def watched(images, row, at_least=None):
        seen.add(threading.get_ident())
        assert torch.get_num_threads() == 1
        return read(images, row, at_least)

    monkeypatch.setattr(Images, "read", watched)
    before = torch.get_num_threads(), set(threading.enumerate())
    embedding(n_jobs=n_jobs).transform(list(photos) * 4)
    assert len(seen) <= most
    assert torch.get_num_threads() == before[0]
    assert set(threading.enumerate()) <= before[1]


@pytest.mark.parametrize("engine", ENGINES)
def test_one_job_is_one_busy_core(photos, engine):
    net = embedding(engine=engine, n_jobs=1)
    net.transform(photos)
    own, all_threads = time.thread_time(), time.process_time()
    net.transform(list(photos) * 20)
    own, all_threads = time.thread_time() - own, time.process_time() - all_threads
    assert all_threads < 1.2 * own  # only the caller's thread computes


def test_memory_does_not_grow_with_the_number_of_images(monkeypatch):
    """Images are decoded when they are needed: a few more than the net has seen."""
    decoded, run, ahead = [0], [0], [0]
    read, opened = Images.read, module.open_engine

    def watched_read(images, row, at_least=None):
        decoded[0] += 1
        ahead[0] = max(ahead[0], decoded[0] - run[0])
        return read(images, row, at_least)

    class Watched:
        def __init__(self, engine):
            self.running = engine.running

    def watched_open(*args):
        engine = opened(*args)
        forward = engine.embedder.forward

        def counted(images):
            features = forward(images)
            run[0] += len(images)
            return features

        engine.embedder.forward = counted
        return engine

    monkeypatch.setattr(Images, "read", watched_read)
    monkeypatch.setattr(module, "open_engine", watched_open)
    net = CNNEmbedding(TinyNet(), n_jobs=2).fit([encoded(np.zeros((9, 9), np.uint8))])
    decoded[0] = run[0] = 0
    net.transform([encoded(np.zeros((9, 9), np.uint8))] * 100)
    assert decoded[0] >= 100
    assert ahead[0] <= 3 * 4


# What is refused


def test_unreadable_file_is_named(photos, tmp_path):
    bad = tmp_path / "notes.jpg"
    bad.write_text("not an image")
    with pytest.raises(ImageDecodeError, match=r"notes\.jpg: it is not an image file"):
        embedding().fit_transform([*photos, bad])


@pytest.mark.parametrize(
    "scale, message",
    [
        (255, "0..1. Got values from 0 to 255 in X; div"),
        (-1, "values from -1 to"),
    ],
)
def test_floats_of_another_scale_are_refused(scale, message):
    X = np.linspace(0, 1, 2 * 8 * 8).reshape(2, 8, 8) * scale
    with pytest.raises(ValueError, match=message):
        embedding().fit(X)
    with pytest.raises(ValueError, match=r"in image 1; (divide by|scale)"):
        embedding().transform([X[0] * 0, X[1]])


@pytest.mark.parametrize("value, what", [(np.nan, "NaN"), (np.inf, "infinity")])
def test_pixels_that_are_not_finite_are_refused(value, what):
    X = np.zeros((3, 8, 8))
    X[1, 2, 3] = value
    with pytest.raises(ValueError, match=f"Input X contains {what}: 1 of 3 images"):
        embedding().fit(X)


def test_nan_in_a_list_of_arrays_is_refused():
    X = [np.zeros((8, 8)), np.full((8, 8), np.nan)]
    with pytest.raises(ValueError, match="Got NaN in image 1; drop the image"):
        embedding().transform(X)


@pytest.mark.parametrize(
    "X, message",
    [
        (np.zeros((0, 8, 8)), "0 sample"),
        ([], "0 sample"),
        (np.zeros((8, 8, 3, 1, 1)), "expects images of shape"),
        ("photo.jpg", "Got one str; put it in a list"),
    ],
)
def test_what_is_no_batch_is_refused(X, message):
    with pytest.raises(ValueError, match=message):
        embedding().fit(X)


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"backbone": "resnet-18"}, ValueError, "Did you mean 'resnet18'"),
        ({"backbone": TinyNet(None)}, ValueError, "needs to state its preprocessing"),
        ({"weights": "imagenet"}, ValueError, "has no weights 'imagenet'"),
        ({"size": (5,)}, ValueError, "size must be a tuple of 2 positive ints"),
        ({"device": "cuda:99"}, ValueError, "There is no device 'cuda:99' here"),
        ({"n_jobs": 0}, ValueError, "n_jobs"),
    ],
)
def test_parameters_that_name_nothing_are_refused(photos, options, error, message):
    with pytest.raises(error, match=message):
        embedding(**options).fit(photos)


def test_missing_weights_file_is_named(photos, tmp_path, monkeypatch):
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path))
    message = r"resnet18 needs the weights file resnet18-f37072fd\.pth.*checkpoints"
    with pytest.raises(FileNotFoundError, match=message):
        embedding(backbone="resnet18").fit(photos)


def test_missing_extra_is_named(photos, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'imgfeat\[onnx\]'"):
        embedding(engine="onnx").fit(photos)
