"""What learns nothing: its rows may be kept, shared, and computed once for all folds.

What stands in front of the first learning step gives every row the same features in
every fold, so a cross-validation may compute it once without leaking anything.
"""

import numpy as np
from sklearn.base import clone
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.utils import get_tags

from imgfeat._nesting import NO_STEP, branches
from imgfeat._sklearn import safe_indexing


def is_stateless(transformer):
    """Whether `transformer` learns nothing, and describes each row by itself."""
    return find_learner(transformer) is None


def find_learner(transformer):
    """The first part of `transformer` that learns from its training rows, or None.

    Parameters
    ----------
    transformer : estimator, "passthrough", "drop" or None
        Pipelines and feature unions are looked into.

    Returns
    -------
    tuple of (str, estimator) or None
        The part's name in the pipeline, ``""`` if it is `transformer` itself.
    """
    if transformer in NO_STEP:
        return None
    if not isinstance(transformer, Pipeline | FeatureUnion):
        return ("", transformer) if get_tags(transformer).requires_fit else None
    for name, part in branches(transformer):
        if found := find_learner(part):
            return found[0] or name, found[1]
    return None


def count_stateless(steps, searched=()):
    """How many of ``(name, step)`` learn nothing, before the first that does.

    `searched` is that of `split_stateless`.
    """
    touched = {name.split("__")[0] for name in searched}
    learns = (name in touched or not is_stateless(step) for name, step in steps)
    return next((place for place, does in enumerate(learns) if does), len(steps))


def split_stateless(pipeline, searched=()):
    """Cut a pipeline into what learns nothing and what learns.

    Parameters
    ----------
    pipeline : Pipeline
    searched : iterable of str
        Names of parameters that a search sets, as in ``"hog__orientations"``. A step
        that is searched belongs to the learning part, and so does all behind it.

    Returns
    -------
    front : Pipeline or None
    rest : Pipeline
        Never empty: the last step always learns. Steps keep their names.
    """
    n_front = count_stateless(pipeline.steps[:-1], searched)
    front = Pipeline(pipeline.steps[:n_front]) if n_front else None
    return front, Pipeline(pipeline.steps[n_front:])


def transform_in_chunks(front, X, *, batch_size=256):
    """``front.transform(X)``, some rows at a time, so that only features pile up.

    Parameters
    ----------
    front : stateless transformer or None
        None returns X as it is.
    X : images, as everywhere
    batch_size : int, default=256
        Rows a chunk.
    """
    if front is None:
        return X
    front = clone(front)
    chunks = []
    for start in range(0, len(X), batch_size):
        rows = np.arange(start, min(start + batch_size, len(X)))
        chunk = safe_indexing(X, rows)
        if not chunks:
            front.fit(chunk)  # checks, and remembers the size of the images
        chunks.append(front.transform(chunk))
    return np.concatenate(chunks)
