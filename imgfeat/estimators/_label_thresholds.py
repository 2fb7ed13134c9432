"""The threshold of each label: the one place where it is chosen."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

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


def check_thresholds(thresholds, labels, name):
    """Thresholds that a caller gives, in the order of the labels.

    Parameters
    ----------
    thresholds : array-like of shape (n_classes,), or mapping by label
    labels : list
    name : str
        Who asks, for messages.

    Returns
    -------
    ndarray of shape (n_classes,), float64

    Raises
    ------
    ValueError
        If there is not one finite number for each label.
    """
    if isinstance(thresholds, pd.Series):
        thresholds = thresholds.to_dict()
    if isinstance(thresholds, Mapping):
        odd = [label for label in labels if label not in thresholds]
        odd += [label for label in thresholds if label not in labels]
        if odd:
            raise ValueError(
                f"{name} needs a threshold for each of the labels {labels}. Got "
                f"{list(thresholds)}; the first that does not fit is {odd[0]!r}."
            )
        thresholds = [thresholds[label] for label in labels]
    found = np.asarray(thresholds, dtype=np.float64)
    if found.shape != (len(labels),):
        raise ValueError(
            f"{name} needs a threshold for each of {len(labels)} labels. Got "
            f"thresholds of shape {found.shape}."
        )
    if len(bad := np.flatnonzero(~np.isfinite(found))):
        raise ValueError(
            f"{name} needs finite thresholds. Got {found[bad[0]]} of "
            f"{labels[bad[0]]!r}; give 0.5 where none could be chosen."
        )
    return found


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
