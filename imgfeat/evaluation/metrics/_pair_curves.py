"""How many pairs of one person, and of two, pass at every threshold."""

import numpy as np


class PairCurves:
    """Rates of pairs that pass, of pairs that may count more than others.

    Parameters
    ----------
    similarity : ndarray of shape (n_pairs,)
    same : ndarray of bool of shape (n_pairs,)

    Attributes
    ----------
    thresholds : ndarray of shape (n_thresholds,)
        Distinct similarities from the highest on; what is as high or higher passes.
    """

    def __init__(self, similarity, same):
        self._order = np.argsort(-similarity, kind="stable")
        self._same = same[self._order]
        falling = similarity[self._order]
        # Equals pass together.
        self._ends = np.append(np.flatnonzero(np.diff(falling)), len(falling) - 1)
        self.thresholds = falling[self._ends]

    def rates(self, weights):
        """Shares of the different and of the same that pass, at every threshold.

        Parameters
        ----------
        weights : ndarray of shape (n_pairs,)

        Returns
        -------
        false_accepts, true_accepts : ndarray of shape (n_thresholds + 1,)
            From 0, where nothing passes, to 1. NaN where there are no such pairs.
        """
        weights = weights[self._order].astype(float)
        with np.errstate(invalid="ignore"):
            return (
                self._share(np.where(self._same, 0, weights)),
                self._share(np.where(self._same, weights, 0)),
            )

    def _share(self, weights):
        passed = np.cumsum(weights)[self._ends]
        return np.concatenate([[0], passed]) / passed[-1]


def area(false_accepts, true_accepts):
    """Area under the curve: how often one of the same is more alike than another."""
    return float(np.trapezoid(true_accepts, false_accepts))


def equal_error_rate(false_accepts, true_accepts):
    """Share that is wrong where as many of the same fail as of the different pass."""
    gap = false_accepts - (1 - true_accepts)
    if np.isnan(gap[-1]):
        return np.nan
    after = int(np.argmax(gap >= 0))
    before = after - 1  # nothing passes at first, so the gap begins at -1
    part = gap[before] / (gap[before] - gap[after])
    step = false_accepts[after] - false_accepts[before]
    return float(false_accepts[before] + part * step)


def true_accepts_at(rate, false_accepts, true_accepts):
    """Share of the same that pass where no more than `rate` of the different do."""
    if np.isnan(false_accepts[-1]):
        return np.nan
    place = np.searchsorted(false_accepts, rate + 1e-12, side="right") - 1
    return float(true_accepts[place])
