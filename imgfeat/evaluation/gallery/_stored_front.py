"""Features that a fitted model sees, from the feature store where it has them."""

import copy

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.pipeline import Pipeline

from imgfeat._nesting import NO_STEP
from imgfeat._stateless import count_stateless
from imgfeat.features.cache._describer import Describer
from imgfeat.features.cache._gather import gather
from imgfeat.features.cache._keys import row_keys, transformer_key
from imgfeat.features.cache._no_store import find_store
from imgfeat.sources._images import Images


def through_store(front, location=None):
    """A front whose features of images are looked up in the store, and kept there.

    Parameters
    ----------
    front : fitted transformer of images
        It is used as it is, for a copy that is not fitted may find other weights.
    location : path, optional
        As for `CachedFeatures`, which keeps the same rows under the same keys.

    Returns
    -------
    transformer
        `front` itself, if its first step learns or cannot be told from others.
    """
    steps = front.steps if isinstance(front, Pipeline) else [("features", front)]
    steps = [(name, step) for name, step in steps if step not in NO_STEP]
    n_kept = count_stateless(steps)
    if not n_kept:
        return front
    kept = Pipeline(steps[:n_kept])
    try:
        identity = transformer_key(kept)
    except TypeError:  # more than its parameters
        return front
    store = find_store(location, *identity)
    return Pipeline([("stored", _StoredRows(kept, store)), *steps[n_kept:]])


def with_jobs(front, n_jobs):
    """A front whose steps run on so many threads; the one that is given keeps its own.

    Parameters
    ----------
    front : fitted transformer
    n_jobs : int or None
        None changes nothing.
    """
    if n_jobs is None or front in NO_STEP:
        return front
    if isinstance(front, Pipeline):
        return Pipeline([(name, with_jobs(step, n_jobs)) for name, step in front.steps])
    if "n_jobs" not in front.get_params(deep=False):
        return front
    return copy.copy(front).set_params(n_jobs=n_jobs)


class _StoredRows(TransformerMixin, BaseEstimator):
    """`kept`, which learns nothing, by a store of its rows."""

    def __init__(self, kept, store):
        self.kept = kept
        self.store = store

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        images = Images(self, X, reset=False, check_numbers=np.asarray)
        keys, known = row_keys(images.sources)
        describe = Describer(self.kept, images, keys, on_error="raise")
        return gather(
            keys,
            known,
            self.store,
            describe,
            batch_size=len(images),
            advance=lambda _: None,
        ).finish()

    def __sklearn_is_fitted__(self):
        return True
