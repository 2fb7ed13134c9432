"""Fixtures shared by all tests. Small, seeded, no downloads."""

import os
import signal
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import features

from imgfeat._optional import has_module
from imgfeat.nets.catalog import _lite
from imgfeat.nets.inference._engines import ENGINES
from tests import _everywhere
from tests._commands import run
from tests._photos import write_photo_folder

NEEDS = {
    "onnx": (ENGINES["onnx"].is_here, "the extra onnx is not installed"),
    "openvino": (ENGINES["openvino"].is_here, "the extra openvino is not installed"),
    "nets": (
        lambda: all(net.is_here() for net in _lite.NETS.values()),
        "the extra nets is not installed",
    ),
    "distributed": (
        partial(has_module, "accelerate"),
        "the extra distributed is not installed",
    ),
    "remote": (
        partial(has_module, "aiohttp"),
        "the extra remote is not installed",
    ),
    "dask": (partial(has_module, "distributed"), "the extra dask is not installed"),
    "serve": (
        lambda: all(map(has_module, ("fastapi", "uvicorn", "httpx"))),
        "the extra serve, or httpx, is not installed",
    ),
    "ray": (partial(has_module, "ray"), "the extra ray is not installed"),
    "fork": (lambda: hasattr(os, "fork"), "the system has no fork"),
    "avif": (
        lambda: "avif" in features.get_supported_modules(),
        "Pillow before 11.3 has no AVIF",
    ),
}


@pytest.fixture
def images():
    """Six 20 x 18 gray images of noise, uint8."""
    return np.random.default_rng(0).integers(0, 256, (6, 20, 18), dtype=np.uint8)


@pytest.fixture
def color_images():
    """Four 24 x 20 RGB images of noise, uint8."""
    return np.random.default_rng(1).integers(0, 256, (4, 24, 20, 3), dtype=np.uint8)


@pytest.fixture(scope="session")
def photos(tmp_path_factory):
    """A folder of 12 photos a class, of brick, grass and gravel."""
    return write_photo_folder(tmp_path_factory.mktemp("cli") / "photos", n_per_class=12)


@pytest.fixture(scope="session")
def model(photos, tmp_path_factory):
    """The file of a model that `train` made of these photos."""
    path = tmp_path_factory.mktemp("model") / "model.imgfeat"
    run("train", photos, "--recipe", "hog-svm", "--size", 64, "--out", path)
    return path


@pytest.fixture(scope="session")
def real_data():
    """The folder that IMGFEAT_DATA names, or a skip that says so."""
    folder = os.environ.get("IMGFEAT_DATA")
    if not folder:
        pytest.skip("IMGFEAT_DATA is not set: no folder of real images to read")
    folder = Path(folder)
    if not folder.is_dir():
        pytest.skip(f"IMGFEAT_DATA={folder} is not a folder")
    return folder


def pytest_configure(config):
    """Enter what goes for doctests too; they are in another folder.

    And take Ctrl-C seriously where a shell that runs us in the background does not.
    """
    config.pluginmanager.register(_everywhere, "everywhere")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_runtest_setup(item):
    """Skip what is marked as in need of what is not installed."""
    for mark, (is_there, reason) in NEEDS.items():
        if item.get_closest_marker(mark) and not is_there():
            pytest.skip(reason)
