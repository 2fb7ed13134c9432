"""Intervals of metrics: the images drawn again and again, with replacement."""

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state

from imgfeat.evaluation.metrics._interval import percentile_interval

MAX_CELLS = 1 << 24  # counts that are held at a time
MAX_RANKED = 1 << 29  # images times classes times draws; each takes below 1 ns
_UNBIASED = ("log_loss", "brier", "cohen_kappa", "matthews")  # or as good as that


def bootstrap_intervals(
    score, rank, measured, *, n_images, n_ranked, n_resamples, level, random_state
):
    """Percentile intervals of all metrics.

    A draw leaves out more than a third of the classes with one image, so that means
    over many small classes may all come out on one side of what was measured. Such an
    interval is moved, the middle of the draws to the value.

    Parameters
    ----------
    score : callable
        From ``weights`` of shape (n_weightings, n_images), how often each image counts,
        to a dict of {str: ndarray of shape (n_weightings,)}.
    rank : callable or None
        The same, of the metrics of ranking, which take long.
    measured : mapping of str to float
        The metrics of the images as they are.
    n_images, n_ranked : int
        Images, and columns of scores that are ranked.
    n_resamples : int
        Draws. Metrics of ranking have fewer, but 100 at least, where there are so many
        images and classes that they would take minutes.
    level : float
        Share of the draws inside of an interval.
    random_state : int, RandomState or None

    Returns
    -------
    DataFrame
        A row a metric: ``low``, ``high``, ``n_resamples``.
    """
    rng = check_random_state(random_state)
    n_draws_ranked = min(n_resamples, max(100, MAX_RANKED // (n_images * n_ranked)))
    drawn = {}
    n_done = 0
    while n_done < n_resamples:
        size = max(1, min(n_resamples - n_done, MAX_CELLS // n_images))
        weights = np.stack([draw_counts(rng, n_images) for _ in range(size)])
        scores = score(weights)
        if rank is not None and n_done < n_draws_ranked:
            scores |= rank(weights[: n_draws_ranked - n_done])
        for name, values in scores.items():
            drawn.setdefault(name, []).append(values)
        n_done += size
    rows = {}
    for name, parts in drawn.items():
        found = np.concatenate(parts)
        found = found[~np.isnan(found)]
        low, high = percentile_interval(found, level)
        if len(found) and name not in _UNBIASED and not low <= measured[name] <= high:
            moved = np.array([low, high]) + measured[name] - np.median(found)
            low, high = moved.clip(0, 1)
        rows[name] = {"low": low, "high": high, "n_resamples": len(found)}
    return pd.DataFrame.from_dict(rows, orient="index")


def draw_counts(rng, n_things):
    """How often each thing is drawn: a multinomial count, faster than by its name."""
    drawn = rng.randint(n_things, size=n_things)
    return np.bincount(drawn, minlength=n_things).astype(np.int32)
