"""What features of whole images share: images of one size in, one vector each out."""

from numbers import Integral
from typing import Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from imgfeat._progress import progress
from imgfeat._sklearn import fit_context
from imgfeat._threads import count_threads, map_threads, row_slices
from imgfeat.sources._images import Images


class ImageFeature(TransformerMixin, BaseEstimator):
    """Base of the transformers that describe a whole image by one vector.

    A subclass describes some images in ``_describe_part``, or all of them in
    ``_describe``. ``_check_params`` says what is wrong with parameters, ``_check_room``
    with images. One that learns does so in ``_learn``, writes ``fit``, and says so in
    its tags; of all others `transform` works without `fit`.
    """

    _parameter_constraints: dict = {
        "image_shape": [tuple, list, None],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
    }

    # Whether features depend on the scale of pixels, so that floats must be in 0..1.
    _needs_unit_range = False
    # Most images that a thread takes at a time: keeps what is made of them on the way
    # small.
    _part_size = 16

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None) -> Self:
        """Remember the image size; nothing is learned.

        Parameters
        ----------
        X : images of shape (n_samples, height, width[, 3])
            Of a sequence of files, only the first is read.
        y : Ignored

        Returns
        -------
        self : object

        Raises
        ------
        ImageDecodeError
            If the first image is a file that cannot be read.
        ValueError
            If a parameter is out of range, or the images cannot be described.
        """
        self._check_params()
        images = self._images(X, reset=True)
        # One image tells the size; an array is checked at no cost.
        self._read(images if images.is_array else images.take(slice(0, 1)))
        return self

    @fit_context(prefer_skip_nested_validation=True)
    def fit_transform(self, X, y=None) -> np.ndarray:
        """Do as `fit` and `transform` one after the other; each image is read once.

        Parameters
        ----------
        X : images of shape (n_samples, height, width[, 3])
        y : Ignored

        Returns
        -------
        ndarray of shape (n_samples, n_features), float32
        """
        self._check_params()
        X = self._read(self._images(X, reset=True))
        self._learn(X)
        return self._describe(X)

    def transform(self, X) -> np.ndarray:
        """Describe each image.

        Parameters
        ----------
        X : images of shape (n_samples, height, width[, 3])
            Of the size seen in `fit`, if there was one.

        Returns
        -------
        ndarray of shape (n_samples, n_features), float32
            In the order of `get_feature_names_out`.

        Raises
        ------
        ImageDecodeError
            If an image cannot be read.
        ValueError
            If a parameter is out of range, or the images cannot be described.
        """
        check_is_fitted(self)  # where something is learned
        if not hasattr(self, "image_shape_in_"):
            self._validate_params()
        self._check_params()
        return self._describe(self._read(self._images(X, reset=False)))

    def _check_params(self):
        """Raise for what the constraints of single parameters cannot say."""

    def _check_room(self, X):
        """Raise if these images cannot be described, being too small, say."""

    def _learn(self, X):
        """Learn from checked images."""

    def _describe(self, X):
        """Features of checked images, (n_images, n_features), float32."""
        n_parts = max(count_threads(self.n_jobs), len(X) // self._part_size)
        with progress("Describing images", len(X), self.verbose) as advance:

            def describe(rows):
                part = self._describe_part(X[rows])
                advance(rows.stop - rows.start)
                return part

            parts = map_threads(describe, row_slices(len(X), n_parts), self.n_jobs)
        return np.concatenate(parts)

    def _describe_part(self, X):
        """The same of a few."""
        raise NotImplementedError

    def _images(self, X, *, reset):
        return Images(
            self,
            X,
            reset=reset,
            image_shape=self.image_shape,
            any_size=False,
            unit_range=self._needs_unit_range,
        )

    def _read(self, images):
        X = images.as_array(n_jobs=self.n_jobs, verbose=self.verbose)
        self._check_room(X)
        return X

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.two_d_array = True
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags
