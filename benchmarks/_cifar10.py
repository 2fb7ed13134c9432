"""CIFAR-10 as JPEG files, from the archive in the folder that IMGFEAT_DATA names."""

import os
import sys
import tarfile
import tempfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np


@contextmanager
def cifar10_files():
    """Yield paths and class names of the 60,000 files, shuffled, and a spare folder.

    Yields
    ------
    paths : ndarray of shape (60000,), dtype object
        ``train/CLASS/0000.jpg`` and so on below a temporary folder.
    labels : ndarray of shape (60000,), str
    folder : Path
        For what the benchmark writes; removed at the end, with the files.
    """
    archive = Path(os.environ.get("IMGFEAT_DATA", ""), "cifar10-jpeg.tar.xz")
    if not archive.is_file():
        sys.exit("IMGFEAT_DATA must name a folder that holds cifar10-jpeg.tar.xz.")
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
        paths = np.array(sorted(map(str, Path(folder).rglob("*.jpg"))), dtype=object)
        paths = np.random.default_rng(0).permutation(paths)
        yield paths, np.array([Path(path).parent.name for path in paths]), Path(folder)
