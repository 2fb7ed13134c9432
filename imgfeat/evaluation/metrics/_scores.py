"""Every metric of an outcome, for many weightings of the images at once."""

import numpy as np
from scipy import sparse

from imgfeat.evaluation.metrics._calibration import bin_of_equal_mass
from imgfeat.kernels.ranking import ranking_scores

COUNT_SCORES = (
    "accuracy",
    "balanced_accuracy",
    "precision_macro",
    "recall_macro",
    "f1_macro",
    "precision_weighted",
    "recall_weighted",
    "f1_weighted",
    "cohen_kappa",
    "matthews",
)
IMAGE_SCORES = ("log_loss", "brier", "calibration_error")
RANKING_SCORES = ("roc_auc", "average_precision")


def count_scores(outcome, weights):
    """Scores that are functions of the confusion matrix.

    Parameters
    ----------
    outcome : Outcome
    weights : ndarray of shape (n_weightings, n_images)
        How often each image counts.

    Returns
    -------
    dict of {str: ndarray of shape (n_weightings,)}
    """
    weights = weights.astype(float)
    n = weights.sum(axis=1)
    k = len(outcome.names)
    true = _sums(weights, outcome.true, k)
    predicted = _sums(weights, outcome.predicted, k)
    hits = _sums(weights, outcome.true, k, outcome.right.astype(float))
    precision = share_of(hits, predicted)
    recall = share_of(hits, true)
    f1 = share_of(2 * hits, true + predicted)
    present = true > 0
    either = present | (predicted > 0)
    if outcome.of_none is not None:
        # No answer is no class, but where images are labelled so.
        either[:, outcome.of_none] = present[:, outcome.of_none]
    right = hits.sum(axis=1)
    by_chance = (true * predicted).sum(axis=1)
    columns = {"precision": precision, "recall": recall, "f1": f1}
    scores = {
        "accuracy": right / n,
        "balanced_accuracy": _mean(recall, present),
        **{f"{name}_macro": _mean(of, either) for name, of in columns.items()},
        **{f"{name}_weighted": _mean(of, true) for name, of in columns.items()},
    }
    with np.errstate(invalid="ignore", divide="ignore"):
        # All images of one class, all predicted so: no agreement is due to anything.
        scores["cohen_kappa"] = (n * right - by_chance) / (n**2 - by_chance)
    spread = (n**2 - (true**2).sum(axis=1)) * (n**2 - (predicted**2).sum(axis=1))
    scores["matthews"] = share_of(n * right - by_chance, np.sqrt(spread))
    return scores


def image_scores(outcome, weights, top_k):
    """Scores that are means over images, and the calibration error.

    The same arguments and result as of `count_scores`; only what the outcome has.
    """
    weights = weights.astype(float)
    n = weights.sum(axis=1)
    scores = {}
    if outcome.proba is not None:
        scores["log_loss"] = weights @ outcome.losses / n
        scores["brier"] = weights @ outcome.brier / n
        bins = bin_of_equal_mass(outcome.confidence)
        gap = np.asarray(outcome.right - outcome.confidence, dtype=float)
        gaps = _sums(weights, bins, bins.max() + 1, gap)
        scores["calibration_error"] = np.abs(gaps).sum(axis=1) / n
    if outcome.scores is not None and outcome.scores.shape[1] > top_k:
        hits = outcome.among_best(top_k).astype(float)
        scores[f"top_{top_k}_accuracy"] = weights @ hits / n
    return scores


def ranking_of_classes(outcome, weights):
    """ROC-AUC and average precision of each class against the rest.

    Returns
    -------
    ndarray of shape (n_classes, n_weightings, 2)
        NaN where a class has no image, or all.
    """
    codes = np.arange(outcome.scores.shape[1])
    is_of_class = outcome.true[:, np.newaxis] == codes
    return ranking_of_columns(outcome.scores, is_of_class, weights)


def ranking_of_columns(scores, positive, weights):
    """ROC-AUC and average precision of each column of scores.

    Parameters
    ----------
    scores : ndarray of shape (n_images, n_classes)
    positive : ndarray of bool of shape (n_images, n_classes)
        Which images are of the class.
    weights : ndarray of int of shape (n_weightings, n_images)

    Returns
    -------
    ndarray of shape (n_classes, n_weightings, 2)
    """
    found = np.full((scores.shape[1], len(weights), 2), np.nan)
    weights = np.ascontiguousarray(weights.T)
    for code in np.flatnonzero(positive.any(axis=0)):
        is_it = np.ascontiguousarray(positive[:, code])
        order, tied = _ranked(scores[:, code], is_it)
        found[code] = ranking_scores(order, tied, is_it, weights)
    return found


def _ranked(values, positive):
    """The images, the highest value first, and whether the next one is equal.

    Images between two of the class stay in any order, which changes no score. Sorting
    few small numbers is many times as fast as sorting values.
    """
    known = np.unique(values[positive])
    below = np.searchsorted(known, values)
    is_one = known[np.minimum(below, len(known) - 1)] == values
    steps = 2 * (len(known) - below) - is_one
    steps = steps.astype(np.min_scalar_type(2 * len(known)))
    order = np.argsort(steps, kind="stable")
    in_order = steps[order]
    return order, np.append(in_order[:-1] == in_order[1:], False)


def ranking_means(of_classes):
    """Means over the classes that can be ranked; NaN if none can."""
    there = ~np.isnan(of_classes)
    sums, counts = np.nansum(of_classes, axis=0), there.sum(axis=0)
    means = np.where(counts, sums / np.maximum(counts, 1), np.nan)
    return dict(zip(RANKING_SCORES, means.T, strict=True))


def _sums(weights, code, n_codes, values=None):
    """Weights of the images of each code, times a value an image."""
    n_images = len(code)
    values = np.ones(n_images) if values is None else values
    of_code = sparse.csr_array(
        (values, (code, np.arange(n_images))), shape=(n_codes, n_images)
    )
    return np.ascontiguousarray((of_code @ weights.T).T)


def share_of(part, whole):
    """0 where there is nothing to have a share in."""
    return np.divide(part, whole, out=np.zeros(np.shape(part)), where=whole != 0)


def _mean(values, weights):
    return (values * weights).sum(axis=1) / weights.sum(axis=1)
