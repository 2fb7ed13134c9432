"""A bound from held-out values that a stated share of new ones stays below."""

import math

import numpy as np


def rows_needed(alpha):
    """How many held-out values a bound needs that a share `alpha` may exceed."""
    return max(1, math.ceil(1 / alpha - 1 - 1e-9))


def upper_bound(values, alpha, weights):
    """The smallest of `values` that a new one exceeds in at most `alpha` of the cases.

    Parameters
    ----------
    values : ndarray of shape (n_values,)
        At least `rows_needed`.
    alpha : float in (0, 1)
    weights : ndarray of shape (n_values,)
        Positive; a new value counts as much as the mean of them.

    Returns
    -------
    float

    Notes
    -----
    The new value is one more draw, of unknown rank among ``n + 1``, so the bound is the
    value of rank ``ceil((1 - alpha) * (n + 1))`` (Vovk, Gammerman and Shafer,
    "Algorithmic learning in a random world", 2005); with weights, that of Tibshirani et
    al. (2019), :doi:`10.48550/arXiv.1904.06019`, for a test point of mean weight.
    """
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order]) / weights.mean()
    needed = (1 - alpha) * (len(values) + 1) - 1e-9
    rank = np.searchsorted(reached, needed)
    # At `rows_needed` exactly, rounding may leave the sum just below.
    return float(values[order[min(rank, len(values) - 1)]])
