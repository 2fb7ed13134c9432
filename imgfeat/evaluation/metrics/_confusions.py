"""Which classes are taken for which, and where the mistakes are."""

import numpy as np
import pandas as pd


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
    pairs = pd.DataFrame(
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
