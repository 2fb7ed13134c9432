"""Take the caches out of a fitted pipeline: they belong to the machine that trained.

What is left predicts the same. With them, whoever loads a file would write to a folder
that the file names, and golden images would be answered from it. The sums of
``RidgeProbe.partial_fit`` go too: a matrix that only further training would need.
"""

from copy import copy

from imgfeat._nesting import replace_nested
from imgfeat.estimators import RidgeProbe
from imgfeat.features import CachedFeatures


def without_caches(estimator):
    """Return `estimator` with what `CachedFeatures` hold in their place, without sums.

    At any depth; what changes is copied, and `estimator` stays as it is.
    """
    return replace_nested(estimator, _without_cache)


def _without_cache(estimator):
    if isinstance(estimator, RidgeProbe) and hasattr(estimator, "_sums"):
        estimator = copy(estimator)
        del estimator._sums
        return estimator
    if not isinstance(estimator, CachedFeatures):
        return estimator
    # Only inside of an unfitted estimator of a search it is not fitted.
    fitted = hasattr(estimator, "transformer_")
    return estimator.transformer_ if fitted else estimator.transformer
