"""What features made of histograms share: how a histogram is normalized."""

import numpy as np

NORMALIZATIONS = frozenset({"l1", "sqrt", "l2"})


def normalize_histograms(counts, normalize):
    """Normalize histograms along the last axis.

    Parameters
    ----------
    counts : ndarray of shape (n_samples, ..., n_bins), integers
        No histogram is empty.
    normalize : {"l1", "sqrt", "l2"} or None
        To the sum 1, to the square roots of that, to the length 1, or not at all.

    Returns
    -------
    ndarray of shape (n_samples, n_features), float32
    """
    histograms = counts.astype(np.float32)
    if normalize == "l2":
        histograms /= np.linalg.norm(histograms, axis=-1, keepdims=True)
    elif normalize is not None:
        histograms /= histograms.sum(axis=-1, keepdims=True)
    if normalize == "sqrt":
        np.sqrt(histograms, out=histograms)
    return histograms.reshape(len(histograms), -1)
