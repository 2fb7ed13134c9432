"""Estimators that take arrays and give them, for those who compute with arrays."""

from copy import copy

from sklearn.compose import ColumnTransformer

from imgfeat._nesting import replace_nested
from imgfeat._sklearn import output_config

_NAMES = "feature_names_in_"


def on_arrays(estimator):
    """An estimator of the same answers that takes arrays and gives them.

    Whatever tables it was fitted on, and whatever ``set_output`` or scikit-learn's
    setting ``transform_output`` say. What changes is copied, fitted or not.
    """
    return replace_nested(estimator, _on_arrays)


def _on_arrays(estimator):
    output = output_config("transform", estimator)["dense"]
    gives_tables = output != "default" and hasattr(estimator, "set_output")
    # What finds columns by their names is given a table, whatever it gives.
    has_names = _NAMES in vars(estimator) and not isinstance(
        estimator, ColumnTransformer
    )
    if not gives_tables and not has_names:
        return estimator
    plain = copy(estimator)
    plain._sklearn_output_config = {"transform": "default"}
    if has_names:
        delattr(plain, _NAMES)
    return plain
