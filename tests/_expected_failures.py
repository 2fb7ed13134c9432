"""Every scikit-learn check that an estimator of ours fails, and why.

This list only shrinks: at most two entries an estimator beyond those that
scikit-learn expects of its own Pipeline (a test counts them).
"""

from sklearn.utils import get_tags

# Pipeline fits its steps in place, whatever the steps are; scikit-learn expects the
# same two failures of its own Pipeline.
OF_PIPELINE = {
    "check_dont_overwrite_parameters": "Pipeline fits its steps in place",
    "check_estimators_overwrite_params": "Pipeline fits its steps in place",
}

# Pipeline is fitted if its last step is, and a transformer that learns nothing always
# is, for scikit-learn.
OF_STATELESS = {
    "check_fit_check_is_fitted": "Pipeline asks its last step, which needs no fit",
}

OF_ESTIMATORS: dict[str, dict[str, str]] = {
    "CNNClassifier": {  # not of trainable="all", which has no head of this kind
        "check_sample_weight_equivalence_on_dense_data": (
            "equal to five digits, which the solver of the first head leaves"
        ),
    },
    "LinearProbe": {
        "check_sample_weight_equivalence_on_dense_data": (
            "cv takes a number or a splitter, and the check gives a list of rows"
        ),
    },
    "PrototypeClassifier": {
        "check_sample_weight_equivalence_on_dense_data": (
            "a row of weight 2 is left out as a whole, a row twice one by one"
        ),
    },
    "RidgeProbe": {
        "check_sample_weight_equivalence_on_dense_data": (
            "a row of weight 2 is left out as a whole, a row twice one by one"
        ),
        "check_fit_score_takes_y": (
            "partial_fit after fit is refused, for fit keeps no sums to add to"
        ),
    },
}


def expected_failures(estimator):
    """The checks that `estimator` may fail behind the adapter."""
    stateless = {} if get_tags(estimator).requires_fit else OF_STATELESS
    return OF_PIPELINE | stateless | OF_ESTIMATORS.get(type(estimator).__name__, {})
