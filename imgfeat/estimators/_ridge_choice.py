"""What a ridge probe aims at, and how it chooses its penalty."""

import numpy as np

from imgfeat.estimators._linear_rule import by_class, check_penalties

_ALPHAS = np.logspace(-2, 5, 15)


def check_alphas(alphas):
    """The penalties to choose from, as an array; the usual ones for None."""
    return check_penalties(
        _ALPHAS if alphas is None else alphas,
        "RidgeProbe needs alphas",
        "are",
        "a small one, such as 1e-6",
    )


def check_enough_classes(classes, labels):
    """Raise unless rows that count are of two classes at least.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
    labels : ndarray of int
        Numbers of the classes of rows that have a weight.
    """
    here = np.unique(labels)
    if len(here) >= 2:
        return
    if not len(here):
        raise ValueError(
            "RidgeProbe needs rows of at least two classes with a weight above 0. Got "
            "sample weights that are all zero; leave sample_weight out for equal ones."
        )
    weightless = " with a weight above 0" if len(here) < len(classes) else ""
    raise ValueError(
        f"RidgeProbe needs at least two classes{weightless}. Got one class, "
        f"{classes[here].tolist()[0]!r}; there is nothing to tell apart."
    )


def refuse_class_weight(class_weight):
    """Raise where classes have weights and rows several labels."""
    if class_weight is not None:
        raise ValueError(
            "RidgeProbe decides about several labels in one fit, with one weight a "
            f"row. Got class_weight={class_weight!r}; leave it out, or take "
            "LinearProbe, which has a fit for each label."
        )


def targets_of(labels, n_classes):
    """+1 in the column of the class, -1 elsewhere; one column for two classes.

    Of several labels a row, +1 in the column of each that it has.
    """
    if labels.ndim == 2:
        return 2.0 * labels - 1
    if n_classes == 2:
        return 2.0 * labels[:, None] - 1
    targets = np.full((len(labels), n_classes), -1.0)
    targets[np.arange(len(labels)), labels] = 1
    return targets


def sum_scores(solver, targets, labels, weights, scoring):
    """For each alpha of `LeaveOneOut`, the sum of weight times score of its rows."""
    scores = np.zeros(len(solver.alphas))
    for i, rows, errors in solver.scan():
        if scoring == "accuracy":
            decisions = targets[rows] - errors
            if labels.ndim == 2:
                good = ((decisions > 0) == labels[rows]).mean(axis=1)
                scores[i] += weights[rows] @ good
                continue
            if decisions.shape[1] == 1:
                decisions = decisions[:, 0]
            good = by_class(decisions).argmax(axis=1) == labels[rows]
        else:
            good = -np.square(errors).mean(axis=1)
        scores[i] += weights[rows] @ good
    return scores


def best_of(scores, alphas):
    """Index of the best score, and among equals of the largest alpha."""
    equal = scores >= scores.max() - 1e-12 * abs(scores.max())
    return int(np.argmax(np.where(equal, alphas, 0)))
