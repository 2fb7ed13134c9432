"""Whether a probability of 0.8 is right 8 times of 10."""

import numpy as np

from imgfeat._frames import make_frame
from imgfeat.evaluation.metrics._interval import wilson_interval

N_BINS = 10


def bin_of_equal_mass(confidence, n_bins=N_BINS):
    """Number of the bin of each value; bins hold as many values, equal ones together.

    Parameters
    ----------
    confidence : ndarray of shape (n_images,)

    Returns
    -------
    ndarray of int of shape (n_images,)
        From 0; fewer bins than `n_bins` where values are equal or few.
    """
    last = np.arange(1, n_bins) * len(confidence) // n_bins - 1
    edges = np.sort(confidence)[last[last >= 0]]
    bins = np.searchsorted(np.unique(edges), confidence, side="left")
    return np.unique(bins, return_inverse=True)[1]


def reliability_table(confidence, right, n_bins=N_BINS):
    """Accuracy of images by their probability.

    Parameters
    ----------
    confidence : ndarray of shape (n_images,)
        Probability of the predicted class.
    right : ndarray of bool of shape (n_images,)

    Returns
    -------
    DataFrame
        A row a bin: ``probability`` (its mean), ``accuracy`` with the ends ``low`` and
        ``high`` of its 95 % Wilson interval, ``n_images``.
    """
    bins = bin_of_equal_mass(confidence, n_bins)
    counts = np.bincount(bins)
    hits = np.bincount(bins, right)
    low, high = wilson_interval(hits, counts)
    return make_frame(
        {
            "probability": np.bincount(bins, confidence) / counts,
            "accuracy": hits / counts,
            "low": low,
            "high": high,
            "n_images": counts,
        }
    )


def coverage_table(confidence, right):
    """Accuracy of the surest images, for every share of them that is answered.

    Returns
    -------
    DataFrame
        ``coverage`` (the share), ``accuracy`` on it, ``threshold`` (the lowest
        confidence that is answered); images of equal confidence come together.
    """
    order = np.argsort(-confidence, kind="stable")
    surest = confidence[order]
    n_answered = np.arange(1, len(order) + 1)
    accuracy = np.cumsum(right[order]) / n_answered
    last = np.append(surest[:-1] != surest[1:], True)
    return make_frame(
        {
            "coverage": n_answered[last] / len(order),
            "accuracy": accuracy[last],
            "threshold": surest[last],
        }
    )
