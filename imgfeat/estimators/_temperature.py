"""Turn decisions into probabilities that are as sure as they are right."""

import numpy as np
from scipy.optimize import brentq
from scipy.special import softmax

# Bounds of the scale, in units of one over the spread of the decisions.
_LEAST, _MOST = 1e-3, 1e4


def fit_temperature(decisions, labels, weights):
    """Fit the scale at which a softmax of held-out decisions has the least log loss.

    Parameters
    ----------
    decisions : ndarray of shape (n_samples, n_classes)
        Of rows that had no part in the fit that decided.
    labels : ndarray of int of shape (n_samples,)
        Column of the right class.
    weights : ndarray of shape (n_samples,)

    Returns
    -------
    float
        Positive, so that the order of the classes is kept.

    Notes
    -----
    The loss is convex, and its slope a monotone function of one number, so the root of
    the slope is found by Brent's method. Labels count as right with probability
    (n + 1) / (n + 2), as in Platt's paper for one class: without it the scale of
    decisions that are all right would be infinite.
    """
    n_samples, n_classes = decisions.shape
    spread = decisions.std()
    if spread == 0:
        return 1.0
    wrong = 1 / (n_samples + 2)
    scaled = decisions / spread
    right = scaled[np.arange(n_samples), labels]
    others = (scaled.sum(axis=1) - right) / (n_classes - 1)
    wanted = (1 - wrong) * right + wrong * others

    def slope(log_scale):
        shares = softmax(np.exp(log_scale) * scaled, axis=1)
        return weights @ (np.einsum("nk,nk->n", shares, scaled) - wanted)

    low, high = np.log(_LEAST), np.log(_MOST)
    if slope(low) >= 0:  # decisions that say nothing: nearly even probabilities
        best = low
    elif slope(high) <= 0:
        best = high
    else:
        best = brentq(slope, low, high, xtol=1e-6)
    return float(np.exp(best) / spread)


def fit_temperatures(decisions, labels, weights):
    """`fit_temperature` of each of several labels by itself.

    Parameters
    ----------
    decisions : ndarray of shape (n_samples, n_classes)
        Above 0 for rows that have the label.
    labels : ndarray of shape (n_samples, n_classes)
        0 and 1.
    weights : ndarray of shape (n_samples,)

    Returns
    -------
    ndarray of shape (n_classes,)
    """
    return np.array(
        [
            fit_temperature(both_sides(of_label), has_it, weights)
            for of_label, has_it in zip(decisions.T, labels.T, strict=True)
        ]
    )


def probabilities(decisions, scale):
    """Softmax of the scaled decisions, (n_samples, n_classes); rows sum to 1."""
    return softmax(scale * decisions, axis=1)


def both_sides(decisions):
    """Decisions for the second of two classes, as decisions for each of them."""
    return np.stack([-decisions, decisions], axis=1) / 2
