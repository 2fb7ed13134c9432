"""Every metric of several labels an image, for many weightings of the images at once.

All but those of ranking are linear in how often each image counts.
"""

import numpy as np

from imgfeat.evaluation.metrics._scores import ranking_of_columns, share_of

OF_COUNTS = (
    "accuracy",
    "hamming_loss",
    "precision_micro",
    "recall_micro",
    "f1_micro",
    "precision_macro",
    "recall_macro",
    "f1_macro",
    "f1_weighted",
    "f1_samples",
    "jaccard_macro",
    "jaccard_samples",
)
OF_PROBABILITIES = ("log_loss", "brier")


def label_scores(outcome, weights):
    """Scores that need no ranking; those of probabilities only where there are some.

    Parameters
    ----------
    outcome : MultiLabelOutcome
    weights : ndarray of shape (n_weightings, n_images)
        How often each image counts.

    Returns
    -------
    dict of {str: ndarray of shape (n_weightings,)}
    """
    weights = weights.astype(float)
    n = weights.sum(axis=1)
    true, predicted = outcome.true, outcome.predicted
    both = true & predicted
    found, n_true, n_predicted = (
        weights @ cells.astype(float) for cells in (both, true, predicted)
    )
    either = n_true + n_predicted > 0  # others are no class of these images
    sizes = true.sum(axis=1) + predicted.sum(axis=1)
    of_image = both.sum(axis=1)

    def mean_of_images(values):
        return weights @ np.asarray(values, dtype=float) / n

    def macro(part, whole):
        return _mean(share_of(part, whole), either)

    def micro(part, whole):
        return share_of(part.sum(axis=1), whole.sum(axis=1))

    f1 = share_of(2 * found, n_true + n_predicted)
    scores = {
        "accuracy": mean_of_images(outcome.right),
        "hamming_loss": mean_of_images((true != predicted).mean(axis=1)),
        "precision_micro": micro(found, n_predicted),
        "recall_micro": micro(found, n_true),
        "f1_micro": micro(2 * found, n_true + n_predicted),
        "precision_macro": macro(found, n_predicted),
        "recall_macro": macro(found, n_true),
        "f1_macro": macro(2 * found, n_true + n_predicted),
        "f1_weighted": _mean(f1, n_true),
        "f1_samples": mean_of_images(_or_one(2 * of_image, sizes)),
        "jaccard_macro": macro(found, n_true + n_predicted - found),
        "jaccard_samples": mean_of_images(_or_one(of_image, sizes - of_image)),
    }
    if outcome.proba is not None:
        scores["log_loss"] = mean_of_images(outcome.losses.mean(axis=1))
        scores["brier"] = mean_of_images(outcome.brier.mean(axis=1))
    return scores


def ranking_of_labels(outcome, weights):
    """ROC-AUC and average precision of each label, as `ranking_of_classes`."""
    return ranking_of_columns(outcome.scores, outcome.true, weights)


def _or_one(part, whole):
    """Of an image that has no label and is given none, all is right."""
    return np.where(whole == 0, 1.0, share_of(part, whole))


def _mean(values, weights):
    return share_of((values * weights).sum(axis=1), weights.sum(axis=1))
