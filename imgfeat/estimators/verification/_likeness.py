"""How alike two rows of features are."""

import numpy as np
from scipy.spatial.distance import cdist
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from imgfeat.kernels.normalize import normalize_rows

_CHUNK = 1024


def brought_to_metric(rows, metric, name_of, who):
    """Rows as they are compared, in place: of unit length for the cosine.

    Raises
    ------
    ValueError
        If a row is all zeros, which has no direction; ``name_of(row)`` names it.
    """
    if metric == "cosine":
        zero = np.flatnonzero(~rows.any(axis=1))
        if len(zero):
            raise ValueError(
                f"{who} with metric='cosine' needs features that are not all zero. Got "
                f"zeros for {name_of(zero[0])}, a blank image perhaps; drop it, or use "
                "metric='euclidean'."
            )
        normalize_rows(rows, "l2")
    return rows


def of_pairs(rows, left, right, metric):
    """Similarity of pairs of rows: the cosine, or the distance, negative.

    Returns
    -------
    ndarray of shape (n_pairs,), float64
    """
    found = np.empty(len(left))
    for start in range(0, len(left), _CHUNK):
        part = slice(start, start + _CHUNK)
        a = rows[left[part]].astype(np.float64)
        b = rows[right[part]].astype(np.float64)
        if metric == "cosine":
            found[part] = np.einsum("ij,ij->i", a, b).clip(-1, 1)
        else:
            found[part] = -np.linalg.norm(a - b, axis=1)
    return found


def of_all(rows, others, metric):
    """Similarity of every row with every other one, (n_rows, n_others), float64."""
    if metric == "cosine":
        return (rows.astype(np.float64) @ others.astype(np.float64).T).clip(-1, 1)
    return -cdist(rows, others)


def fit_probability(similarity, same):
    """Slope and intercept of the log-odds of being the same, by similarity.

    The targets are those of Platt, so that pairs which a similarity tells apart without
    a mistake give no certainty (J. Platt, "Probabilistic outputs for support vector
    machines", 1999).

    Returns
    -------
    tuple of float
    """
    n_same, n_different = same.sum(), (~same).sum()
    target = np.where(same, (n_same + 1) / (n_same + 2), 1 / (n_different + 2))
    middle, spread = similarity.mean(), similarity.std() or 1.0
    x = np.tile((similarity - middle) / spread, 2)[:, None]
    y = np.repeat([1, 0], len(same))
    weights = np.concatenate([target, 1 - target])
    # The targets hold it back; this is as good as no penalty.
    model = LogisticRegression(C=1e6, max_iter=1000).fit(x, y, weights)
    slope = model.coef_[0, 0] / spread
    return float(slope), float(model.intercept_[0] - slope * middle)


def probability(similarity, slope, intercept):
    """Of being the same, as `fit_probability` found it."""
    return expit(slope * similarity + intercept)
