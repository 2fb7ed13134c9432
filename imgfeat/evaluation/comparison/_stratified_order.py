"""An order of rows of which every beginning is like the whole."""

import numpy as np


def stratified_order(rows, y):
    """Rows in an order of which every beginning has the classes in the same shares.

    Parameters
    ----------
    rows : ndarray of int
    y : ndarray
        Classes of all rows, those that are not in `rows` too.

    Returns
    -------
    ndarray of int
        The same for the same rows and classes.
    """
    rows = np.random.default_rng(0).permutation(rows)
    _, labels = np.unique(y[rows], return_inverse=True)
    counts = np.bincount(labels)
    rank = np.empty(len(rows))
    for label, count in enumerate(counts):
        rank[labels == label] = (np.arange(count) + 0.5) / count
    return rows[np.argsort(rank, kind="stable")]
