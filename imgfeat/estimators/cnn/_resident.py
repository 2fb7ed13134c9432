"""The images that a net is trained on or predicts, whatever they come as."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

from imgfeat._frames import make_frame
from imgfeat.sources._images import Images
from imgfeat.sources._pixels import as_dtype

# Images of the right size are kept on the device if they need no more than this.
_RESIDENT_BYTES = 2**32
# Files are decoded every epoch, but for those of small images that need no more.
_SMALL, _SMALL_BYTES = 64, 2**30
# Of an array of floats, converted at once; files that are read at once.
_CHUNK = 1000


class TrainingImages(Images):
    """Images with what a training needs besides."""

    def __init__(self, cnn, X, *, reset):
        super().__init__(
            cnn, X, reset=reset, image_shape=cnn.image_shape, unit_range=True
        )

    def first_shape(self):
        """Shape of the first image that can be read."""
        for row in range(len(self)):
            try:
                return self.read(row).shape
            except ValueError:
                if row == len(self) - 1:
                    raise
        raise ValueError(f"{self._name} needs images. Got none.")

    def resident(self, preprocessing, device):
        """All images on the device, (n, height, width, 3), uint8, if they are an array.

        None if they are not, or must be resized or cut, or are too many.
        """
        if not self.is_array:
            return None
        items = self.items
        whole = _room_for(len(items), items.shape[1:3], preprocessing, _RESIDENT_BYTES)
        if whole is None:
            return None
        for start in range(0, len(items), _CHUNK):
            part = as_dtype(items[start : start + _CHUNK], "uint8")
            whole[start : start + _CHUNK] = part if part.ndim == 4 else part[..., None]
        return torch.from_numpy(whole).to(device)

    def decode_small(self, preprocessing, device, n_threads):
        """The same of files of small images, all of the size that the net sees.

        None if they are not. Like arrays, small images are shifted, not cut.
        """
        size = preprocessing.size
        if self.is_array or max(size) > _SMALL:
            return None
        whole = _room_for(len(self), size, preprocessing, _SMALL_BYTES)
        if whole is None:
            return None
        with ThreadPoolExecutor(n_threads) as pool:
            for start in range(0, len(self), _CHUNK):
                rows = range(start, min(start + _CHUNK, len(self)))
                for row, image in zip(rows, pool.map(self.read, rows), strict=True):
                    if image.shape[:2] != size:
                        return None
                    image = as_dtype(image, "uint8")
                    whole[row] = image if image.ndim == 3 else image[..., None]
        return torch.from_numpy(whole).to(device)

    def error_table(self, errors):
        """List images that could not be read.

        Parameters
        ----------
        errors : dict of int to ValueError
        """
        table = [
            (row, self.name(row), getattr(error, "reason", str(error)))
            for row, error in sorted(errors.items())
        ]
        return make_frame(table, columns=["row", "path", "reason"])


def _room_for(n, size, preprocessing, n_bytes):
    """An empty array for images that the net sees whole, or None."""
    shape = (n, *size, 3)
    is_whole = preprocessing.window(*size) == (size, (0, 0, *size))
    if not is_whole or np.prod(shape, dtype=np.int64) > n_bytes:
        return None
    return np.empty(shape, dtype=np.uint8)
