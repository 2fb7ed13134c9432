"""Which classes are taken for which, and where the mistakes are."""

import numpy as np

from imgfeat._frames import make_frame


def count_pairs(true, predicted, n_classes):
    """Images by class and predicted class, both coded 0 to ``n_classes - 1``.

    scikit-learn's `confusion_matrix` warns of many classes as of a regression.

    Returns
    -------
    ndarray of int of shape (n_classes, n_classes)
        A row a true class.
    """
    pairs = np.bincount(true * n_classes + predicted, minlength=n_classes**2)
    return pairs.reshape(n_classes, n_classes)


def tabulate_classes(confusion):
    """Precision, recall and F1 of each class; 0 where there is nothing to divide by.

    Parameters
    ----------
    confusion : DataFrame of counts, a row a true class

    Returns
    -------
    DataFrame, a row a class
        ``precision``, ``recall``, ``f1``, ``n_images``.
    """
    counts = confusion.to_numpy()
    hits, true, predicted = counts.diagonal(), counts.sum(axis=1), counts.sum(axis=0)
    table = {
        "precision": hits / np.maximum(predicted, 1),
        "recall": hits / np.maximum(true, 1),
        "f1": 2 * hits / np.maximum(true + predicted, 1),
        "n_images": true,
    }
    return make_frame(table, index=confusion.index.rename("class"))


def confused_pairs(confusion, min_count=1):
    """Pairs of classes by how often the first was taken for the second.

    Parameters
    ----------
    confusion : DataFrame of counts, a row a true class
    min_count : int, default=1

    Returns
    -------
    DataFrame
        ``true``, ``predicted``, ``n_images``, ``share`` of the true class's images.
    """
    counts = confusion.to_numpy()
    wrong = counts * ~np.eye(len(counts), dtype=bool)
    true, predicted = np.nonzero(wrong >= max(1, min_count))
    n_images = counts[true, predicted]
    pairs = make_frame(
        {
            "true": confusion.index.to_numpy()[true],
            "predicted": confusion.columns.to_numpy()[predicted],
            "n_images": n_images,
            "share": n_images / counts.sum(axis=1)[true],
        }
    )
    order = ["n_images", "share"]
    pairs = pairs.sort_values(order, ascending=False, kind="stable")
    return pairs.reset_index(drop=True)


def worst_mistakes(predictions, outcome, n):
    """The wrong rows of `predictions` with their loss, the highest first.

    Without probabilities the surest decision comes first, and the loss is NaN.
    """
    table = predictions.assign(loss=np.nan if outcome.proba is None else outcome.losses)
    if outcome.proba is not None:
        badness = outcome.losses
    elif outcome.confidence is not None:
        badness = outcome.confidence
    else:
        badness = np.zeros(len(table))
    order = np.argsort(-badness, kind="stable")
    return table.iloc[order[~outcome.right[order]]].head(n)
