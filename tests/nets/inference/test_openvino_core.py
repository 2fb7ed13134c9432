"""Tests for imgfeat/nets/inference/_openvino_core.py."""

import os
import subprocess
import sys

import numpy as np
import pytest

from imgfeat.features import CNNEmbedding
from imgfeat.nets.inference._export import _export
from imgfeat.nets.inference._openvino_core import open_core
from tests._hangs import HANGS_S
from tests.nets._engines import embedder

pytestmark = pytest.mark.openvino

_TELEMETRY = """
import sys
from imgfeat.nets.inference._openvino_core import open_core
open_core()
print([name for name in sys.modules if name.startswith("openvino_telemetry")])
"""

# Nets are made in one thread and let go in another, and a child ends as all do.
_LIFE = """
import os, signal, sys, threading, warnings
from pathlib import Path
import numpy as np
from imgfeat.nets.inference._openvino_net import OpenVinoNet

model = Path(sys.argv[1]).read_bytes()
images = np.zeros((2, 12, 12, 3), np.uint8)
nets = []

def make():
    nets.append(OpenVinoNet(model, n_workers=2))
    nets[-1](images)

def run_in_thread(function):
    thread = threading.Thread(target=function)
    thread.start()
    thread.join()

def interrupt():
    try:
        signal.raise_signal(signal.SIGINT)
    except KeyboardInterrupt:
        print("interrupted", flush=True)

make()
run_in_thread(nets.clear)
interrupt()
run_in_thread(make)
nets.clear()
interrupt()
make()
warnings.simplefilter("ignore")
child = os.fork()
if child == 0:
    sys.exit(7)
print("child", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def run_apart(code, *arguments, **environ):
    """What a fresh process prints, and nothing besides."""
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)} | environ,
        capture_output=True,
        text=True,
        timeout=HANGS_S,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_import_leaves_no_file_and_sends_nothing(tmp_path):
    assert run_apart(_TELEMETRY, HOME=str(tmp_path), CI="") == ["[]"]
    assert list(tmp_path.rglob("openvino*")) == []


@pytest.mark.fork
def test_ctrl_c_and_a_child_end_as_ever_when_nets_have_come_and_gone(tmp_path):
    """The end of a core takes away the stack for signals of the thread it began in."""
    (tmp_path / "tiny.onnx").write_bytes(_export(embedder()))
    lines = run_apart(_LIFE, tmp_path / "tiny.onnx")
    assert lines == ["interrupted"] * 2 + ["child 7"]


def test_core_is_one():
    assert open_core() is open_core()


@pytest.mark.fork
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_does_without_and_says_so():
    open_core()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            with pytest.raises(RuntimeError, match="forked after OpenVINO had been"):
                CNNEmbedding(engine="openvino").fit(np.zeros((1, 8, 8, 3), np.uint8))
            with pytest.raises(RuntimeError, match="needs a process that was started"):
                open_core()
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
