"""CachedFeatures: features are computed once, in chunks, and kept on disk."""

import os
from numbers import Integral
from typing import Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_array

from imgfeat._nesting import last_step
from imgfeat._on_arrays import on_arrays
from imgfeat._progress import progress
from imgfeat._sklearn import (
    HasMethods,
    Interval,
    StrOptions,
    fit_context,
    output_config,
    wrap_output,
)
from imgfeat._stateless import find_learner
from imgfeat.features.cache._describer import Describer
from imgfeat.features.cache._gather import gather
from imgfeat.features.cache._keys import row_keys, transformer_key
from imgfeat.features.cache._no_store import find_store
from imgfeat.features.cache._stored_branches import store_branches
from imgfeat.features.local._descriptors import Descriptors
from imgfeat.sources._frame import index_of, keep_index
from imgfeat.sources._images import Images


class CachedFeatures(TransformerMixin, BaseEstimator, auto_wrap_output_keys=None):
    """Compute features once and keep them on disk, for every fold, search and run.

    Put it around what learns nothing, as ``make_pipeline(ImageReader(...), HOG())`` or
    `CNNEmbedding`, and the scaler and classifier behind it. A grid search then reads
    each image once, whatever the folds; a second run reads none.

    Parameters
    ----------
    transformer : estimator
        Learns nothing and describes each image by itself. Gives an array with a row
        an image, or `Descriptors`.
    location : path, optional
        Folder of the cache. By default ``features`` below ``IMGFEAT_HOME``, or below
        the platform's cache folder.
    batch_size : int, default=256
        Images that are described, and kept, at once.
    on_error : {"raise", "nan"}, default="raise"
        What happens to an image that cannot be described: its error, or a row of NaN
        (of no descriptors) that `errors_` lists. Such rows are not kept.
    n_jobs : int, optional
        Threads, for all steps that have a parameter `n_jobs`; None leaves theirs.
    verbose : int, default=0
        Whether to show a progress bar.

    Attributes
    ----------
    transformer_ : estimator
        A fitted copy of `transformer`.
    errors_ : DataFrame with columns row, path, reason
        What could not be described last. Only with ``on_error="nan"``.
    n_features_in_ : int
        Values in an image, when `fit` has seen an array.

    See Also
    --------
    cache_info : What is kept.
    clear_cache : Remove it.

    Notes
    -----
    A row is found again by its image and by the transformer. A file is known by its
    path, links resolved, its device, inode and size and its times of change, so that it
    need not be read; all else by its content. A file that was moved, or a disk that was
    mounted anew, may be read again.
    A transformer is known by its class, all parameters but `n_jobs`, `verbose` and
    `batch_size`, the hash of its weights, and the versions of imgfeat, of the package
    that it is from and of the libraries that decode and compute; a pipeline by its
    steps, whatever they are called. Functions and classes of your own are known by
    their code and by what that mentions: globals, callees, members of your modules.
    Change any of them and the row is computed anew. What cannot be told from others,
    such as a random generator or a folder, is a TypeError.

    Values come back exactly as they were computed. Files in the cache are checked by
    their hash before they are used; a damaged one is computed again, with a
    `CacheWarning`, and one that was removed without. Nothing in them is executed. Any
    number of processes may share a folder: each computes other rows, and waits for
    those that another has begun. What was finished when a run was killed is found by
    the next one. Where the folder cannot be written to, or is full, a `CacheWarning`
    says so, and all is computed.

    A branch of a `FeatureUnion` that runs a net is kept by itself too, so that it finds
    what a pipeline of the same net has kept, and the other way round.

    Memory holds one batch of images beside the features that are returned.
    `Descriptors` stay on disk, and are read image by image by the vocabulary.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from sklearn.pipeline import make_pipeline
    >>> from imgfeat.features import HOG, CachedFeatures
    >>> from imgfeat.sources import ImageReader
    >>> images = np.random.default_rng(0).integers(0, 256, (4, 40, 30), np.uint8)
    >>> describe = make_pipeline(ImageReader((32, 32), mode="gray"), HOG())
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     CachedFeatures(describe, location=folder).fit_transform(images).shape
    (4, 324)
    """

    _parameter_constraints: dict = {
        "transformer": [HasMethods(["fit", "transform"])],
        "location": [str, os.PathLike, None],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "on_error": [StrOptions({"raise", "nan"})],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
    }
    # One nested in another is known by what it keeps, wherever that is.
    _gives_rows_of = "transformer"

    def __init__(
        self,
        transformer,
        location=None,
        batch_size=256,
        on_error="raise",
        n_jobs=None,
        verbose=0,
    ):
        self.transformer = transformer
        self.location = location
        self.batch_size = batch_size
        self.on_error = on_error
        self.n_jobs = n_jobs
        self.verbose = verbose

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None) -> Self:
        """Check the parameters and describe the first batch of images.

        Parameters
        ----------
        X : images
            What `transformer` takes.
        y : Ignored

        Returns
        -------
        self : CachedFeatures

        Raises
        ------
        TypeError
            If `transformer` learns, or its parameters are more than values.
        ValueError
            If it refuses the images.
        """
        images = self._check(X)
        worker = clone_of(self)
        first = images.take(slice(0, self.batch_size))
        self._fit(images, self._gather(first, worker), worker)
        return self

    @fit_context(prefer_skip_nested_validation=False)
    def fit_transform(self, X, y=None) -> np.ndarray | Descriptors:
        """Do as `fit` and `transform` one after the other, at once.

        Parameters
        ----------
        X : images
        y : Ignored

        Returns
        -------
        ndarray of shape (n_samples, n_features) or Descriptors
        """
        images = self._check(X)
        worker = clone_of(self)
        rows = self._gather(images, worker)
        self._fit(images, rows, worker)
        return self._wrap(rows.finish(), X)

    def transform(self, X) -> np.ndarray | Descriptors:
        """Describe each image, or find its row in the cache.

        Parameters
        ----------
        X : images
            What `transformer` takes.

        Returns
        -------
        ndarray of shape (n_samples, n_features) or Descriptors
            As `transformer` gives it. Of local features only the places on disk are in
            memory.

        Raises
        ------
        ImageDecodeError
            If an image cannot be read, with ``on_error="raise"``.
        ValueError
            If `transformer` refuses an image, or features differ in length.
        """
        self._validate_params()
        images = self._check(X)
        worker = getattr(self, "_worker", None) or clone_of(self)
        rows = self._gather(images, worker, getattr(self, "_kind", None))
        if not hasattr(self, "_worker"):
            return self._wrap(
                rows.finish(), X, lambda: _fit_on_one(worker, images, rows)
            )
        return self._wrap(rows.finish(), X)

    @available_if(lambda self: hasattr(self.transformer, "get_feature_names_out"))
    def get_feature_names_out(self, input_features=None) -> np.ndarray:
        """Name the features as `transformer` does.

        Parameters
        ----------
        input_features : array-like of str, optional

        Returns
        -------
        ndarray of str
        """
        return self._newest().get_feature_names_out(input_features)

    def set_output(self, *, transform=None) -> Self:
        """Say what `transform` returns, if `transformer` can give it.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"}, optional

        Returns
        -------
        self : CachedFeatures
        """
        for transformer in (self.transformer, getattr(self, "_worker", None)):
            if hasattr(transformer, "set_output"):
                transformer.set_output(transform=transform)  # type: ignore[union-attr]
        return self

    @property
    def transformer_(self) -> BaseEstimator:
        # Fitted when somebody asks, because it reads an image that the cache has.
        if hasattr(self, "_example"):
            self._worker.fit([self._example])
            del self._example
        return self._worker

    def _check(self, X):
        """Return X as `Images`; numbers as they are, for `transformer` to check."""
        self._check_transformer()
        return Images(self, X, reset=False, check_numbers=self._check_numbers)

    def _check_numbers(self, X):
        return check_array(
            X,
            dtype=None,
            ensure_2d=False,
            allow_nd=True,
            ensure_all_finite=False,
            estimator=self,
            input_name="X",
        )

    def _check_transformer(self):
        if learner := find_learner(self.transformer):
            name, part = learner
            step = f"the step {name!r}, " if name else ""
            raise TypeError(
                "CachedFeatures needs a transformer that learns nothing, because its "
                f"rows are shared by all folds. Got {step}{type(part).__name__}, which "
                "learns from its training rows; put it behind: make_pipeline("
                f"CachedFeatures(...), {type(part).__name__}(...))."
            )

    def _gather(self, images, worker, kind=None):
        """Describe the images, or find them; note in `errors_` what is wrong."""
        # By the copy that works, whatever became of `transformer` since `fit`.
        store = self._open_store(worker)
        keys, known = row_keys(images.sources)
        # What is not fitted yet cannot name the columns of a table.
        plain = store_branches(on_arrays(worker), self._store_branch)
        describe = Describer(plain, images, keys, on_error=self.on_error)
        with progress("Describing images", len(images), self.verbose) as advance:
            rows = gather(
                keys,
                known,
                store,
                describe,
                batch_size=self.batch_size,
                advance=advance,
                kind=kind,
            )
        if rows.kind is None:
            describe.raise_for_none()
        if self.on_error == "nan":
            self.errors_ = describe.error_table(rows.filled)
        return rows

    def _store_branch(self, branch):
        return CachedFeatures(branch, self.location, self.batch_size)

    def _open_store(self, worker):
        return find_store(self.location, *transformer_key(worker))

    def _fit(self, images, rows, worker):
        self._worker = worker
        self._kind = rows.kind
        self.__dict__.pop("_example", None)
        self.__dict__.pop("n_features_in_", None)
        first = _first_row(rows)
        if images.source(first).is_stored:
            self._example = images.items[first]
            return
        _fit_on_one(worker, images, rows)
        if hasattr(self._worker, "n_features_in_"):
            self.n_features_in_ = self._worker.n_features_in_

    def _newest(self):
        return self.transformer_ if hasattr(self, "_worker") else self.transformer

    def _wrap(self, features, X, find_named=None):
        """Features as the table that the transformer was asked for.

        Names are those of what ``find_named()`` gives, by default of the newest fitted.
        """
        last = last_step(self.transformer)
        if isinstance(features, Descriptors):
            features.index = index_of(X)
            return features
        if output_config("transform", last)["dense"] == "default":
            return features
        # scikit-learn 1.6 takes the index of a table alone, and X may be a Series.
        rows = keep_index(last, features, index_of(X))
        if features.ndim > 2:
            return rows
        named = (find_named or self._newest)()
        return wrap_output("transform", rows, X, last_step(named))

    def __getstate__(self):
        # Where a pickle goes the file of the example may not be.
        if hasattr(self, "_example"):
            self.transformer_  # noqa: B018
        return super().__getstate__()

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        if hasattr(self.transformer, "transform"):
            inner = get_tags(self.transformer)
            tags.input_tags = inner.input_tags
            tags.transformer_tags = inner.transformer_tags
        tags.requires_fit = False
        return tags


def _first_row(rows):
    """The first row that could be described."""
    return np.flatnonzero(rows.filled)[0]


def _fit_on_one(worker, images, rows):
    """Fit the working copy on one image: it learns nothing but names and sizes."""
    return worker.fit(images.take([_first_row(rows)]).items)


def clone_of(cached):
    """A copy of the transformer to work with, given the threads that were asked for."""
    worker = clone(cached.transformer)
    if cached.n_jobs is not None:
        names = [
            name for name in worker.get_params() if name.split("__")[-1] == "n_jobs"
        ]
        worker.set_params(**dict.fromkeys(names, cached.n_jobs))
    return worker
