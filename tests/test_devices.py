"""Tests for imgfeat/_devices.py."""

import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from imgfeat import _devices
from imgfeat._devices import find_device, run_on_device


@pytest.mark.parametrize(
    "has_driver, has_cuda, expected",
    [(False, True, "cpu"), (True, False, "cpu"), (True, True, "cuda")],
)
def test_auto_is_cuda_where_torch_and_a_driver_have_it(
    monkeypatch, has_driver, has_cuda, expected
):
    monkeypatch.setattr(_devices, "_has_driver", lambda: has_driver)
    monkeypatch.setattr("torch.cuda.is_available", lambda: has_cuda)
    assert find_device("auto") == expected


@pytest.mark.parametrize("device", ["cuda:77", "toaster"])
def test_device_that_is_not_there_is_refused(device):
    with pytest.raises(ValueError, match=f"no device '{device}' here. Got from torch"):
        find_device(device)


@pytest.mark.skipif(_devices._has_driver(), reason="a driver is there to be asked")
def test_without_a_driver_torch_is_not_imported():
    code = (
        "import sys, numpy as np\n"
        "from imgfeat.features import HOG, DenseSIFT\n"
        "images = np.zeros((1, 32, 32))\n"
        "HOG().fit_transform(images); DenseSIFT().fit_transform(images)\n"
        "print('torch' in sys.modules)"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout == "False\n"


def test_chunks_make_up_the_batch(monkeypatch):
    images = np.arange(7 * 6, dtype=np.float32).reshape(7, 2, 3)
    monkeypatch.setattr(_devices, "_PIXELS_AT_ONCE", 13)
    sizes = []

    def double(part, *, plus):
        sizes.append(len(part))
        return 2 * part + plus

    assert_array_equal(run_on_device(double, images, "cpu", plus=1), 2 * images + 1)
    assert sizes == [2, 2, 2, 1]
