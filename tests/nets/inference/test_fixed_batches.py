"""Tests for imgfeat/nets/inference/_fixed_batches.py."""

import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal

from imgfeat.nets.inference._fixed_batches import Batches
from tests._hangs import HANGS_S

IMAGES = np.arange(10, dtype=np.uint8).reshape(10, 1, 1, 1)


class Device:
    """Runs so many images at once and no more; remembers what it was given."""

    def __init__(self, fits=100):
        self.fits, self.sizes, self.n_freed = fits, [], 0
        self._lock = threading.Lock()

    def launch(self, images, n_rows):
        with self._lock:
            self.sizes.append((len(images), n_rows))
        if n_rows > self.fits:
            raise torch.OutOfMemoryError("too much")
        return images.reshape(len(images), 1).astype(np.float32)

    def free(self):
        self.n_freed += 1


def test_without_a_size_all_images_run_at_once():
    device = Device()
    assert_array_equal(Batches().run(IMAGES, device.launch)[:, 0], range(10))
    assert device.sizes == [(10, 10)]


def test_every_batch_is_filled_up_to_the_size():
    device = Device()
    assert_array_equal(Batches(4).run(IMAGES, device.launch)[:, 0], range(10))
    assert device.sizes == [(4, 4), (4, 4), (2, 4)]


def test_size_is_halved_until_it_fits_and_stays(recwarn):
    device = Device(fits=3)
    batches = Batches(8, device.free)
    with pytest.warns(RuntimeWarning, match="A batch of 8 images needs more mem"):
        assert_array_equal(batches.run(IMAGES, device.launch)[:, 0], range(10))
    assert (batches.size, batches.is_smaller, device.n_freed) == (2, True, 2)
    device.sizes.clear()
    batches.run(IMAGES[:3], device.launch)
    assert device.sizes == [(2, 2), (1, 2)]
    assert len(recwarn) == 0


def test_another_end_of_memory_is_said_again():
    device = Device(fits=4)
    batches = Batches(8, device.free)
    with pytest.warns(RuntimeWarning, match="batch of 8 images"):
        batches.run(IMAGES, device.launch)
    device.fits = 1
    with pytest.warns(RuntimeWarning, match="batch of 4 images.*Set batch_size=1 to"):
        batches.run(IMAGES, device.launch)


def test_quiet_run_leaves_the_warning_to_the_next():
    device = Device(fits=4)
    batches = Batches(8, device.free)
    batches.run(IMAGES, device.launch, quiet=True)
    with pytest.warns(RuntimeWarning, match="batch of 8 images"):
        batches.run(IMAGES, device.launch)


def test_threads_that_meet_the_end_together_halve_once():
    device, both = Device(fits=4), threading.Barrier(2, timeout=HANGS_S)
    batches = Batches(8, device.free)

    def launch(images, n_rows):
        if n_rows == 8:
            both.wait()
        return device.launch(images, n_rows)

    with warnings.catch_warnings(record=True) as said, ThreadPoolExecutor(2) as pool:
        warnings.simplefilter("always")
        list(pool.map(lambda _: batches.run(IMAGES, launch), "ab"))
    assert batches.size == 4
    assert len(said) == 1


def test_error_of_one_image_is_raised():
    with pytest.raises(torch.OutOfMemoryError, match="too much"):
        Batches(4).run(IMAGES, Device(fits=0).launch)
