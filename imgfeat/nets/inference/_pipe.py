"""From uint8 images in the host's memory to vectors there, by way of a net."""

import threading
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import nullcontext
from queue import SimpleQueue

import numpy as np
import torch

# While the net sees one batch the next is copied. More would only hold memory.
_N_SLOTS = 2


class Direct:
    """Each thread runs the net by itself; without CUDA there is nothing to overlap.

    Parameters
    ----------
    device : torch.device
        A device that is no CPU takes one batch at a time.
    """

    def __init__(self, device):
        self.device = device
        self._turn = nullcontext() if device.type == "cpu" else threading.Lock()

    def run(self, images, n_rows, forward):
        """As `Pipe.run`."""
        if len(images) < n_rows:
            padded = np.zeros((n_rows, *images.shape[1:]), dtype=np.uint8)
            padded[: len(images)] = images
        else:
            padded = images
        with self._turn, torch.inference_mode():
            features = forward(torch.from_numpy(padded).to(self.device))
            features = features.cpu().numpy()
        return np.ascontiguousarray(features[: len(images)])


class Pipe:
    """Batches of many threads go to a device one behind the other, without a gap.

    A thread copies its batch into pinned memory, from where it travels on a stream of
    its own while the net sees the batch before. One thread starts the net for all, as
    the kernels that cuDNN has found are remembered by thread. Results travel back by
    themselves, and only the thread they belong to waits.

    Parameters
    ----------
    layer : CudaLayer or HostLayer
    shape : tuple of (int, int, int, int)
        Of the largest batch.
    """

    def __init__(self, layer, shape):
        self._layer = layer
        self._slots = SimpleQueue()
        for _ in range(_N_SLOTS):
            self._slots.put(_Slot(layer, shape))
        self._starter = ThreadPoolExecutor(1, thread_name_prefix="imgfeat-net")

    def run(self, images, n_rows, forward):
        """Return the vectors of `images`.

        Parameters
        ----------
        images : ndarray of shape (n, height, width, 3), uint8
            Free to change when this returns.
        n_rows : int
            Size of the batch that the net sees, at least n; the rest is black.
        forward : callable
            From a tensor on the device to another, (n_rows, width), float32.

        Returns
        -------
        ndarray of shape (n, width), float32
        """
        slot = self._slots.get()
        started = None
        try:
            slot.send(images, n_rows)
            started = self._starter.submit(self._start, slot, n_rows, forward)
            rows = started.result()
            self._layer.wait(slot.done)
            return rows[: len(images)].numpy().copy()
        finally:
            if started is not None:
                wait([started])  # after Ctrl-C too: the slot is in use until then
            # An error knows this frame; knowing the error would keep its memory.
            started = None
            self._slots.put(slot)

    def _start(self, slot, n_rows, forward):
        with torch.inference_mode():
            self._layer.follow(slot.sent)
            return slot.receive(forward(slot.images[:n_rows]))


class _Slot:
    """Memory for one batch on its way there and back."""

    def __init__(self, layer, shape):
        self._layer, self._shape = layer, shape
        self._host = self.images = self._rows = None
        self.sent = self.done = None

    def send(self, images, n_rows):
        layer = self._layer
        if self._host is None:
            self._host = layer.pinned(self._shape, torch.uint8)
            self.images = layer.on_device(self._shape, torch.uint8)
        elif self.done is not None:
            layer.wait(self.done)
        n_images = len(images)
        self._host[:n_images].copy_(torch.from_numpy(images))
        self._host[n_images:n_rows].zero_()
        with layer.copying():
            self.images[:n_rows].copy_(self._host[:n_rows], non_blocking=True)
            self.sent = layer.mark()

    def receive(self, features):
        if self._rows is None or self._rows.shape != features.shape:
            self._rows = self._layer.pinned(tuple(features.shape), torch.float32)
        self._rows.copy_(features, non_blocking=True)
        self.done = self._layer.mark()
        return self._rows
