"""Where work is done: the device that a name stands for."""

from functools import cache
from pathlib import Path

import numpy as np

# Some tens of bytes are in flight for each.
_PIXELS_AT_ONCE = 2**22

# One of these is there where a driver for CUDA (or ROCm, which torch calls CUDA) is.
_DRIVERS = (
    "/dev/nvidiactl",
    "/dev/nvidia0",
    "/dev/dxg",  # Windows' subsystem for Linux
    "/dev/kfd",
    "C:/Windows/System32/nvcuda.dll",
)


def find_device(name):
    """Return the device that is meant, as torch writes it.

    Parameters
    ----------
    name : str
        ``"auto"`` is CUDA where there is a device, else the CPU. Otherwise as in torch:
        ``"cpu"``, ``"cuda"``, ``"cuda:1"``.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If there is no such device here.
    """
    # Importing torch takes longer than describing a thousand images by HOG.
    if name == "cpu" or (name == "auto" and not _has_driver()):
        return "cpu"
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        found = torch.device(name)
        torch.empty(1, device=found)
    except (RuntimeError, AssertionError) as error:
        raise ValueError(
            f"There is no device {name!r} here. Got from torch: "
            f"{str(error).splitlines()[0]} Use device='auto' or 'cpu'."
        ) from error
    return str(found)


def has_device(name):
    """Whether there is a device of this name here."""
    try:
        find_device(name)
    except ValueError:
        return False
    return True


@cache  # asked for every image that is described by itself
def _has_driver():
    return any(Path(driver).exists() for driver in _DRIVERS)


def run_on_device(kernel, images, device, **params):
    """Run a kernel over a batch, in chunks that fit a device.

    Parameters
    ----------
    kernel : callable
        From a tensor whose first axis is the batch, and `params`, to another.
    images : ndarray of shape (n_samples, height, width[, 3])
    device : str

    Returns
    -------
    ndarray
    """
    import torch

    chunk = max(1, _PIXELS_AT_ONCE // images[0].size)
    parts = []
    for start in range(0, len(images), chunk):
        part = torch.from_numpy(images[start : start + chunk]).to(device)
        parts.append(kernel(part, **params).cpu().numpy())
    return np.concatenate(parts)
