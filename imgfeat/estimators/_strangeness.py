"""How far images lie from those that were learned from."""

import numpy as np
from sklearn.neighbors import NearestNeighbors


def choose_references(labels, n_most, rng):
    """Rows to measure from: all, or as many of each class as of the others.

    Parameters
    ----------
    labels : ndarray of int of shape (n_samples,)
    n_most : int
    rng : RandomState

    Returns
    -------
    ndarray of int, sorted
    """
    if len(labels) <= n_most:
        return np.arange(len(labels))
    rows = rng.permutation(len(labels))
    turn = np.empty(len(rows), dtype=np.intp)  # of each row within its class
    for label in np.unique(labels):
        place = np.flatnonzero(labels[rows] == label)
        turn[place] = np.arange(len(place))
    return np.sort(rows[np.argsort(turn, kind="stable")[:n_most]])


def fit_neighbors(features, n_neighbors):
    """Neighbours among `features`, (n_references, n_features), of unit length."""
    n_neighbors = min(n_neighbors, len(features))
    return NearestNeighbors(n_neighbors=n_neighbors, algorithm="brute").fit(
        unit_rows(features)
    )


def distances(neighbors, features):
    """Mean distance to the nearest references, (n_samples,), from 0 to 2."""
    return neighbors.kneighbors(unit_rows(features))[0].mean(axis=1)


def distances_among(neighbors):
    """The same for the references, each to the others."""
    n_others = neighbors.n_samples_fit_ - 1
    n_neighbors = min(neighbors.n_neighbors, n_others)
    return neighbors.kneighbors(n_neighbors=n_neighbors)[0].mean(axis=1)


def unit_rows(features):
    """Rows of Euclidean length 1, float32; a row of zeros stays one."""
    lengths = np.linalg.norm(features.astype(np.float64), axis=1, keepdims=True)
    return (features / np.where(lengths > 0, lengths, 1)).astype(np.float32)
