"""scikit-learn's estimator checks, for estimators that take images.

``parametrize_with_checks`` only warns about an estimator tagged ``two_d_array=False``,
and passes. So its checks run here in two parts: those that need no data on the bare
estimator, the rest behind an adapter that folds any 2-D X into square images.
"""

import math

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin, clone
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_checks as checks
from sklearn.utils.validation import check_is_fitted, validate_data

from tests._expected_failures import expected_failures

WITHOUT_DATA = [
    checks.check_do_not_raise_errors_in_init_or_set_params,
    checks.check_estimator_cloneable,
    checks.check_estimator_repr,
    checks.check_get_params_invariance,
    checks.check_mixin_order,
    checks.check_no_attributes_set_in_init,
    checks.check_param_validation,
    checks.check_parameters_default_constructible,
    checks.check_set_params,
    checks.check_valid_tag_types,
]

# All that scikit-learn of this version asks of weights. Sparse images there are none.
OF_WEIGHTS = [
    check
    for name, check in vars(checks).items()
    if name.startswith("check_") and "sample_weight" in name and "sparse" not in name
]


class PadToSquare(TransformerMixin, BaseEstimator):
    """Fold rows of any length into the smallest square, at least `min_side` wide.

    `unit_range` squeezes values into 0..1, for estimators that refuse other floats.
    """

    def __init__(self, min_side=4, unit_range=False):
        self.min_side = min_side
        self.unit_range = unit_range

    def fit(self, X, y=None):
        validate_data(self, X, dtype=[np.float64, np.float32])
        return self

    def transform(self, X):
        check_is_fitted(self)
        X = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        if self.unit_range:
            X = 0.5 + np.arctan(X) / np.pi
        side = self._side()
        square = np.zeros((len(X), side * side), dtype=X.dtype)
        square[:, : X.shape[1]] = X
        return square.reshape(len(X), side, side)

    def get_feature_names_out(self, input_features=None):
        return np.asarray([f"pixel{i}" for i in range(self._side() ** 2)], dtype=object)

    def _side(self):
        return max(self.min_side, math.isqrt(self.n_features_in_ - 1) + 1)


class Folded(ClassifierMixin, BaseEstimator):
    """A classifier of images, of rows folded by `PadToSquare`; passes weights on.

    Pipeline's ``fit`` takes no ``sample_weight``, so scikit-learn skips what it would
    check of the weights of a classifier `behind_adapter`.
    """

    def __init__(self, classifier, unit_range=False):
        self.classifier = classifier
        self.unit_range = unit_range

    def fit(self, X, y, sample_weight=None):
        self.fold_ = PadToSquare(unit_range=self.unit_range)
        images = self.fold_.fit_transform(X)
        self.classifier_ = clone(self.classifier).fit(images, y, sample_weight)
        self.classes_ = self.classifier_.classes_
        return self

    def predict(self, X):
        check_is_fitted(self)
        return self.classifier_.predict(self.fold_.transform(X))

    def predict_proba(self, X):
        check_is_fitted(self)
        return self.classifier_.predict_proba(self.fold_.transform(X))


def behind_adapter(estimator, *, min_side=4, unit_range=False):
    """Return a pipeline that lets `estimator` take scikit-learn's 2-D test data."""
    return make_pipeline(PadToSquare(min_side, unit_range), estimator)


def expected_to_fail(pipeline):
    """The checks that may fail behind the adapter, with reasons."""
    return expected_failures(pipeline.steps[-1][1])
