"""Default recipes work where a service may find itself, or a line says what to set."""

import pytest
import torch
from sklearn.utils.fixes import parse_version

from imgfeat.nets.inference._engines import ENGINES
from tests._bare import run_as_stranger

_START = """
import os, sys, warnings
import numpy as np
warnings.filterwarnings("ignore", module="joblib")
X = np.random.default_rng(0).integers(0, 256, (8, 64, 64, 3), dtype=np.uint8)
y = ["a", "b"] * 4
import imgfeat
from imgfeat.features import HOG, CachedFeatures, CNNEmbedding, ColorHistogram
"""

_NOTHING_TO_WRITE_TO = f"""{_START}
model = imgfeat.make_recipe("hog-svm").fit(X, y)
print("hog-svm", len(model.predict(X)))
for _ in range(2):
    print("kept", CachedFeatures(HOG()).fit_transform(X).shape)
print("cache", len(imgfeat.features.cache_info()), imgfeat.features.clear_cache())
try:
    imgfeat.nets.search_folders()
except FileNotFoundError as error:
    print(error)
"""

_NETS_THERE = f"""{_START}
for _ in range(2):
    print("net", CNNEmbedding().fit(X).transform(X[:2]).shape)
from imgfeat.estimators import CNNClassifier
net = CNNClassifier("resnet9", max_epochs=1, device="cpu").fit(X, y)
print("trained", len(net.predict(X)))
"""


def run_where_nothing_can_be_written(program, folder):
    return run_as_stranger(
        program,
        folder,
        read_only=True,
        LC_ALL="C",
        PYTHONUTF8="0",
        PYTHONIOENCODING="ascii",
    )


@pytest.mark.slow
def test_recipes_work_where_nothing_can_be_written(tmp_path):
    done = run_where_nothing_can_be_written(_NOTHING_TO_WRITE_TO, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "hog-svm 8",
        *["kept (8, 1764)"] * 2,
        "cache 0 0",
        "There is no folder to keep things in, as this system knows no home of the "
        "user; set IMGFEAT_HOME to a folder that can be written to.",
    ]
    # What that costs is said, once, with what to set.
    for said in ("Kernels are compiled anew in every process", "Features are not kept"):
        assert done.stderr.count(said) == 1, done.stderr


@pytest.mark.slow
def test_nets_work_where_nothing_can_be_written_or_say_what_to_set(tmp_path):
    done = run_where_nothing_can_be_written(_NETS_THERE, tmp_path)
    if parse_version(torch.__version__) < parse_version("2.7"):
        *_, last = done.stderr.splitlines()
        assert last.startswith(f"FileNotFoundError: torch {torch.__version__} needs a ")
        assert last.endswith("set TMPDIR to one that can.")
        return
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [*["net (2, 1280)"] * 2, "trained 8"]
    said = done.stderr.count("set TMPDIR to one that can. Use engine='torch'")
    assert said == ENGINES["onnx"].is_here(), done.stderr


_NO_HOME = f"""{_START}
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC
model = make_pipeline(ColorHistogram(), LinearSVC()).fit(X, y)
imgfeat.save(model, "m.imgfeat")
print(len(imgfeat.load("m.imgfeat").predict(X)), sorted(os.listdir(".")))
"""


@pytest.mark.slow
def test_no_folder_named_for_a_home_is_made(tmp_path):
    done = run_as_stranger(_NO_HOME, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["8 ['m.imgfeat']"]
