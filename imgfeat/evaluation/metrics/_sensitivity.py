"""How many of the wanted class are found where most of the others are left alone."""

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state

from imgfeat._frames import make_series
from imgfeat.evaluation.metrics._bootstrap import draw_counts
from imgfeat.evaluation.metrics._interval import percentile_interval
from imgfeat.evaluation.metrics._pair_curves import PairCurves, true_accepts_at

_NAMES = ["sensitivity", "low", "high", "specificity", "threshold"]


def sensitivity_at(
    specificity, scores, positive, groups, *, n_resamples, level, random_state
):
    """Sensitivity at a specificity, with an interval over groups.

    Parameters
    ----------
    specificity : float
        Between 0 and 1.
    scores : ndarray of shape (n_images,)
        Of the class that is looked for.
    positive : ndarray of bool of shape (n_images,)
        Which images are of it.
    groups : array-like of shape (n_images,) or None
        What is drawn with replacement; None draws images. None and NaN among them are a
        group of their own.
    n_resamples : int
    level : float
    random_state : int, RandomState or None

    Returns
    -------
    Series
        ``sensitivity``, ``low``, ``high``, ``specificity`` (what is reached) and
        ``threshold``, from which on an image is found; infinite where none is. All NaN
        where a class has no image.
    """
    curves = PairCurves(scores, positive)
    n_images = len(scores)
    code = np.arange(n_images)
    if groups is not None:
        code = pd.factorize(np.asarray(groups), use_na_sentinel=False)[0]
    rng = check_random_state(random_state)
    false_alarms, found = curves.rates(np.ones(n_images))
    allowed = 1 - specificity
    drawn = np.array(
        [
            true_accepts_at(
                allowed, *curves.rates(draw_counts(rng, code.max() + 1)[code])
            )
            for _ in range(n_resamples)
        ]
    )
    low, high = percentile_interval(drawn[~np.isnan(drawn)], level)
    sensitivity = true_accepts_at(allowed, false_alarms, found)
    if np.isnan(sensitivity):
        return make_series(np.nan, index=_NAMES)
    # Of thresholds that find the same the highest: it lets the fewest others pass.
    place = int(np.argmax(found >= sensitivity))
    threshold = np.inf if place == 0 else curves.thresholds[place - 1]
    values = [sensitivity, low, high, 1 - false_alarms[place], threshold]
    return make_series(values, index=_NAMES)
