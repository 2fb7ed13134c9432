"""Fit a pipeline, and judge by it images that it was not fitted on."""

from typing import Any, NamedTuple

import numpy as np
from sklearn.base import clone
from sklearn.neighbors import NearestNeighbors

from imgfeat._sklearn import safe_indexing
from imgfeat.estimators._held_out import held_out_parts
from imgfeat.estimators._inner_features import look_inside
from imgfeat.estimators._strangeness import (
    choose_references,
    distances,
    distances_among,
    fit_neighbors,
)
from imgfeat.estimators._wrapping import describe, split_front, take_rows


class CalibratedFit(NamedTuple):
    """A fitted pipeline, and what it makes of the images held out.

    Attributes
    ----------
    pipeline : classifier
    neighbors : NearestNeighbors
        Among the features of images that it was fitted on.
    rows : ndarray of int of shape (n_calibration,)
    scores : ndarray of shape (n_calibration, n_classes)
        As `look_inside` gives them.
    distances : ndarray of shape (n_calibration,)
    """

    pipeline: Any
    neighbors: NearestNeighbors
    rows: np.ndarray
    scores: np.ndarray
    distances: np.ndarray


def fit_and_hold_out(wanted, X, y, groups, fit_params, rng, n_needed):
    """Fit on some rows and calibrate on others; with folds, in turn.

    Parameters
    ----------
    wanted : OpenSet
        Its parameters, by which it is done.
    X, y, groups, fit_params : as in its fit
    rng : RandomState
    n_needed : int
        Rows to hold out at least.

    Returns
    -------
    CalibratedFit
    """
    seed = rng.randint(2**31 - 1)
    parts = held_out_parts(wanted.calibration, y, groups, seed, n_needed)
    front, rest = split_front(wanted.pipeline, fit_params)
    if front is not None:
        front, X = describe(front, X, len(y))

    def fit_part(train):
        params = take_rows(fit_params, train, len(y))
        model = clone(rest).fit(safe_indexing(X, train), y[train], **params)
        near = train[_references(wanted, y[train], rng)]
        features = look_inside(model, safe_indexing(X, near)).features
        return model, fit_neighbors(features, wanted.n_neighbors)

    found = []
    for train, test in parts:
        model, neighbors = fit_part(train)
        features, scores = look_inside(model, safe_indexing(X, test))
        found.append((test, scores, distances(neighbors, features)))
    if len(parts) > 1:
        model, neighbors = fit_part(np.arange(len(y)))
    if front is not None:
        model = clone(wanted.pipeline).set_params(steps=[*front.steps, *model.steps])
    held_out = map(np.concatenate, zip(*found, strict=True))
    return CalibratedFit(model, neighbors, *held_out)


def hold_all_out(wanted, X, y, rng):
    """Calibrate a frozen pipeline on all rows; parameters as of `fit_and_hold_out`."""
    model = wanted.pipeline.fit(X, y)
    features, scores = look_inside(model, X)
    kept = _references(wanted, y, rng)
    neighbors = fit_neighbors(features[kept], wanted.n_neighbors)
    distance = distances(neighbors, features)
    distance[kept] = distances_among(neighbors)  # none is a neighbour of its own
    return CalibratedFit(model, neighbors, np.arange(len(y)), scores, distance)


def _references(wanted, y, rng):
    labels = np.unique(y, return_inverse=True)[1]
    return choose_references(labels, wanted.max_references, rng)
