"""Tests of training by ``accelerate launch``, two processes on CPUs, and of its end."""

import os
import socket
import subprocess
import sys

import numpy as np
import pytest

from imgfeat.estimators.cnn._team import Launched
from tests._hangs import HANGS_S

pytestmark = pytest.mark.distributed


def launch(folder):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    options = ["--multi_gpu", "--num_machines", "1", "--num_processes", "2"]
    options += ["--mixed_precision", "no", "--dynamo_backend", "no"]
    launcher = [sys.executable, "-m", "accelerate.commands.launch", *options]
    return subprocess.run(
        [*launcher, "--main_process_port", port]
        + ["-m", "tests.estimators.cnn._launched", folder],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=HANGS_S,
        check=False,
    )


@pytest.mark.slow
def test_killed_training_goes_on_as_if_nothing_had_been(tmp_path):
    killed = launch(tmp_path)
    assert "SIGKILL" in killed.stderr, killed.stderr[-3000:]
    assert not list(tmp_path.glob("killed*"))
    done = launch(tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    for rank in "01":
        whole, resumed = (
            np.load(tmp_path / f"{name}-{rank}.npz") for name in ("whole", "resumed")
        )
        assert whole["size"] == 2
        for key in whole.files:
            np.testing.assert_array_equal(resumed[key], whole[key], err_msg=key)


def test_one_process_of_several_says_that_it_is_alone(monkeypatch):
    monkeypatch.setenv("ACCELERATE_USE_CPU", "True")
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with pytest.warns(UserWarning, match="--multi_gpu in place of --cpu"):
        team = Launched()
    assert team.size == 1
