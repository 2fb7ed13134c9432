"""Tests for examples/serve_on_ray.py, on a Ray of this machine."""

import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from imgfeat import Predictor, load_image_folder, make_recipe
from tests.deploy._saved import save_at

pytestmark = [pytest.mark.ray, pytest.mark.serve, pytest.mark.slow]

EXAMPLE = Path(__file__).parent.parent / "examples" / "serve_on_ray.py"
DEADLINE_S = 240


@contextmanager
def running(model, home):
    """The address of the example, once it answers; ended as by Ctrl-C."""
    import httpx

    with socket.socket() as some:
        some.bind(("127.0.0.1", 0))
        port = some.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, EXAMPLE, model, "--port", str(port)],
        env=os.environ | {"HOME": str(home)},  # where Ray writes its token
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    address, end = f"http://127.0.0.1:{port}/", time.monotonic() + DEADLINE_S
    try:
        while True:
            try:
                if httpx.get(address, timeout=60).status_code == 422:
                    break
            except httpx.TransportError:
                pass
            assert process.poll() is None, process.stdout.read()
            assert time.monotonic() < end
            time.sleep(0.2)
        yield address
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=60)
        assert process.returncode == 0, said
    finally:
        process.kill()
        process.communicate()


def test_answers_are_those_of_the_predictor(photos, tmp_path):
    import httpx

    labelled = load_image_folder(photos)
    model = make_recipe("hog-lr", size=32).fit(labelled.images, labelled.labels)
    model = save_at(model, tmp_path / "model.imgfeat")
    paths = list(labelled.images[::3])
    with running(model, tmp_path) as address, ThreadPoolExecutor(8) as pool:
        contents = [Path(path).read_bytes() for path in paths]
        found = list(pool.map(lambda data: httpx.post(address, content=data), contents))
        bad = httpx.post(address, content=b"no image")
    for one, expected in zip(found, Predictor(model).predict(paths), strict=True):
        assert one.json()["label"] == expected.label
        shares = expected.probabilities
        assert one.json()["probabilities"] == pytest.approx(shares, abs=1e-4)
    assert bad.status_code == 422
    assert "is not an image file" in bad.json()["error"]
