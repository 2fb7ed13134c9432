"""What transformers from images to images have in common."""

from typing import Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from imgfeat._sklearn import ask_output, fit_context
from imgfeat.sources._frame import keep_index
from imgfeat.sources._images import Images


class ImageTransformer(TransformerMixin, BaseEstimator):
    """Base of stateless transformers from images to images.

    Subclasses have parameters `image_shape`, `n_jobs` and `verbose`, and write
    ``transform``.
    """

    def __init_subclass__(cls, **kwargs):
        # Images are no table: nothing of scikit-learn's may wrap them in a DataFrame.
        super().__init_subclass__(auto_wrap_output_keys=None, **kwargs)

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None) -> Self:
        """Check the parameters, and X where it is numbers; files are not read.

        Parameters
        ----------
        X : images
            Any batch.
        y : Ignored

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If a parameter is wrong, or X is no batch of images.
        """
        self._check_parameters()
        self._images(X)
        return self

    def set_output(self, *, transform=None) -> Self:
        """Say whether images that come in pandas keep their index.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"}, optional
            With ``"pandas"``, images of a Series or a DataFrame come back as a
            DataFrame of one column, ``"image"``, under the same index. All else stays
            an array.

        Returns
        -------
        self : object
        """
        ask_output(self, transform)
        return self

    def get_feature_names_out(self, input_features=None) -> np.ndarray:
        """Name the one column of images, for pipelines that name what they make of it.

        Parameters
        ----------
        input_features : Ignored

        Returns
        -------
        ndarray of shape (1,)
        """
        return np.asarray(["image"], dtype=object)

    def _give(self, batch, images):
        """What ``transform`` returns: an array, or a table under the index of X."""
        return keep_index(self, batch, images.index)

    def _images(self, X, **options):
        return Images(self, X, reset=False, image_shape=self.image_shape, **options)

    def _check_parameters(self):
        """Check what ``_parameter_constraints`` cannot say."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.input_tags.string = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        tags.requires_fit = False
        return tags
