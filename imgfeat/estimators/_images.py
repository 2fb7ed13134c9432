"""The images that a net is trained on or predicts, whatever they come as."""

import numpy as np
import pandas as pd
import torch

from imgfeat.features._unit_range import check_scale
from imgfeat.sources._batch import (
    check_images,
    is_sequence_of_sources,
    item_name,
    list_sources,
    read_source,
)
from imgfeat.sources._pixels import as_dtype

# Images of the right size are kept on the device if they need no more than this.
_RESIDENT_BYTES = 2**32
# Of an array of floats, converted at once.
_CHUNK = 1000


class Images:
    """Read images by their rows.

    Parameters
    ----------
    estimator : estimator
        Has ``image_shape``; is named in errors.
    X : images
        Every kind of batch that the library takes; files stay unread.
    reset : bool
        Whether the estimator is to note the shape of an array.
    """

    def __init__(self, estimator, X, *, reset):
        self._name = type(estimator).__name__
        if is_sequence_of_sources(X):
            if reset:
                for name in ("image_shape_in_", "n_features_in_"):
                    estimator.__dict__.pop(name, None)
            self._items = list_sources(X)
        else:
            self._items = check_images(
                estimator,
                X,
                reset=reset,
                image_shape=estimator.image_shape,
                any_size=True,
            )
            check_scale(self._items, self._name, "X")

    def __len__(self):
        return len(self._items)

    def read(self, row):
        """Pixels of one image: (height, width[, 3])."""
        if isinstance(self._items, np.ndarray):
            return self._items[row]
        image = read_source(self._items[row], int(row))
        check_scale(image, self._name, item_name(self._items[row], row))
        return image

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
