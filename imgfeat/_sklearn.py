"""The one file that imports scikit-learn's private names.

Everything else in imgfeat imports these from here, so a scikit-learn upgrade
is a one-file change.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from pandas.api.extensions import ExtensionArray
from sklearn.base import _fit_context
from sklearn.ensemble._base import _BaseHeterogeneousEnsemble as BaseEnsembleOfNamed
from sklearn.model_selection._search import BaseSearchCV
from sklearn.utils import _safe_indexing
from sklearn.utils._param_validation import (
    HasMethods,
    Hidden,
    Interval,
    Options,
    RealNotInt,
    StrOptions,
    validate_params,
)
from sklearn.utils._set_output import _get_output_config as output_config
from sklearn.utils._set_output import _wrap_data_with_container as wrap_output
from sklearn.utils.multiclass import _check_partial_fit_first_call as is_first_call
from sklearn.utils.validation import _check_sample_weight as check_sample_weight

Method = TypeVar("Method", bound=Callable[..., Any])

# scikit-learn has no types: as it is, whatever it decorates would be anything.
fit_context: Callable[..., Callable[[Method], Method]] = _fit_context

__all__ = [
    "BaseEnsembleOfNamed",
    "BaseSearchCV",
    "HasMethods",
    "Hidden",
    "Interval",
    "Options",
    "RealNotInt",
    "StrOptions",
    "ask_output",
    "check_sample_weight",
    "columns_by_place",
    "fit_context",
    "is_first_call",
    "is_fitted_on_matrix",
    "output_config",
    "safe_indexing",
    "validate_params",
    "wrap_output",
]


def safe_indexing(X, indices):
    """Take some rows of X, of whatever kind it is.

    scikit-learn would index what pandas keeps text in, as in ``series.values``, as an
    array of several axes.
    """
    if isinstance(X, ExtensionArray):
        X = np.asarray(X, dtype=object)
    return _safe_indexing(X, indices)


def columns_by_place(transformer):
    """The places of the columns that go to each part of a fitted ColumnTransformer.

    scikit-learn 1.6 warns whoever reads those of the remainder in ``transformers_``.
    """
    return transformer._transformer_to_input_indices


def ask_output(estimator, transform):
    """Note what `estimator` is asked to return, for `output_config` and ``clone``.

    For those that scikit-learn's own ``set_output`` would put into tables of numbers.
    """
    if transform is not None:
        estimator._sklearn_output_config = {"transform": transform}


def is_fitted_on_matrix(classifier):
    """Whether one of scikit-learn's was fitted on several labels a row.

    Of those that keep no sign of it but in how they have encoded the labels.
    """
    binarizer = getattr(classifier, "_label_binarizer", None)
    return getattr(binarizer, "y_type_", "") == "multilabel-indicator"
