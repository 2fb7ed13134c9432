"""Tests for imgfeat/nets/inference/_onnx_session.py."""

import os
import subprocess
import sys
from contextlib import nullcontext

import numpy as np
import pytest

from imgfeat._progress import announcements
from imgfeat.features import CNNEmbedding
from imgfeat.nets import plan_inference
from imgfeat.nets.inference import _engines, _export, _stock


@pytest.mark.parametrize("missing", ["onnxruntime", "onnxscript", "onnx"])
def test_auto_is_torch_without_the_whole_extra(monkeypatch, missing):
    monkeypatch.setattr(_engines, "has_module", lambda name: name != missing)
    rest = {"threads": 1, "batch_size": 1, "device": "cpu", "precision": "auto"}
    assert plan_inference(engine="auto", **rest).engine == "torch"


_TELLS_WHEN_IMPORTED = """
import os, sys

class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "onnxruntime":
            print(os.environ.get("ORT_DISABLE_TELEMETRY"))
            raise ModuleNotFoundError("there is none", name=name)

sys.meta_path.insert(0, Watch())
from imgfeat._progress import announcements
from imgfeat.features import CNNEmbedding
from imgfeat.nets import plan_inference
rest = {"threads": 1, "batch_size": 1, "device": "cpu"}
try:
    plan_inference(engine="onnx", precision="auto", **rest)
except ModuleNotFoundError:
    pass
"""


def test_runtime_is_told_to_send_nothing_before_it_is_imported():
    environ = {k: v for k, v in os.environ.items() if k != "ORT_DISABLE_TELEMETRY"}
    environ["PYTHONPATH"] = os.pathsep.join(sys.path)
    child = [sys.executable, "-c", _TELLS_WHEN_IMPORTED]
    got = subprocess.run(child, env=environ, capture_output=True, text=True, check=True)
    assert set(got.stdout.split()) == {"1"}


@pytest.mark.onnx
@pytest.mark.parametrize(
    "verbose, around, is_told",
    [(0, nullcontext, False), (1, nullcontext, True), (0, announcements, True)],
)
def test_first_export_is_announced(
    monkeypatch, tmp_path, capsys, verbose, around, is_told
):
    def export(embedder):
        raise _export.ExportError("no more")

    monkeypatch.setattr(_export, "export", export)
    monkeypatch.setattr(_stock, "_engines", type(_stock._engines)())
    monkeypatch.setattr(_stock, "_not_exported", type(_stock._not_exported)())
    monkeypatch.setenv("IMGFEAT_HOME", str(tmp_path))
    net = CNNEmbedding(size=32, device="cpu", n_jobs=1, verbose=verbose)
    with around(), pytest.warns(RuntimeWarning, match="no more"):
        net.transform(np.zeros((1, 32, 32, 3), np.uint8))
    line = "Preparing efficientnet_lite0: up to half a minute, once on this machine."
    assert (line in capsys.readouterr().err) == is_told
