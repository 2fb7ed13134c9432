"""Rows in fewer columns, in which the same linear classifiers are learned."""

import numpy as np

from imgfeat.estimators._row_space import row_space


def products(X):
    """Products of the rows, and how slopes come from what is learned from them."""
    X = X.astype(np.float64, copy=False)

    def back(model):
        return model.dual_coef_ @ X, model.dual_coef_.sum(axis=1)

    return X @ X.T, back


def folded(X):
    """Rows in the space that they span, and how slopes come back from there."""
    components = row_space(X)
    if components is None:
        return X, lambda model: (model.coef_, model.intercept_)
    rows = X.astype(np.float64) @ components.T
    return rows, lambda model: (model.coef_ @ components, model.intercept_)
