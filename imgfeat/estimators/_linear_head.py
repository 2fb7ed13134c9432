"""The head of a pretrained net as a logistic regression on its features."""

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

# Of standardized features; mild enough to leave something to learn.
_C = 0.01


@torch.no_grad()
def fit_head(net, data, autocast):
    """Fit the head of a net on what its frozen body makes of the images.

    Parameters
    ----------
    net : TrainableNet
    data : TrainingData
        Seen once, as in prediction.
    autocast : context manager
    """
    net.eval()
    features, targets, weights = [], [], []
    with autocast:
        for inputs, some in data.evaluation_batches():
            features.append(net.features(inputs["images"]).float().cpu().numpy())
            targets.append(some.cpu().numpy())
            if "weights" in inputs:
                weights.append(inputs["weights"].cpu().numpy())
    X, y = np.concatenate(features), np.concatenate(targets)
    scaler = StandardScaler().fit(X)
    regression = LogisticRegression(C=_C, max_iter=1000)
    sample_weight = np.concatenate(weights) if weights else None
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
