"""An order of rows of which every beginning is like the whole."""

import numpy as np


def stratified_order(rows, y):
    """Rows in an order of which every beginning has the classes in the same shares.

    Parameters
    ----------
    rows : ndarray of int
    y : ndarray of shape (n_images,), or (n_images, n_classes)
        Classes of all rows, those that are not in `rows` too. Of several labels an
        image, each combination counts as a class.

    Returns
    -------
    ndarray of int
        The same for the same rows and classes.
    """
    rng = np.random.default_rng(0)
    rows = rng.permutation(rows)
    _, labels = np.unique(y[rows], return_inverse=True, axis=0)
    labels = labels.ravel()
    counts = np.bincount(labels)
    rank = np.empty(len(rows))
    for label, count in enumerate(counts):
        # Of combinations many come once, and must not all stand in the middle.
        first = 0.5 if y.ndim == 1 else rng.uniform()
        rank[labels == label] = (np.arange(count) + first) / count
    return rows[np.argsort(rank, kind="stable")]
