"""The same scores in each group of the images: a camera, a patient, a year."""

import numpy as np
import pandas as pd

from imgfeat._frames import make_frame, make_index
from imgfeat.evaluation.metrics._interval import wilson_interval
from imgfeat.evaluation.metrics._scores import count_scores

_SHOWN = ("accuracy", "balanced_accuracy", "f1_macro")


def score_groups(outcome, groups):
    """A row a group, the least accurate first.

    Parameters
    ----------
    outcome : Outcome
    groups : array-like of shape (n_images,)
        None and NaN are a group of their own.

    Returns
    -------
    DataFrame
        ``n_images``, ``accuracy`` with the ends ``low`` and ``high`` of its 95 % Wilson
        interval, ``balanced_accuracy``, ``f1_macro``.
    """
    weights, names = weigh_groups(groups)
    scores = count_scores(outcome, weights)
    counts = weights.sum(axis=1)
    table = make_frame(
        {"n_images": counts} | {name: scores[name] for name in _SHOWN},
        index=make_index(names, name="group"),
    )
    low, high = wilson_interval(table["accuracy"] * counts, counts)
    table.insert(2, "low", low)
    table.insert(3, "high", high)
    return table.sort_values("accuracy", kind="stable")


def weigh_groups(groups):
    """Let the images of each group count once, and no others.

    Parameters
    ----------
    groups : array-like of shape (n_images,)

    Returns
    -------
    weights : ndarray of int of shape (n_groups, n_images)
    names : ndarray of shape (n_groups,)
        None and NaN are a group of their own.
    """
    code, names = pd.factorize(np.asarray(groups), use_na_sentinel=False)
    return (code == np.arange(len(names))[:, np.newaxis]).astype(np.int32), names
