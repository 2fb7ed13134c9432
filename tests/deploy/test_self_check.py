"""Tests for imgfeat/deploy/_self_check.py: the fresh process that tries a file."""

import os
import time

import numpy as np
import pytest
import timm
import torch
from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from imgfeat.deploy import BundleError, UntrustedFileError, _self_check, load, save
from imgfeat.deploy._bundle import saving
from imgfeat.deploy._example import picture
from imgfeat.deploy._self_check import checking_elsewhere, starting_early
from imgfeat.features import HOG, CachedFeatures, CNNEmbedding
from tests.deploy._forge import rewrite

pytestmark = pytest.mark.fresh_process


def check_elsewhere(written, path, hidden=()):
    """Do nothing else while the process runs."""
    with checking_elsewhere(written, path, hidden):
        pass


@pytest.fixture(scope="module")
def photos():
    return np.stack([picture((40, 50), seed) for seed in range(8)]), ["a", "b"] * 4


@pytest.fixture
def own_weights(tmp_path):
    """A file of weights that no package has."""
    torch.manual_seed(3)
    path = tmp_path / "own.pth"
    torch.save(timm.create_model("test_efficientnet").state_dict(), path)
    return path


def test_whole_file_passes(saved):
    assert check_elsewhere(saved, saved) is None


def test_file_that_answers_otherwise_is_refused_under_its_own_name(saved, tmp_path):
    def edit(manifest, parts):
        parts["golden/image0.npy"], parts["golden/image1.npy"] = (
            parts["golden/image1.npy"],
            parts["golden/image0.npy"],
        )

    rewrite(saved, edit)
    with pytest.raises(BundleError, match=r"real\.imgfeat does not behave as"):
        check_elsewhere(saved, tmp_path / "real.imgfeat")


def test_kind_of_the_error_is_kept(saved, monkeypatch):
    monkeypatch.setattr(
        "imgfeat.deploy._self_check._PROGRAM",
        'print(\'{"error": "UntrustedFileError", "message": "no such type"}\')',
    )
    with pytest.raises(UntrustedFileError, match="no such type"):
        check_elsewhere(saved, saved)


def test_process_that_dies_is_an_error(saved, monkeypatch):
    monkeypatch.setattr("imgfeat.deploy._self_check._PROGRAM", "import os; os._exit(7)")
    with pytest.raises(BundleError, match="exit code 7: it said nothing"):
        check_elsewhere(saved, saved)


@pytest.fixture
def processes(monkeypatch):
    """Those that are started, in order."""
    started, popen = [], _self_check.subprocess.Popen

    def note(*args, **options):
        started.append(popen(*args, **options))
        return started[-1]

    monkeypatch.setattr(_self_check.subprocess, "Popen", note)
    monkeypatch.setattr(_self_check, "STARTS_EARLY", True)
    return started


@pytest.fixture
def content(monkeypatch):
    """Let the process be content with any file, at once."""
    program = "import sys; sys.stdin.readline()"
    monkeypatch.setattr(_self_check, "_PROGRAM", program)


@pytest.mark.usefixtures("content")
def test_process_that_started_early_checks_the_first_file(saved, processes):
    with starting_early(), starting_early():
        assert len(processes) == 1
        check_elsewhere(saved, saved)
        assert len(processes) == 1
        assert processes[0].returncode == 0
        check_elsewhere(saved, saved)
        assert len(processes) == 2


@pytest.mark.usefixtures("content")
def test_process_that_started_early_ends_with_the_block(saved, processes):
    with pytest.raises(KeyError, match="no file"), starting_early():
        raise KeyError("no file")
    assert processes[0].returncode  # it was killed
    check_elsewhere(saved, saved)
    assert len(processes) == 2


def test_process_that_cannot_start_early_says_so_at_the_check(saved, processes):
    with (
        starting_early("imgfeat.no_such_room"),
        pytest.raises(BundleError, match="No module named"),
    ):
        check_elsewhere(saved, saved)


def test_process_keeps_one_core_busy(saved, monkeypatch):
    program = """
import json, os
threads = os.environ["OMP_NUM_THREADS"]
print(json.dumps({"error": "BundleError", "message": f"threads: {threads}"}))
"""
    monkeypatch.setattr("imgfeat.deploy._self_check._PROGRAM", program)
    with pytest.raises(BundleError, match=r"threads: 1$"):
        check_elsewhere(saved, saved)


@pytest.mark.slow
def test_weights_on_disk_and_caches_are_out_of_reach(photos, own_weights, tmp_path):
    net = CNNEmbedding(
        "timm/test_efficientnet", weights=own_weights, engine="torch", device="cpu"
    )
    hog = CachedFeatures(HOG(), location=str(tmp_path / "cache"))
    model = make_pipeline(net, CalibratedClassifierCV(LinearSVC(), cv=2))
    path = tmp_path / "model.imgfeat"
    save(model.fit(*photos), path)
    expected = model.predict_proba(photos[0])
    own_weights.unlink()
    np.testing.assert_array_equal(load(path).predict_proba(photos[0]), expected)
    # A file without the weights that it needs fails at once, not at its user's.
    rewrite(path, lambda manifest, parts: manifest.update(weights={}))
    with pytest.raises(BundleError, match=r"own\.pth|weights"):
        check_elsewhere(path, path, [own_weights])
    save(make_pipeline(hog, LogisticRegression()).fit(*photos), path)
    check_elsewhere(path, path, [tmp_path / "cache"])


def test_hidden_file_cannot_be_opened(saved):
    with pytest.raises(BundleError, match=r"could not be checked.*is hidden"):
        check_elsewhere(saved, saved, [saved])


def test_failed_check_leaves_what_was_there(fitted, saved, monkeypatch):
    before = saved.read_bytes()
    monkeypatch.setattr(
        "imgfeat.deploy._self_check._PROGRAM", "raise SystemExit('no memory left')"
    )
    with pytest.raises(BundleError, match="exit code 1: no memory left"):
        save(fitted, saved)
    assert saved.read_bytes() == before
    assert os.listdir(saved.parent) == [saved.name]


def test_the_check_runs_beside_the_work_that_goes_on(fitted, saved, monkeypatch):
    begun = saved.with_name("begun")
    program = f"open({str(begun)!r}, 'w').close()"
    monkeypatch.setattr("imgfeat.deploy._self_check._PROGRAM", program)
    before = saved.read_bytes()
    with saving(fitted, saved, facts={"note": "another"}):
        until(begun.exists)
        assert saved.read_bytes() == before
    assert saved.read_bytes() != before


@pytest.mark.parametrize("error", [OSError("mine"), KeyboardInterrupt("mine")])
def test_work_that_fails_ends_the_check_and_leaves_the_file(
    fitted, saved, monkeypatch, error
):
    monkeypatch.setattr(
        "imgfeat.deploy._self_check._PROGRAM", "import time; time.sleep(600)"
    )
    before = saved.read_bytes()
    with (
        pytest.raises(type(error), match=r"^mine$") as caught,
        saving(fitted, saved, facts={"note": "another"}),
    ):
        raise error
    assert caught.value is error
    assert saved.read_bytes() == before
    assert os.listdir(saved.parent) == [saved.name]


def until(is_so):
    for _ in range(600):
        if is_so():
            return
        time.sleep(0.1)
    raise AssertionError("a minute was not enough")
