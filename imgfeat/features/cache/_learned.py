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

from imgfeat._traits import traits_of
from imgfeat.features.cache._describer import Describer
from imgfeat.features.cache._gather import gather
from imgfeat.features.cache._identity import versions
from imgfeat.features.cache._keys import row_keys, transformer_key
from imgfeat.features.cache._learned_state import state_of, with_state
from imgfeat.features.cache._no_store import find_store
from imgfeat.features.cache._one_row import OneRow
from imgfeat.sources._images import Images
from imgfeat.sources._source import hash_parts

# What learns; another version may learn something else.
_LIBRARIES = ("scikit-learn", "threadpoolctl", "torch")


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
        self._store, self._times = None, _Times()
        if known.all():
            self._open(hash_parts(b"training", keys.tobytes()), self._learner)
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
            # `transform` has taken off what passed.
            self.owed_s_ += self._times.learn_s or self._learner.learn_s
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

    def _open(self, training, learner):
        _, description = transformer_key(self.transformer)
        description["learned by"] = versions(_LIBRARIES)
        facts = str(sorted(description["learned by"].items())).encode()
        key = bytes.fromhex(transformer_key(self.transformer)[0])
        rows = hash_parts(b"learned", key, facts, training).hex()
        times = hash_parts(b"times", key, facts).hex()
        state = hash_parts(b"state", key, facts, training).hex()
        about = description | {"training": training.hex()}
        self._store = find_store(self.location, rows, about)
        times = find_store(self.location, times, description)
        self._times = _Times(OneRow(times, training))
        learner.kept = _State(OneRow(find_store(self.location, state, about), training))
        # Whose times are lost, as by who was killed before, is learned anew.
        learner.may_be_told = self._times.learn_s > 0


class _Learner:
    """A pipeline that is fitted when it is first needed, if nobody has fitted it yet.

    Attributes
    ----------
    kept : _State or None
        Where what it learns is kept.
    may_be_told : bool
        Whether to look there what it has learned before.
    learn_s : float or None
        Seconds that passed until it had learned; None if it has not.
    """

    def __init__(self, pipeline, items):
        self._pipeline = pipeline
        self._items = items
        self.kept = None
        self.may_be_told = False
        self.learn_s = None
        self.row_s = 0.0
        self.n_rows = 0

    def learned(self):
        if self.learn_s is None:
            start = time.perf_counter()
            if not self._is_told():
                self._pipeline.fit(self._items)
                if self.kept is not None:
                    self.kept.keep(self._pipeline)
            self.learn_s = time.perf_counter() - start
        return self._pipeline

    def _is_told(self):
        return self.may_be_told and self.kept.give_to(self._pipeline, self._items)

    def transform(self, items):
        pipeline = self.learned()
        start = time.perf_counter()
        features = pipeline.transform(items)
        self.n_rows += len(items)
        self.row_s += (time.perf_counter() - start - self.row_s * len(items)) / max(
            self.n_rows, 1
        )
        return features


class _State:
    """What the last step of a pipeline has learned from some images."""

    def __init__(self, row):
        self._row = row

    def give_to(self, pipeline, items):
        """Make a pipeline what it was when it had learned; whether that is known."""
        state = self._row.find()
        if state is None:
            return False
        name, last = pipeline.steps[-1]
        pipeline[:-1].fit(items)  # the same steps, which learn nothing
        pipeline.steps[-1] = name, with_state(last, state)
        return True

    def keep(self, pipeline):
        state = state_of(pipeline[-1])
        if state is not None:
            self._row.keep(state)


class _Times:
    """What learning took, and a row after it, when they were computed."""

    def __init__(self, row=None):
        self._row = row
        found = None if row is None else row.find()
        self.learn_s, self.row_s = (0.0, 0.0) if found is None else map(float, found)

    def keep(self, learner):
        if self.learn_s:  # of who has learned, not of who was told
            return
        self.learn_s, self.row_s = learner.learn_s, learner.row_s
        if self._row is not None:
            self._row.keep([self.learn_s, self.row_s])
