"""Fixtures of every test, those in docstrings too, which tests/conftest.py enters."""

import random
from contextlib import nullcontext

import numpy as np
import pytest
import torch

from imgfeat.deploy import _bundle, _self_check
from imgfeat.nets.inference import _choice

REAL_CHECK = _bundle.checking_elsewhere


@pytest.fixture(autouse=True, scope="session")
def own_home(tmp_path_factory):
    """Keep cached files out of the user's own folders."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMGFEAT_HOME", str(tmp_path_factory.getbasetemp() / "home"))
        yield


@pytest.fixture(autouse=True, scope="session")
def usual_engine():
    """Run nets in the usual way: no test depends on what is the fastest here."""

    def usual(key, facts, backbone, readout, plan, verbose):
        return plan.choices[0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_choice, "_find", usual)
        yield


@pytest.fixture(autouse=True, scope="session")
def quick_self_check():
    """Let `save` check its file in this process: a fresh one takes seconds to start."""

    def check_here(written, path, hidden=()):
        _bundle.load_to_check(written, path, lambda pipeline: None)
        return nullcontext()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_bundle, "checking_elsewhere", check_here)
        patch.setattr(_self_check, "STARTS_EARLY", False)
        yield


@pytest.fixture(autouse=True)
def whole_self_check(request, monkeypatch):
    """Let `save` do as ever in tests that are marked ``fresh_process``."""
    if request.node.get_closest_marker("fresh_process"):
        monkeypatch.setattr(_bundle, "checking_elsewhere", REAL_CHECK)


@pytest.fixture(autouse=True)
def same_draws():
    """What a test leaves to chance (``random_state=None``) is the same each time."""
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002, what scikit-learn draws from
    torch.manual_seed(0)
