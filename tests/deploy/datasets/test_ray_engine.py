"""Tests for imgfeat/deploy/datasets/_ray_engine.py: the same bytes by other processes.

One cluster of our own for all of them, as it takes seconds to start.
"""

import sys
from pathlib import Path

import pytest

from imgfeat.deploy import embed_dataset
from imgfeat.deploy.datasets import _ray_engine
from tests.deploy.datasets._mortal import Mortal
from tests.deploy.datasets.conftest import contents

SMALL = {"part_rows": 5, "batch_size": 2}
BY_RAY = SMALL | {"engine": "ray"}
TOKEN = Path.home() / ".ray" / "auth_token"


@pytest.fixture(scope="module")
def cluster():
    """A cluster as a job starts one, which the jobs of this module then join."""
    ray = pytest.importorskip("ray")
    had_token = TOKEN.exists()
    with _ray_engine._cluster(ray):
        yield ray
    assert TOKEN.exists() == had_token
    assert not ray.is_initialized()


@pytest.mark.ray
@pytest.mark.slow
def test_bytes_are_those_of_one_process_and_errors_are_the_same(
    cluster, pictures, describe, tmp_path
):
    embed_dataset(pictures, describe, tmp_path / "local", n_jobs=1, **SMALL)
    done = embed_dataset(pictures, describe, tmp_path / "ray", **BY_RAY)
    assert (done.n_rows, done.n_errors, done.n_new) == (23, 1, 5)
    assert contents(tmp_path / "ray") == contents(tmp_path / "local")
    rest = BY_RAY | {"n_workers": 1, "max_errors": 0}
    with pytest.raises(ValueError, match=r"max_errors=0 is passed: 1 of .*17\.png"):
        embed_dataset(pictures, describe, tmp_path / "new", **rest)


@pytest.mark.ray
@pytest.mark.slow
def test_a_worker_that_dies_is_replaced(cluster, pictures, tmp_path, monkeypatch):
    out, marker = tmp_path / "out", str(tmp_path / "marker")
    monkeypatch.setattr(_ray_engine, "_N_RETRIES", 1)
    embed_dataset(pictures, Mortal(marker), out, n_workers=1, **BY_RAY)
    embed_dataset(pictures, Mortal(marker), tmp_path / "calm", **SMALL)
    assert contents(out) == contents(tmp_path / "calm")


@pytest.mark.ray
@pytest.mark.slow
def test_what_always_ends_its_worker_is_said(cluster, pictures, tmp_path, monkeypatch):
    monkeypatch.setattr(_ray_engine, "_N_RETRIES", 0)
    model = Mortal(str(tmp_path / "marker"), returns=False)
    with pytest.raises(ChildProcessError, match="part 0 has ended the process that"):
        embed_dataset(pictures, model, tmp_path / "out", n_workers=1, **BY_RAY)


@pytest.mark.ray
@pytest.mark.slow
def test_workers_for_whom_there_is_no_room_are_refused(
    cluster, pictures, describe, tmp_path
):
    with pytest.raises(ValueError, match=r"1 workers need 1 CPU, 99 GPU each\. Got"):
        embed_dataset(pictures, describe, tmp_path / "out", num_gpus=99, **BY_RAY)


def test_cores_of_a_worker_are_a_number(pictures, describe, tmp_path):
    with pytest.raises(ValueError, match="n_jobs is the cores of each worker"):
        embed_dataset(pictures, describe, tmp_path / "out", n_jobs=-2, **BY_RAY)


def test_without_ray_the_extra_is_named(pictures, describe, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'imgfeat\[ray\]'"):
        embed_dataset(pictures, describe, tmp_path / "out", **BY_RAY)
