"""Cut images into batches of a fixed size, and find a smaller one when memory ends."""

import gc
import threading
import warnings

import numpy as np
import torch


class Batches:
    """Runs images in batches of one size, which compiled and searched kernels need.

    Parameters
    ----------
    size : int or None
        Images in a batch; the last one is filled up. None is as many as come.
    free : callable
        Gives unused memory of the device back.
    """

    def __init__(self, size=None, free=lambda: None):
        self.size = size
        self._free = free
        self._asked = self._said = size
        self._lock = threading.Lock()

    @property
    def is_smaller(self):
        """Whether memory ended."""
        return self.size != self._asked

    def run(self, images, launch, *, quiet=False):
        """Return the vectors of all images.

        Parameters
        ----------
        images : ndarray of shape (n, height, width, 3)
        launch : callable
            From images, and the size that their batch is filled up to, to vectors.
        quiet : bool, default=False
            Leave it to the next run to say that the size has changed.

        Raises
        ------
        torch.OutOfMemoryError
            If not even one image fits.
        """
        if self.size is None:
            return launch(images, len(images))
        parts, start = [], 0
        while start < len(images):
            size = self.size
            part = self._try(launch, images[start : start + size], size)
            if part is None:
                self._halve(size)
            else:
                parts.append(part)
                start += size
        if not quiet:
            self._say()
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _try(self, launch, images, size):
        try:
            return launch(images, size)
        except torch.OutOfMemoryError:
            if size == 1:
                raise
        return None  # out of the block above, so that no error holds the memory

    def _halve(self, size):
        with self._lock:
            if self.size == size:  # else another thread has
                self.size = max(1, size // 2)
            gc.collect()
            self._free()

    def _say(self):
        with self._lock:
            before, now = self._said, self.size
            self._said = now
        if now != before:
            warnings.warn(
                f"A batch of {before} images needs more memory than the device has "
                f"left; {now} at a time are run from now on. Set batch_size={now} to "
                "start with that.",
                RuntimeWarning,
                stacklevel=2,
            )
