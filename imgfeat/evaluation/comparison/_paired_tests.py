"""Whether one classifier is better than another, from their scores on the same folds.

Folds share most of what they train on, so their scores vary together, and a plain
t-test finds differences where there are none.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats


@dataclass(frozen=True)
class PairedTest:
    """What two classifiers' scores on the same folds say.

    Attributes
    ----------
    difference : float
        Mean of left minus right.
    p_value : float
        Of a difference this large, either way, if there is none.
    left_better, equal, right_better : float
        Probabilities that left is better by more than `rope`, that the two differ by
        less, that right is. They add up to 1.
    """

    difference: float
    p_value: float
    left_better: float
    equal: float
    right_better: float


def paired_test(left, right, *, n_train, n_test, rope=0.01):
    """Compare two classifiers by the corrected resampled t-test.

    Parameters
    ----------
    left, right : array-like of shape (n_folds,)
        Scores on the same folds, repeated ones too; folds where one is NaN are left
        out.
    n_train, n_test : float
        Images that a fold trains on and is tested on, on average.
    rope : float, default=0.01
        Differences below it are of no practical consequence.

    Returns
    -------
    PairedTest
        All NaN with fewer than two folds.

    Notes
    -----
    The variance of the mean difference is that of the folds times
    ``1 / n_folds + n_test / n_train`` [1]_. The posterior of the difference is the t
    distribution of the same location, scale and degrees of freedom [2]_. Where all
    folds differ by the same, that difference is taken for certain.

    References
    ----------
    .. [1] C. Nadeau and Y. Bengio, "Inference for the generalization error", Machine
       Learning 52, 2003, :doi:`10.1023/A:1024068626366`.
    .. [2] G. Corani and A. Benavoli, "A Bayesian approach for comparing cross-validated
       algorithms on multiple data sets", Machine Learning 100, 2015,
       :doi:`10.1007/s10994-015-5486-z`.
    """
    differences = np.subtract(left, right, dtype=np.float64)
    differences = differences[np.isfinite(differences)]
    n = len(differences)
    if n < 2:
        return PairedTest(*[np.nan] * 5)
    mean = differences.mean()
    variance = differences.var(ddof=1)
    if variance <= np.finfo(np.float64).eps ** 2:
        is_left, is_right = mean > rope, mean < -rope
        is_equal = not (is_left or is_right)
        p_value = 1.0 if abs(mean) <= np.finfo(np.float64).eps else 0.0
        return PairedTest(mean, p_value, *map(float, (is_left, is_equal, is_right)))
    scale = np.sqrt(variance * (1 / n + n_test / n_train))
    p_value = 2 * stats.t.sf(abs(mean) / scale, n - 1)
    below, above = stats.t.cdf([-rope, rope], n - 1, loc=mean, scale=scale)
    return PairedTest(*map(float, (mean, p_value, 1 - above, above - below, below)))
