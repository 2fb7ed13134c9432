"""What the local features share: any batch of images in, `Descriptors` out."""

from contextlib import nullcontext
from numbers import Integral
from typing import Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from imgfeat._progress import progress
from imgfeat._sklearn import fit_context
from imgfeat._threads import map_threads
from imgfeat.features.local._descriptors import Descriptors
from imgfeat.sources._decode_error import ImageDecodeError
from imgfeat.sources._images import Images


class LocalFeature(TransformerMixin, BaseEstimator, auto_wrap_output_keys=None):
    """Base of the transformers from images to `Descriptors`.

    A subclass says in ``_describe`` how one image is described, and in ``_regions``
    what of it each descriptor sees. Nothing is learned, so `transform` works without
    `fit`.
    """

    _parameter_constraints: dict = {
        "image_shape": [tuple, list, None],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
    }

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None) -> Self:
        """Check the parameters and, if X is an array, the images; nothing is learned.

        Parameters
        ----------
        X : images
            An array, or a sequence of paths, bytes, PIL images and arrays of any
            sizes, which are not read here.
        y : Ignored

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If a parameter is out of range, or the images cannot be described.
        """
        self._check_params()
        images = Images(self, X, reset=True, image_shape=self.image_shape)
        if images.is_array:
            self._check_size(images.items.shape[1:])
        return self

    def transform(self, X) -> Descriptors:
        """Describe each image.

        Parameters
        ----------
        X : images
            An array, or a sequence of paths, bytes, PIL images and arrays. Sizes may
            differ, from each other and from those seen in `fit`.

        Returns
        -------
        Descriptors
            Row i holds what was found in image i.

        Raises
        ------
        ImageDecodeError
            If an image cannot be read, or has NaN or infinite pixels.
        ValueError
            If a parameter is out of range, or an image cannot be described.
        """
        self._validate_params()
        self._check_params()
        images = Images(self, X, reset=False, image_shape=self.image_shape)
        if images.is_array:
            self._check_size(images.items.shape[1:])
        with (
            self._while_running(),
            progress("Finding descriptors", len(images), self.verbose) as advance,
        ):
            if images.is_array:
                return self._describe_array(images.items, advance)

            # Read and described in one go: a thread never holds two images.
            def describe(row):
                found = self._describe(self._read(images, row))
                advance()
                return found

            found = _join(map_threads(describe, range(len(images)), self.n_jobs))
            found.index = images.index
            return found

    def set_output(self, *, transform=None) -> Self:
        """Return self: no table holds descriptors, so they stay `Descriptors`.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"}, optional
            What the other steps of a pipeline are asked for.

        Returns
        -------
        self : object
        """
        return self

    def _describe(self, image):
        """Values (n, n_dims) and positions (n, 2) of one finite image."""
        raise NotImplementedError

    def _regions(self, image):
        """The `Regions` of one finite image, in the order of its descriptors."""
        raise NotImplementedError

    def _describe_array(self, images, advance):
        """Descriptors of a checked batch; calls ``advance(n_images)`` as it goes."""

        def describe(image):
            found = self._describe(image)
            advance()
            return found

        return _join(map_threads(describe, images, self.n_jobs))

    def _check_params(self):
        """Raise for what the constraints of single parameters cannot say."""

    def _check_size(self, shape, name=None):
        """Raise if an image of this shape is too small; `name` is what to call it."""

    def _while_running(self):
        """A context around all threads' work."""
        return nullcontext()

    def _read(self, images, row):
        image, name = images.read(row), images.name(row)
        if not np.isfinite(image).all():
            raise ImageDecodeError(
                name, "it has NaN or infinite pixels", "replace these values"
            )
        self._check_size(image.shape, name)
        return image

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.two_d_array = True
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


def to_unit_range(image):
    """Return an image of floats as float32 in 0..1.

    What lies in 0..1 keeps its values. An image that leaves 0..1 is stretched: its
    lowest value becomes 0 and its highest 1.
    """
    low, high = image.min(), image.max()
    if low >= 0 and high <= 1:
        return image.astype(np.float32, copy=False)
    if low == high:
        return np.zeros(image.shape, dtype=np.float32)
    # Halved, so that the difference of two huge values stays finite.
    half = image.dtype.type(0.5)
    low, high = low * half, high * half
    return ((image * half - low) / (high - low)).astype(np.float32)


def histogram_names(prefix):
    """Names of SIFT's 4 x 4 bins of 8 orientations."""
    names = [
        f"{prefix}_row{row}_col{col}_bin{orientation}"
        for row in range(4)
        for col in range(4)
        for orientation in range(8)
    ]
    return np.asarray(names, dtype=object)


def _join(found):
    values, positions = zip(*found, strict=True)
    found.clear()
    return Descriptors.from_images(list(values), positions)
