"""Which transformers learn nothing, so that their rows may be kept and shared."""

from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.utils import get_tags


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
    if isinstance(transformer, Pipeline):
        parts = transformer.steps
    elif isinstance(transformer, FeatureUnion):
        parts = transformer.transformer_list
    elif transformer in ("passthrough", "drop", None):
        return None
    else:
        return ("", transformer) if get_tags(transformer).requires_fit else None
    for name, part in parts:
        if found := find_learner(part):
            return found[0] or name, found[1]
    return None
