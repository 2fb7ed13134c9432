"""The images that a net is trained on or predicts, whatever they come as."""

import numpy as np
import pandas as pd
import torch

from imgfeat.features._images import Images
from imgfeat.sources._batch import item_name
from imgfeat.sources._pixels import as_dtype

# Images of the right size are kept on the device if they need no more than this.
_RESIDENT_BYTES = 2**32
# Of an array of floats, converted at once.
_CHUNK = 1000


class TrainingImages(Images):
    """Images with what a training needs besides."""

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
        items = self._items
        if not isinstance(items, np.ndarray):
            return None
        size = items.shape[1:3]
        if preprocessing.window(*size) != (size, (0, 0, *size)):
            return None
        shape = (*items.shape[:3], 3)
        if np.prod(shape, dtype=np.int64) > _RESIDENT_BYTES:
            return None
        whole = np.empty(shape, dtype=np.uint8)
        for start in range(0, len(items), _CHUNK):
            part = as_dtype(items[start : start + _CHUNK], "uint8")
            whole[start : start + _CHUNK] = part if part.ndim == 4 else part[..., None]
        return torch.from_numpy(whole).to(device)

    def error_table(self, errors):
        """List images that could not be read.

        Parameters
        ----------
        errors : dict of int to ValueError
        """
        table = [
            (
                row,
                item_name(self._items[row], row),
                getattr(error, "reason", str(error)),
            )
            for row, error in sorted(errors.items())
        ]
        return pd.DataFrame(table, columns=["row", "path", "reason"])
