"""Fixtures shared by all tests. Small, seeded, no downloads."""

import os
import random
import signal
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import features

from imgfeat._optional import has_module
from imgfeat.deploy import _bundle
from imgfeat.nets.catalog import _lite
from imgfeat.nets.inference import _choice
from imgfeat.nets.inference._engines import ENGINES
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


@pytest.fixture(autouse=True)
def quick_self_check(request, monkeypatch):
    """Let `save` check its file in this process: a fresh one takes seconds to start.

    Not for tests that are marked ``fresh_process``.
    """
    if request.node.get_closest_marker("fresh_process"):
        return

    def check_here(written, path, hidden=()):
        _bundle.load_to_check(written, path, lambda pipeline: None)
        return nullcontext()

    monkeypatch.setattr(_bundle, "checking_elsewhere", check_here)


def pytest_configure():
    """Take Ctrl-C seriously where a shell that runs us in the background does not."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_runtest_setup(item):
    """Skip what is marked as in need of what is not installed."""
    for mark, (is_there, reason) in NEEDS.items():
        if item.get_closest_marker(mark) and not is_there():
            pytest.skip(reason)


@pytest.fixture(autouse=True)
def same_draws():
    """What a test leaves to chance (``random_state=None``) is the same each time."""
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002, what scikit-learn draws from
    torch.manual_seed(0)


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory, monkeypatch):
    """Keep every test's cached files out of the user's own folders."""
    monkeypatch.setenv("IMGFEAT_HOME", str(tmp_path_factory.getbasetemp() / "home"))


@pytest.fixture(autouse=True, scope="session")
def usual_engine():
    """Run nets in the usual way: no test depends on what is the fastest here."""

    def usual(key, facts, backbone, readout, plan, verbose):
        return plan.choices[0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_choice, "_find", usual)
        yield
