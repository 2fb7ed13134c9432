"""The threshold of each label: the one place where it is chosen."""

import numpy as np

HALF = 0.5  # above it, a probability means yes


def best_thresholds(scores, true):
    """For each label the threshold of highest F1; images above it are said to have it.

    Parameters
    ----------
    scores : ndarray of shape (n_images, n_classes)
        Probabilities, or decision values, of images that were not fitted on.
    true : ndarray of bool of shape (n_images, n_classes)

    Returns
    -------
    ndarray of shape (n_classes,)
        Half way between two scores, so that neither is at its edge; of equals the
        highest. NaN of a label that no image has.
    """
    columns = zip(scores.T, true.T, strict=True)
    return np.array([_best(of_label, has_it) for of_label, has_it in columns])


def _best(scores, has_it):
    if not has_it.any():
        return np.nan
    order = np.argsort(-scores, kind="stable")
    in_order = scores[order].astype(float)
    is_last = np.append(in_order[:-1] != in_order[1:], True)
    found = np.cumsum(has_it[order])[is_last]
    n_above = np.flatnonzero(is_last) + 1
    f1 = 2 * found / (n_above + has_it.sum())
    above = in_order[is_last]
    # Below the lowest there is no score: as far below as the next is above.
    below = np.append(above[1:], above[-1] - 1e-6 * max(1.0, abs(above[-1])))
    best = f1.argmax()
    return float((above[best] + below[best]) / 2)
