"""Tests for imgfeat/estimators/cnn/_team.py: two processes on CPUs train one net."""

import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from imgfeat.estimators import CNNClassifier
from imgfeat.estimators.cnn import _training
from imgfeat.estimators.cnn._team import Alone
from tests._hangs import HANGS_S

pytestmark = [pytest.mark.distributed, pytest.mark.slow]

RUNS = ["frozen norms", "staged", "head", "norms", "whole", "stored", "resumed"]
SAME_AS_ALONE = ["frozen norms", "staged", "head", "whole"]


def run(folder, *launcher):
    folder.mkdir()
    # One thread each: two processes would only get in each other's way.
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    command = [
        sys.executable,
        *launcher,
        "-m",
        "tests.estimators.cnn._together",
        folder,
    ]
    done = subprocess.run(
        command,
        env=environment,
        capture_output=True,
        text=True,
        timeout=HANGS_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    return run(tmp_path_factory.mktemp("team") / "alone")


@pytest.fixture(scope="module")
def together(tmp_path_factory):
    folder = tmp_path_factory.mktemp("team") / "together"
    return run(
        folder, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"
    )


@pytest.mark.parametrize("name", RUNS)
def test_all_processes_end_with_the_same_net(together, name):
    first, second = (np.load(together / f"{name}-{rank}.npz") for rank in "01")
    assert first.files == second.files
    for key in first.files:
        np.testing.assert_array_equal(first[key], second[key], err_msg=key)


@pytest.mark.parametrize("name", SAME_AS_ALONE)
def test_two_processes_train_as_one_does(alone, together, name):
    one, two = (np.load(folder / f"{name}-0.npz") for folder in (alone, together))
    for key in one.files:
        np.testing.assert_allclose(
            two[key], one[key], rtol=1e-3, atol=1e-4, err_msg=key
        )


def test_resumed_training_gives_what_one_run_gives(together):
    whole, resumed = (np.load(together / f"{n}-0.npz") for n in ("whole", "resumed"))
    for key in whole.files:
        np.testing.assert_array_equal(resumed[key], whole[key], err_msg=key)


@pytest.mark.parametrize(
    "name, message", [("labels", "same labels"), ("skip", "on_error='skip'")]
)
def test_what_would_not_work_is_refused_by_all(together, name, message):
    for rank in "01":
        assert message in (together / f"{name}-{rank}.txt").read_text()


def test_more_processes_than_images_are_refused():
    team = SimpleNamespace(size=4, check_same=lambda targets: None)
    with pytest.raises(ValueError, match="4 processes need as many"):
        _training._check_team(team, CNNClassifier(), np.zeros(3))


def test_without_accelerate_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "accelerate", None)
    cnn = CNNClassifier("simple_cnn", device="accelerate")
    images = np.zeros((4, 8, 8), np.uint8)
    with pytest.raises(ImportError, match=r"imgfeat\[distributed\]"):
        cnn.fit(images, [0, 1, 0, 1])


def test_net_that_was_trained_by_several_predicts_without_accelerate(monkeypatch):
    images = np.random.default_rng(0).integers(0, 256, (6, 8, 8), np.uint8)
    cnn = CNNClassifier("simple_cnn", max_epochs=1, n_jobs=1).fit(images, [0, 1] * 3)
    expected = cnn.predict_proba(images)
    monkeypatch.setitem(sys.modules, "accelerate", None)
    got = cnn.set_params(device="accelerate").predict_proba(images)
    np.testing.assert_array_equal(got, expected)


def test_one_process_is_a_team():
    team = Alone("cpu")
    assert (team.agree(3), team.mean(2.0, 5), team.gather([1])) == (3, 2.0, [1])
    module = torch.nn.Linear(2, 2)
    assert team.share_gradients(module) is module
