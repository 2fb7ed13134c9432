"""Real images from the folder that IMGFEAT_DATA names."""

import os
import sys
import tarfile
import tempfile
from contextlib import contextmanager
from pathlib import Path


def data_file(name):
    """Path of a file in that folder; without it, the script ends and says so."""
    path = Path(os.environ.get("IMGFEAT_DATA", ""), name)
    if not path.is_file():
        sys.exit(f"IMGFEAT_DATA must name a folder that holds {name}.")
    return path


@contextmanager
def unpacked(name, wanted=lambda file: True):
    """Yield a temporary folder with the `wanted` files of an archive."""
    archive = data_file(name)
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(archive) as tar:
            files = [file for file in tar if file.isfile() and wanted(file)]
            tar.extractall(folder, members=files, filter="data")
        yield Path(folder)
