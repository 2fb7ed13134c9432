"""Features of what learns without labels, kept for each set of images it learned from.

A vocabulary that is learned anew on the same images gives the same features, so that
neither it nor they need be computed again.
"""

import time
from numbers import Integral
from typing import Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.utils.validation import check_is_fitted

from imgfeat._home import NoHomeError
from imgfeat._traits import traits_of
from imgfeat.features.cache._cache_folder import cache_folder
from imgfeat.features.cache._describer import Describer
from imgfeat.features.cache._gather import gather
from imgfeat.features.cache._identity import versions
from imgfeat.features.cache._keys import row_keys, transformer_key
from imgfeat.features.cache._no_store import no_store
from imgfeat.features.cache._store import open_store
from imgfeat.sources._images import Images
from imgfeat.sources._source import hash_parts

# What learns; another version may learn something else.
_LIBRARIES = ("scikit-learn", "threadpoolctl", "torch", "faiss-cpu", "faiss-gpu")


def learns_alike(step):
    """Whether `step` learns without labels, and the same from the same images."""
    if not traits_of(step).learns_without_labels:
        return False
    # Without a seed each fit is another one.
    return isinstance(step.get_params().get("random_state", 0), Integral)


class LearnedFeatures(TransformerMixin, BaseEstimator, auto_wrap_output_keys=None):
    """Learn when it has to be, and keep the features of each image.

    Parameters
    ----------
    transformer : Pipeline
        From images to features; its last step `learns_alike`, those before learn
        nothing.
    location : path, optional
        As for `CachedFeatures`.
    batch_size : int, default=256
        Images that are described, and kept, at once.

    Attributes
    ----------
    transformer_ : Pipeline
        Fitted; it learns when somebody asks, if it has not yet.
    owed_s_ : float
        Seconds to add to those that passed since `fit`, to have the time that it takes
        where nothing is kept. What is learned late, in `transform`, belongs to `fit`.

    Notes
    -----
    Rows are kept by the transformer, the images that it learned from in their order,
    and the image. Images that cannot be known again, such as a pipe, are not kept.
    """

    def __init__(self, transformer, location=None, batch_size=256):
        self.transformer = transformer
        self.location = location
        self.batch_size = batch_size

    def fit(self, X, y=None) -> Self:
        """Note the images to learn from.

        Parameters
        ----------
        X : images
        y : Ignored

        Returns
        -------
        self : LearnedFeatures
        """
        images = self._images(X)
        self._learner = _Learner(clone(self.transformer), images.items)
        self.owed_s_ = 0.0
        keys, known = row_keys(images.sources)
        self._store, self._times = None, _Times(None, None)
        if known.all():
            self._open(hash_parts(b"training", keys.tobytes()))
        return self

    def fit_transform(self, X, y=None) -> np.ndarray:
        """Do as `fit` and `transform` one after the other.

        Parameters
        ----------
        X : images
        y : Ignored

        Returns
        -------
        ndarray of shape (n_samples, n_features)
        """
        features = self.fit(X).transform(X)
        if self._learner.learn_s is None:
            self.owed_s_ += self._times.learn_s
        else:
            self.owed_s_ += self._learner.learn_s  # which `transform` has taken off
            self._times.keep(self._learner)
        return features

    def transform(self, X) -> np.ndarray:
        """Describe each image, or find its row.

        Parameters
        ----------
        X : images

        Returns
        -------
        ndarray of shape (n_samples, n_features)
        """
        check_is_fitted(self, "_learner")
        images = self._images(X)
        if self._store is None:
            return self._learner.transform(images.items)
        keys, known = row_keys(images.sources)
        before, had_learned = self._learner.n_rows, self._learner.learn_s is not None
        rows = gather(
            keys,
            known,
            self._store,
            Describer(self._learner, images, keys, on_error="raise"),
            batch_size=self.batch_size,
            advance=lambda n_rows: None,
        )
        n_found = len(images) - (self._learner.n_rows - before)
        self.owed_s_ += n_found * self._times.row_s
        if not had_learned and self._learner.learn_s is not None:
            self.owed_s_ -= self._learner.learn_s
        return rows.finish()

    @property
    def transformer_(self) -> BaseEstimator:
        check_is_fitted(self, "_learner")
        return self._learner.learned()

    def _images(self, X):
        return Images(self, X, reset=False, check_numbers=np.asarray)

    def _open(self, training):
        _, description = transformer_key(self.transformer)
        description["learned by"] = versions(_LIBRARIES)
        facts = str(sorted(description["learned by"].items())).encode()
        key = bytes.fromhex(transformer_key(self.transformer)[0])
        try:
            folder = cache_folder(self.location)
        except NoHomeError as error:
            self._store = no_store(error)
            return
        rows = hash_parts(b"learned", key, facts, training).hex()
        times = hash_parts(b"times", key, facts).hex()
        about = description | {"training": training.hex()}
        self._store = open_store(folder, rows, about)
        self._times = _Times(open_store(folder, times, description), training)


class _Learner:
    """A pipeline that is fitted when it is first needed."""

    def __init__(self, pipeline, items):
        self._pipeline = pipeline
        self._items = items
        self.learn_s = None
        self.row_s = 0.0
        self.n_rows = 0

    def learned(self):
        if self.learn_s is None:
            start = time.perf_counter()
            self._pipeline.fit(self._items)
            self.learn_s = time.perf_counter() - start
        return self._pipeline

    def transform(self, items):
        pipeline = self.learned()
        start = time.perf_counter()
        features = pipeline.transform(items)
        self.n_rows += len(items)
        self.row_s += (time.perf_counter() - start - self.row_s * len(items)) / max(
            self.n_rows, 1
        )
        return features


class _Times:
    """What learning took, and a row after it, when they were computed."""

    def __init__(self, store, training):
        self._store = store
        self.learn_s = self.row_s = 0.0
        if store is None:
            return
        self._key = np.frombuffer(training, dtype=np.uint64).reshape(1, 2)
        for chunk, _, places in store.find(self._key):
            self.learn_s, self.row_s = map(
                float, chunk.read("values", places[0], places[0] + 1)[0]
            )

    def keep(self, learner):
        self.learn_s, self.row_s = learner.learn_s, learner.row_s
        if self._store is not None and not any(
            True for _ in self._store.find(self._key)
        ):
            values = np.array([[learner.learn_s, learner.row_s]])
            self._store.add(self._key, {"values": values})
