"""CIFAR-10 as JPEG files, from the archive in the folder that IMGFEAT_DATA names."""

from contextlib import contextmanager
from pathlib import Path

import numpy as np

from benchmarks._data import unpacked

ARCHIVE = "cifar10-jpeg.tar.xz"
N_FILES = 60_000
_N_CLASSES = 10
_N_TRAIN = 5000  # files a class


@contextmanager
def cifar10_files(n=N_FILES):
    """Unpack `n` files, as many of each class as of the others, in any order.

    Parameters
    ----------
    n : int, default=60000
        A multiple of ten.

    Yields
    ------
    paths : ndarray of shape (n,), dtype object
        ``train/CLASS/0000.jpg`` and so on below a temporary folder; those of the test
        part come in when all others are.
    labels : ndarray of shape (n,), str
    folder : Path
        For what the benchmark writes; removed at the end, with the files.
    """
    with unpacked(ARCHIVE, lambda file: _place(file.name) < n) as folder:
        paths = np.array(sorted(map(str, folder.glob("*/*/*"))), object)
        paths = np.random.default_rng(0).permutation(paths)
        yield paths, np.array([Path(path).parent.name for path in paths]), folder


def _place(name):
    """The number of a file, if classes take turns and the test part follows."""
    path = Path(name)
    number = int(path.stem) + (_N_TRAIN if path.parts[0] == "test" else 0)
    return number * _N_CLASSES
