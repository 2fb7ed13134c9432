"""Bags of descriptors: one way to read every kind of X that the vocabularies take."""

import numpy as np

from imgfeat.features.local._descriptors import Descriptors
from imgfeat.kernels.normalize import sum_of_squares

# Length of an image's descriptors taken together. Squares of distances, which may be
# counted in small deviations, have to stay below 3e38, where float32 ends.
LARGEST = 1e13


class Bags:
    """Images as bags of descriptors, of any number each, none included.

    Parameters
    ----------
    X : Descriptors, array-like of shape (n, m, d) or sequence of (m_i, d) array-likes
    name : str
        The estimator to name in error messages.

    Attributes
    ----------
    counts : ndarray of shape (n_images,), int64
    n_dims : int
    has_positions : bool
    index : Index or None
        That of the images which `Descriptors` were found in.
    """

    def __init__(self, X, name):
        self._name = name
        self.has_positions = isinstance(X, Descriptors)
        self.index = X.index if self.has_positions else None
        if not self.has_positions:
            self._bags, self.n_dims = _read_bags(X, name)
            self.counts = np.array([len(bag) for bag in self._bags], dtype=np.int64)
        else:
            self._descriptors = X
            self.n_dims = X.shape[1]
            self.counts = X.n_per_image
        if len(self) == 0:
            raise ValueError(
                f"{name} needs images to describe. Found array with 0 sample(s) while "
                "a minimum of 1 is required."
            )
        if self.n_dims == 0:
            raise ValueError(
                f"{name} needs descriptors of at least one number. Found array with 0 "
                f"feature(s) (shape=({len(self)}, 0)) while a minimum of 1 is required."
            )

    def __len__(self):
        return len(self.counts)

    def values(self, image, rows=slice(None)):
        """Return an image's descriptors, float32, C-contiguous and finite."""
        bag = self._descriptors[image] if self.has_positions else self._bags[image]
        bag = bag[rows]
        with np.errstate(over="ignore"):  # what is too large is refused just below
            values = np.ascontiguousarray(bag, dtype=np.float32)
        self._check_finite(bag, values, image)
        return values

    def positions(self, image):
        """Return where an image's descriptors are, (row, column) in 0..1."""
        first, last = self._descriptors.offsets[[image, image + 1]]
        return self._descriptors.positions[first:last]

    def sample(self, max_descriptors, random_state):
        """Draw descriptors, from every image alike as far as it has them.

        Parameters
        ----------
        max_descriptors : int
        random_state : RandomState

        Returns
        -------
        ndarray of shape (at most max_descriptors, n_dims), float32
        """
        quotas = fair_quotas(self.counts, max_descriptors, random_state)
        sample = np.empty((quotas.sum(), self.n_dims), dtype=np.float32)
        stop = 0
        for image in np.flatnonzero(quotas):
            start, stop = stop, stop + quotas[image]
            rows = slice(None)
            if self.counts[image] > quotas[image]:
                shuffled = random_state.permutation(self.counts[image])
                rows = np.sort(shuffled[: quotas[image]])
            sample[start:stop] = self.values(image, rows)
        return sample

    def _check_finite(self, bag, values, image):
        # One cheap pass decides; only a bad bag pays for the search.
        if sum_of_squares(values) < LARGEST**2:
            return
        if np.isnan(values).any():
            what = "contains NaN"
        elif np.isinf(bag).any():
            what = "contains infinity"
        else:
            what = (
                f"holds numbers of size {np.abs(values).max():.1e}, which is too large"
            )
        raise ValueError(
            f"{self._name} needs finite descriptors. Input X {what} (image {image}); "
            "drop this image or replace the values."
        )


def fair_quotas(counts, budget, random_state):
    """Share `budget` among images as evenly as what they have allows.

    Parameters
    ----------
    counts : ndarray of shape (n_images,), int64
        How many descriptors each image has.
    budget : int
    random_state : RandomState
        Who gets one more, where the budget does not divide.

    Returns
    -------
    ndarray of shape (n_images,), int64
        At most `counts`; sums to the budget, or to all there is.
    """
    if counts.sum() <= budget:
        return counts
    # Up to which image, from the poorest, does everyone give all they have?
    poorest_first = np.sort(counts)
    n_others = np.arange(len(counts) - 1, -1, -1)
    if_level = np.cumsum(poorest_first) + poorest_first * n_others
    n_poor = np.searchsorted(if_level, budget, side="right")
    left = budget - poorest_first[:n_poor].sum()
    level, n_extra = divmod(left, len(counts) - n_poor)
    quotas = np.minimum(counts, level)
    rich = np.flatnonzero(counts > level)
    quotas[random_state.permutation(rich)[:n_extra]] += 1
    return quotas


def _read_bags(X, name):
    expected = (
        f"{name} expects Descriptors (from SIFT or DenseSIFT), an array of shape "
        "(n_images, n_descriptors, n_dims), or a list with an array of shape "
        "(n_descriptors, n_dims) for each image."
    )
    if isinstance(X, np.ndarray) and X.dtype != object:
        if X.ndim != 3:
            raise ValueError(
                f"{expected} Got an array of shape {X.shape}; Reshape your data: [X] "
                "is a list of one image."
            )
        X = _check_numbers(X, expected)
        return X, X.shape[2]
    if not hasattr(X, "__len__") or isinstance(X, str | bytes | dict):
        raise TypeError(f"{expected} Got {type(X).__name__}.")
    bags = [_check_numbers(bag, expected, image) for image, bag in enumerate(X)]
    n_dims = {bag.shape[1] for bag in bags}
    if len(n_dims) > 1:
        raise ValueError(
            f"{name} needs descriptors of one width. Got widths {sorted(n_dims)}; an "
            "image without descriptors is an array of shape (0, n_dims)."
        )
    return bags, n_dims.pop() if bags else 0


def _check_numbers(bag, expected, image=None):
    bag = np.asarray(bag)
    where = "" if image is None else f" for image {image}"
    if bag.dtype.kind not in "fiub":
        raise ValueError(
            f"{expected} Got dtype {bag.dtype}{where}; descriptors are real numbers. "
            "Complex data not supported."
        )
    if image is not None and bag.ndim != 2:
        raise ValueError(f"{expected} Got an array of shape {bag.shape}{where}.")
    return bag
