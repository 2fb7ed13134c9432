"""What a model of two classes does at every threshold of its score."""

import numpy as np

from imgfeat._frames import make_frame


def threshold_table(scores, positive):
    """Scores of a yes-or-no decision at each threshold that makes a difference.

    Parameters
    ----------
    scores : ndarray of shape (n_images,)
        Of the class that is looked for.
    positive : ndarray of bool of shape (n_images,)
        Which images are of it.

    Returns
    -------
    DataFrame
        ``threshold`` (images of this score or more are found), falling; ``precision``,
        ``recall``, ``f1``, ``false_alarms`` (share of the others that are found),
        ``balanced_accuracy``. NaN where a share has no images to be of.
    """
    order = np.argsort(-scores, kind="stable")
    in_order = scores[order]
    last = np.append(in_order[:-1] != in_order[1:], True)
    hits = np.cumsum(positive[order])[last].astype(float)
    found = (np.flatnonzero(last) + 1).astype(float)
    n_positive = float(positive.sum())
    with np.errstate(invalid="ignore", divide="ignore"):
        recall = hits / n_positive
        false_alarms = (found - hits) / (len(scores) - n_positive)
    return make_frame(
        {
            "threshold": in_order[last],
            "precision": hits / found,
            "recall": recall,
            "f1": 2 * hits / (found + n_positive),
            "false_alarms": false_alarms,
            "balanced_accuracy": (recall + 1 - false_alarms) / 2,
        }
    )
