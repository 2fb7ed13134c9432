"""Images that are alike, by the features that a model sees."""

import os
from numbers import Integral
from typing import Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from imgfeat._frames import make_frame
from imgfeat._sklearn import (
    HasMethods,
    Interval,
    StrOptions,
    fit_context,
)
from imgfeat.evaluation.gallery._exact_search import nearest_rows
from imgfeat.evaluation.gallery._features_of import describe
from imgfeat.kernels.normalize import normalize_rows
from imgfeat.sources._images import Images, refuse_one_image

# Looked at beyond those asked for, as float32 may confuse what is as near.
_SPARE = 16


class SimilarImages(BaseEstimator):
    """Search a gallery for the images most like others, by a model's features.

    Parameters
    ----------
    pipeline : fitted estimator
        A classifier whose steps but the last make the features, or a transformer of
        images. Of `CNNClassifier`, the features are what its last layer sees.
    metric : {"cosine", "euclidean"}, default="cosine"
        Cosine of the angle between features, or distance.
    on_error : {"raise", "skip"}, default="raise"
        What happens to a file of the gallery that cannot be read: its error, or it is
        left out, and `errors_` lists it.
    batch_size : int, default=256
        Images that are described at once.
    cache : path or bool, default=False
        Folder of the feature store, as the `location` of `CachedFeatures`; True is the
        default one, False uses none. What learns nothing at the front of the pipeline
        then describes no image twice, in another run neither.
    n_jobs : int, optional
        Threads, for all steps that have a parameter `n_jobs`; None leaves theirs.
    verbose : int, default=0
        Whether to show a progress bar.

    Attributes
    ----------
    features_ : ndarray of shape (n_kept, n_features), float32
        Features of the gallery, brought to unit length for the cosine, and to zero mean
        for the distance, where they keep more digits.
    rows_ : ndarray of shape (n_kept,), int64
        Their places in the gallery.
    paths_ : ndarray of shape (n_kept,), dtype object
        Their paths; ``"image 3"`` of what has none.
    errors_ : DataFrame with columns row, path, reason
        What was left out.

    See Also
    --------
    find_similar : The same in one call.

    Notes
    -----
    The gallery is described once, by `fit`, and takes 4 bytes a feature: 100,000 images
    with 1,280 features 512 MB. A search compares with every one, and takes 32 MB
    beside it. Images of the gallery that are given to a search are found first. An
    image whose features are all zeros has a cosine of 0 to all.

    Examples
    --------
    >>> from imgfeat import load_sample
    >>> from imgfeat.evaluation import SimilarImages
    >>> from imgfeat.features import HOG
    >>> digits = load_sample("digits")
    >>> hog = HOG(pixels_per_cell=(4, 4), cells_per_block=(1, 1))
    >>> index = SimilarImages(hog).fit(digits.images[10:])
    >>> found = index.search(digits.images[:2], n=3)
    >>> digits.target[10:][found["row"]]
    array([0, 0, 0, 1, 1, 1])
    """

    _parameter_constraints: dict = {
        "pipeline": [HasMethods(["fit"])],
        "metric": [StrOptions({"cosine", "euclidean"})],
        "on_error": [StrOptions({"raise", "skip"})],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "cache": ["boolean", str, os.PathLike],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        pipeline,
        *,
        metric="cosine",
        on_error="raise",
        batch_size=256,
        cache=False,
        n_jobs=None,
        verbose=0,
    ):
        self.pipeline = pipeline
        self.metric = metric
        self.on_error = on_error
        self.batch_size = batch_size
        self.cache = cache
        self.n_jobs = n_jobs
        self.verbose = verbose

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None) -> Self:
        """Describe the gallery.

        Parameters
        ----------
        X : images
            The gallery, as the pipeline takes it.
        y : Ignored

        Returns
        -------
        self : SimilarImages

        Raises
        ------
        ImageDecodeError
            If a file cannot be read, unless ``on_error="skip"``.
        TypeError
            If the pipeline makes no features.
        ValueError
            If there is no image that can be read, or features are not finite.
        """
        images = self._images(X)
        skip = self.on_error == "skip"
        self.features_, self.errors_ = self._describe(X, images, skip=skip)
        self.rows_ = np.setdiff1d(np.arange(len(images)), self.errors_["row"])
        self.paths_ = np.array([images.name(row) for row in self.rows_], dtype=object)
        if self.metric == "euclidean":
            self._center = self.features_.mean(axis=0, dtype=np.float64)
            self.features_ -= self._center.astype(np.float32)
            squares = np.einsum("ij,ij->i", self.features_, self.features_)
            self._penalties = squares / 2
        else:
            normalize_rows(self.features_, "l2")
            self._penalties = None
        return self

    def search(self, X, n: int = 5) -> pd.DataFrame:
        """Find the images of the gallery that are most like each of some images.

        Parameters
        ----------
        X : images
            A batch; put one image in a list.
        n : int, default=5
            How many to find for each; all, if the gallery has fewer.

        Returns
        -------
        DataFrame with columns query, row, path, similarity
            Places in X and in the gallery, the most similar first; of equals the first
            in the gallery first. With ``metric="euclidean"`` the last column is
            ``distance``.

        Raises
        ------
        ImageDecodeError
            If an image cannot be read.
        ValueError
            If `n` is not positive, or the images do not fit those of the gallery.
        """
        check_is_fitted(self)
        if not isinstance(n, Integral) or n < 1:
            raise ValueError(f"n must be a positive int. Got {n!r}.")
        queries, _ = self._describe(X, self._images(X), skip=False)
        if queries.shape[1] != self.features_.shape[1]:
            raise ValueError(
                f"SimilarImages has a gallery with {self.features_.shape[1]} features "
                f"an image. Got images with {queries.shape[1]}; give images of the "
                "same size, or a pipeline that resizes them."
            )
        if self.metric == "euclidean":
            queries -= self._center.astype(np.float32)
        else:
            normalize_rows(queries, "l2")
        n = min(n, len(self.rows_))
        found, values = self._nearest(queries, n)
        return make_frame(
            {
                "query": np.repeat(np.arange(len(queries)), n),
                "row": self.rows_[found.ravel()],
                "path": self.paths_[found.ravel()],
                "similarity" if self.metric == "cosine" else "distance": values.ravel(),
            }
        )

    def _images(self, X):
        refuse_one_image(X, "SimilarImages")
        return Images(self, X, reset=False, check_numbers=np.asarray)

    def _describe(self, X, images, *, skip):
        return describe(
            self.pipeline,
            X,
            images,
            batch_size=self.batch_size,
            skip=skip,
            cache=self.cache,
            n_jobs=self.n_jobs,
            verbose=self.verbose,
        )

    def _nearest(self, queries, n):
        """Rows of `features_`, and their cosines or distances, (n_queries, n)."""
        n_looked_at = min(n + _SPARE, len(self.features_))
        found, _ = nearest_rows(queries, self.features_, n_looked_at, self._penalties)
        values = np.empty(found.shape)
        for query, rows in enumerate(found):
            near = self.features_[rows].astype(np.float64)
            if self.metric == "cosine":
                # Equal rows give equal cosines so, as by BLAS they need not.
                cosines = np.einsum("ij,j->i", near, queries[query].astype(np.float64))
                values[query] = cosines.clip(-1, 1)
            else:
                values[query] = np.linalg.norm(near - queries[query], axis=1)
        order = np.lexsort((found, -values if self.metric == "cosine" else values))
        order = order[:, :n]
        found = np.take_along_axis(found, order, axis=1)
        return found, np.take_along_axis(values, order, axis=1)
