"""Take the caches out of a fitted pipeline: they belong to the machine that trained.

What is left predicts the same. With them, whoever loads a file would write to a folder
that the file names, and golden images would be answered from it. The sums of
``RidgeProbe.partial_fit`` go too: a matrix that only further training would need. So do
tables of pandas in which names are kept.
"""

from copy import copy

import numpy as np
import pandas as pd
from sklearn.pipeline import FeatureUnion

from imgfeat._nesting import replace_nested
from imgfeat.estimators import RidgeProbe
from imgfeat.features import CachedFeatures

_COLUMNS = "_transformers_feature_names_out"


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
    if isinstance(estimator, FeatureUnion):
        return _with_names_in_arrays(estimator)
    if not isinstance(estimator, CachedFeatures):
        return estimator
    # Only inside of an unfitted estimator of a search it is not fitted.
    fitted = hasattr(estimator, "transformer_")
    return estimator.transformer_ if fitted else estimator.transformer


def _with_names_in_arrays(union):
    """A union that has given tables keeps their columns, which are pandas'."""
    columns = vars(union).get(_COLUMNS, ())
    if not any(isinstance(names, pd.Index) for names in columns):
        return union
    union = copy(union)
    setattr(union, _COLUMNS, [np.asarray(names, dtype=object) for names in columns])
    return union
