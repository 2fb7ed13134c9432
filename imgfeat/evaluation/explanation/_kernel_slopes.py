"""Derivatives of a support vector machine with a Gaussian kernel."""

import numpy as np
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.preprocessing import Normalizer
from sklearn.svm import SVC, NuSVC

from imgfeat.estimators._linear_form import NotLinearError, pull_back


def kernel_slopes(steps, row, column):
    """Derivatives of its decision at a row, of two classes.

    Parameters
    ----------
    steps : list of fitted estimator
        Linear transformers, and the machine at the end.
    row : ndarray of shape (n_features,), float64
    column : int
        The class whose decision is asked for.

    Returns
    -------
    ndarray of shape (n_features,), or None of other steps
    """
    *transformers, head = steps
    is_known = isinstance(head, SVC | NuSVC) and head.kernel == "rbf"
    if not is_known or len(head.classes_) != 2 or not hasattr(head, "support_vectors_"):
        return None
    if any(isinstance(step, Normalizer) for step in transformers):
        return None  # its divisor changes with the row

    def slopes_of(rows):
        vectors, gamma = head.support_vectors_, head._gamma
        parts = rbf_kernel(rows, vectors, gamma=gamma) * head.dual_coef_
        slopes = 2 * gamma * (parts @ vectors - parts.sum(axis=1, keepdims=True) * rows)
        return slopes if column == 1 else -slopes

    try:
        slopes, _ = pull_back(transformers, row[None], slopes_of)
    except NotLinearError:
        return None
    return np.asarray(slopes)[0]
