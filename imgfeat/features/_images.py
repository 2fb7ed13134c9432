"""Images that a net sees, read one by one, whatever they come as."""

import numpy as np

from imgfeat.features._unit_range import check_scale
from imgfeat.sources._batch import (
    check_images,
    is_sequence_of_sources,
    item_name,
    list_sources,
    read_source,
)


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

    def read(self, row, at_least=None):
        """Pixels of an image, (height, width[, 3]); `at_least` as for `read_source`."""
        if isinstance(self._items, np.ndarray):
            return self._items[row]
        image = read_source(self._items[row], int(row), at_least=at_least)
        check_scale(image, self._name, item_name(self._items[row], row))
        return image
