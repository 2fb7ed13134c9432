"""Take the caches out of a fitted pipeline: they belong to the machine that trained.

What is left predicts the same. With them, whoever loads a file would write to a folder
that the file names, and golden images would be answered from it.
"""

from copy import copy

from sklearn.pipeline import FeatureUnion, Pipeline

from imgfeat.estimators import AugmentedClassifier
from imgfeat.features import CachedFeatures


def without_caches(estimator):
    """Return `estimator` with `CachedFeatures` replaced by what they hold.

    Looks into pipelines, unions and searches; what it changes is copied, all else is
    shared with `estimator`, which stays as it is.
    """
    if isinstance(estimator, CachedFeatures):
        # Only inside of an unfitted estimator of a search it is not fitted.
        fitted = hasattr(estimator, "transformer_")
        return without_caches(
            estimator.transformer_ if fitted else estimator.transformer
        )
    for attribute in _parts(estimator):
        part = getattr(estimator, attribute)
        bare = _bare_list(part) if isinstance(part, list) else without_caches(part)
        if bare is not part:
            estimator = copy(estimator)
            setattr(estimator, attribute, bare)
    return estimator


def _parts(estimator):
    if isinstance(estimator, Pipeline):
        return ["steps"]
    if isinstance(estimator, FeatureUnion):
        return ["transformer_list"]
    if hasattr(estimator, "best_estimator_"):
        return ["estimator", "best_estimator_", "scorer_"]
    if isinstance(estimator, AugmentedClassifier):
        parts = ["pipeline", "pipeline_"]
        return [part for part in parts if hasattr(estimator, part)]
    if hasattr(estimator, "_estimator"):
        return ["_estimator"]  # a search's scorer that calls the estimator's own score
    return []


def _bare_list(named):
    """``[(name, estimator), ...]`` without caches; the list itself if it has none."""
    bare = [(name, without_caches(estimator)) for name, estimator in named]
    changed = any(
        new is not old for (_, new), (_, old) in zip(bare, named, strict=True)
    )
    return bare if changed else named
