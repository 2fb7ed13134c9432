"""A server process with a model of photos, for what measures it."""

import io
import os
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from contextlib import contextmanager, suppress
from pathlib import Path

from PIL import Image

from benchmarks._data import unpacked
from imgfeat import load_image_folder, make_recipe
from imgfeat import save as save_model

N_IMAGES, SIZE = 128, (500, 375)


@contextmanager
def photo_model():
    """A saved model of ants and bees, and JPEGs of one size to ask about.

    Yields
    ------
    Path, list of bytes
    """
    with unpacked("hymenoptera.tar") as folder, tempfile.TemporaryDirectory() as place:
        photos = load_image_folder(folder)
        model = make_recipe("cnn-lr").fit(photos.images[::3], photos.labels[::3])
        path = Path(place, "m.imgfeat")
        save_model(model, path)
        yield path, encoded(photos.images[:N_IMAGES])


def encoded(paths):
    """Photos as JPEGs of one size."""
    found = []
    for path in paths:
        buffer = io.BytesIO()
        with Image.open(path) as photo:
            photo.convert("RGB").resize(SIZE).save(buffer, "JPEG", quality=90)
        found.append(buffer.getvalue())
    return found


def free_port():
    with socket.socket() as some:
        some.bind(("127.0.0.1", 0))
        return some.getsockname()[1]


@contextmanager
def running(command, port, path):
    """A server process, once ``GET path`` is answered with 200."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    # Not as a new leader: Linux would share the cores among leaders, not processes.
    server = subprocess.Popen(command, process_group=0, **quiet)
    try:
        end = time.monotonic() + 120
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5)
                break
            except OSError:
                if time.monotonic() > end or server.poll() is not None:
                    raise
                time.sleep(0.2)
        yield server
    finally:
        server.terminate()
        server.wait(30)
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)  # what LitServe leaves


def megabytes(process):
    """Resident memory, where the system tells."""
    status = Path(f"/proc/{process.pid}/status")
    if not status.exists():
        return None
    line = next(each for each in status.open() if each.startswith("VmRSS"))
    return int(line.split()[1]) / 1024
