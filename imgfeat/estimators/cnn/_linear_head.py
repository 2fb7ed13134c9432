"""The head of a pretrained net as a logistic regression on its features."""

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from imgfeat._on_arrays import on_arrays

# Of standardized features; of 0.001, 0.01 and 0.1 the least log loss in
# cross-validation on 245 photographs, at six resolutions.
_C = 0.1


@torch.no_grad()
def frozen_features(net, data, autocast, team):
    """What the body of a net makes of images, as in prediction.

    Parameters
    ----------
    net : TrainableNet
    data : TrainingData
    autocast : context manager
    team : Alone or Launched
        Each process does its share, and all get all of it.

    Returns
    -------
    features : ndarray of shape (n_images, n_features), float32
    rows : ndarray of shape (n_images,), int
        Those of `data`, but for images that could not be read; sorted.
    """
    net.eval()
    features, rows = [], []
    with autocast:
        for inputs, _ in data.evaluation_batches():
            features.append(net.features(inputs["images"]).float().cpu().numpy())
            rows.append(inputs["rows"].numpy())
    if not rows and team.size > 1:  # an empty share
        features, rows = [np.empty((0, net.head.in_features), np.float32)], [[]]
    X, index = team.gather(np.concatenate(features)), team.gather(np.concatenate(rows))
    order = np.argsort(index)
    return X[order], index[order].astype(np.intp)


@torch.no_grad()
def fit_head(net, X, y, sample_weight=None):
    """Set the head of a net to a logistic regression on features of its body.

    Parameters
    ----------
    net : TrainableNet
    X : ndarray of shape (n_images, n_features)
    y : ndarray of shape (n_images,), int; or (n_images, n_classes) of 0 and 1
        Of several labels, each is a regression of its own.
    sample_weight : ndarray of shape (n_images,), optional
        An image of weight 2 counts as two. Of several labels, perhaps one a label.
    """
    of_images = sample_weight
    if of_images is not None and of_images.ndim == 2:
        of_images = of_images.mean(axis=1)
    scaler = on_arrays(StandardScaler()).fit(X, sample_weight=of_images)
    if y.ndim == 2:
        _fit_each(net, scaler, X, y, sample_weight)
        return
    regression = LogisticRegression(C=_C, max_iter=1000)
    regression.fit(scaler.transform(X), y, sample_weight=sample_weight)
    slopes, intercepts = regression.coef_, regression.intercept_
    if len(slopes) == 1:  # of two classes, the second's advantage
        slopes, intercepts = (
            np.vstack([-slopes, slopes]) / 2,
            np.r_[-1, 1] * intercepts / 2,
        )
    # The scaler's part goes into the head.
    slopes = slopes / scaler.scale_
    intercepts = intercepts - slopes @ scaler.mean_
    # Classes that are not among these images keep a head of zeros.
    net.head.weight[regression.classes_] = torch.from_numpy(slopes).to(net.head.weight)
    net.head.bias[regression.classes_] = torch.from_numpy(intercepts).to(net.head.bias)


def _fit_each(net, scaler, X, y, sample_weight):
    """A logistic regression a label; one that all have, or none, keeps zeros."""
    X = scaler.transform(X)
    for place, has_it in enumerate(y.T):
        if has_it.min() == has_it.max():
            continue
        weights = sample_weight
        if weights is not None and weights.ndim == 2:
            weights = weights[:, place]
        regression = LogisticRegression(C=_C, max_iter=1000)
        regression.fit(X, has_it, sample_weight=weights)
        slopes = regression.coef_[0] / scaler.scale_
        intercept = regression.intercept_[0] - slopes @ scaler.mean_
        net.head.weight[place] = torch.from_numpy(slopes).to(net.head.weight)
        net.head.bias[place] = float(intercept)
