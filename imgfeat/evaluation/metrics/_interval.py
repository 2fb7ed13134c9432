"""Intervals of shares, and of what was measured in draws."""

import numpy as np
from scipy.special import ndtri


def wilson_interval(hits, counts, level=0.95):
    """Wilson's interval of a share; it has a width even where nothing is wrong.

    Parameters
    ----------
    hits, counts : array-like of float
    level : float, default=0.95

    Returns
    -------
    low, high : ndarray

    References
    ----------
    Wilson (1927), Probable inference, the law of succession, and statistical inference.
    doi:10.1080/01621459.1927.10502953
    """
    hits, counts = np.asarray(hits, float), np.asarray(counts, float)
    z2 = ndtri((1 + level) / 2) ** 2
    middle = (hits + z2 / 2) / (counts + z2)
    half = np.sqrt(z2 * (hits * (counts - hits) / counts + z2 / 4)) / (counts + z2)
    return np.maximum(middle - half, 0), np.minimum(middle + half, 1)


def percentile_interval(draws, level):
    """Ends of the middle `level` of draws; NaN where there are none.

    Parameters
    ----------
    draws : ndarray of shape (n_draws,)
        None of them NaN.
    level : float

    Returns
    -------
    ndarray of shape (2,)
    """
    if not len(draws):
        return np.full(2, np.nan)
    return np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
