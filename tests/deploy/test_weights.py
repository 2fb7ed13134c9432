"""Tests for imgfeat/deploy/_weights.py: pipelines with nets."""

import gc
import shutil
from pathlib import Path
from weakref import WeakValueDictionary

import numpy as np
import pytest
import safetensors.torch
import torch
from numpy.testing import assert_array_equal
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from imgfeat.deploy import BundleError, UntrustedFileError, load, save
from imgfeat.deploy._archive import read_bundle
from imgfeat.deploy._example import picture
from imgfeat.features import CNNEmbedding
from imgfeat.nets import Preprocessing
from imgfeat.nets.catalog import _tensors
from imgfeat.nets.inference import _stock
from tests.deploy._forge import rewrite, swap_model


@pytest.fixture(scope="module")
def photos():
    return np.stack([picture((40, 50, 3), seed) for seed in range(8)])


@pytest.fixture(autouse=True)
def nothing_registered(monkeypatch):
    monkeypatch.setattr(_tensors, "_registered", WeakValueDictionary())


def fit(photos, backbone, **options):
    net = CNNEmbedding(backbone, size=64, engine="torch", device="cpu", **options)
    classifier = make_pipeline(StandardScaler(), LogisticRegression())
    return make_pipeline(net, classifier).fit(photos, ["left", "right"] * 4)


@pytest.fixture(scope="module")
def installed(photos):
    """A pipeline whose weights are installed."""
    return fit(photos, "efficientnet_lite0")


@pytest.fixture(scope="module")
def random(photos):
    """A pipeline whose weights no package has."""
    return fit(photos, "resnet18", weights=None)


@pytest.fixture(scope="module")
def saved_random(random, tmp_path_factory):
    path = tmp_path_factory.mktemp("random") / "random.imgfeat"
    save(random, path)
    return path


@pytest.fixture
def random_file(saved_random, tmp_path):
    return Path(shutil.copy(saved_random, tmp_path))


def weights_in(path):
    return [name for name in read_bundle(path)[1] if name.startswith("weights/")]


def test_installed_weights_stay_out_of_the_file(installed, photos, tmp_path):
    path = tmp_path / "model.imgfeat"
    save(installed, path)
    assert weights_in(path) == []
    assert path.stat().st_size < 400_000
    assert_array_equal(
        load(path).predict_proba(photos), installed.predict_proba(photos)
    )


def test_other_weights_travel_in_the_file(random_file, random, photos, monkeypatch):
    assert len(weights_in(random_file)) == 1

    def not_here(*arguments):
        raise AssertionError("made anew instead of taken from the file")

    expected = random.predict_proba(photos)
    monkeypatch.setattr("imgfeat.nets.catalog._backbones._random_net", not_here)
    assert_array_equal(load(random_file).predict_proba(photos), expected)


def test_loaded_pipeline_is_saved_with_the_same_weights(random_file, tmp_path, photos):
    again = tmp_path / "again.imgfeat"
    loaded = load(random_file)
    save(loaded, again)
    assert weights_in(again) == weights_in(random_file)
    assert_array_equal(load(again).predict(photos), loaded.predict(photos))


def test_weights_under_a_false_name_are_refused(random_file):
    (name,) = weights_in(random_file)

    def edit(manifest, parts):
        tensors = safetensors.torch.load(parts[name])
        next(iter(tensors.values())).add_(1)
        parts[name] = safetensors.torch.save(tensors)

    rewrite(random_file, edit)
    with pytest.raises(BundleError, match="holds other tensors than it says"):
        load(random_file)
    assert len(_tensors._registered) == 0


@pytest.mark.parametrize(
    "data", [b"", b"x" * 100, b"\xff" * 8, b"\x02" + bytes(7) + b"{}"]
)
def test_weights_that_are_none_are_one_clear_error(random_file, data):
    (name,) = weights_in(random_file)
    rewrite(random_file, lambda manifest, parts: parts.update({name: data}))
    with pytest.raises(BundleError, match=r"is not readable|holds other tensors"):
        load(random_file)


def test_missing_weights_are_an_error(random_file):
    (name,) = weights_in(random_file)
    rewrite(random_file, lambda manifest, parts: parts.pop(name))
    with pytest.raises(BundleError, match=f"has no {name}"):
        load(random_file)


@pytest.mark.parametrize("names", [3, "x", None])
def test_nonsense_about_weights_is_one_clear_error(random_file, names):
    rewrite(random_file, lambda manifest, parts: manifest.update(weights=names))
    with pytest.raises(BundleError, match="has weights that cannot be used"):
        load(random_file)


@pytest.mark.slow
@pytest.mark.fresh_process
def test_saving_registers_nothing(random_file, random, tmp_path):
    save(random, tmp_path / "again.imgfeat")
    assert len(_tensors._registered) == 0
    assert (tmp_path / "again.imgfeat").read_bytes() == random_file.read_bytes()


def test_a_process_that_loads_again_and_again_does_not_grow(photos, tmp_path):
    path = tmp_path / "small.imgfeat"
    save(fit(photos, "timm/test_resnet", weights=None), path)
    expected = load(path).predict_proba(photos)
    stock = list(_stock._engines)
    for _ in range(20):
        loaded = load(path)
        assert len(_tensors._registered) == 1
    assert_array_equal(loaded.predict_proba(photos), expected)
    assert list(_stock._engines) == stock
    del loaded
    gc.collect()
    assert len(_tensors._registered) == 0


def test_module_of_ones_own_is_refused_at_save_by_name(photos, tmp_path):
    module = torch.nn.Conv2d(3, 4, 3)
    module.preprocessing = Preprocessing((16, 16), mean=(0.5,) * 3, std=(0.5,) * 3)
    pipeline = fit(photos, module)
    match = r"Conv2d in cnnembedding__backbone; use a backbone by name"
    with pytest.raises(UntrustedFileError, match=match):
        save(pipeline, tmp_path / "model.imgfeat")


def test_net_trained_on_a_gpu_serves_without(installed, tmp_path, monkeypatch):
    path = tmp_path / "model.imgfeat"
    save(installed, path)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    swap_model(path, lambda pipeline: pipeline[0].set_params(device="cuda:1"))
    assert load(path)[0].device == "auto"


def test_other_weights_in_the_package_are_an_error(installed, tmp_path):
    path = tmp_path / "model.imgfeat"
    save(installed, path)
    swap_model(path, lambda p: p[0].weights_info_.update(sha256="0" * 64))
    with pytest.raises(BundleError, match="weights of efficientnet_lite0 need the sha"):
        load(path)


def test_manifest_tells_how_images_are_read(random_file):
    manifest, _ = read_bundle(random_file)
    assert manifest["reading"]["cnnembedding"]["backbone"] == "resnet18"
    assert manifest["reading"]["cnnembedding"]["size"] == 64
    assert manifest["golden_tolerance"] == 0.03
    assert manifest["versions"]["torch"]
