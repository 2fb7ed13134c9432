"""Images that are unlike all others."""

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import normalize

from imgfeat._typing import ArrayLike
from imgfeat.evaluation.audit._label_errors import COLUMNS

N_NEIGHBORS = 10
MIN_IMAGES = 20  # of fewer, nobody can tell what is usual
LIMIT = 4.0  # robust standard deviations
_MAX_AXES = 128


def outlier_issues(embeddings: np.ndarray, y: ArrayLike | None = None) -> pd.DataFrame:
    """List images that are far from all others, the farthest first.

    Parameters
    ----------
    embeddings : ndarray of shape (n_images, n_features)
        A row that is not finite is left out.
    y : array-like of shape (n_images,), optional
        Labels: some classes are more varied than others, so each gets its own measure
        of what is far.

    Returns
    -------
    DataFrame
        A row a finding, of kind ``"outlier"``: ``row``, ``path`` (empty), ``kind``,
        ``score``, ``what``, ``group`` (-1), ``label``, ``suggested`` (empty).

    Raises
    ------
    ValueError
        If `embeddings` is no matrix, or y has another length.

    Notes
    -----
    The mean distance to the 10 nearest images of any class [1]_, with embeddings of
    length 1, so that it is their direction that counts; of its logarithm the median and
    the median absolute deviation over the class, or over all images for classes of
    fewer than 20. Listed is what lies 4 robust standard deviations beyond the median;
    ``score`` is 0.5 there, 0.75 at 8.

    References
    ----------
    .. [1] S. Ramaswamy, R. Rastogi and K. Shim, "Efficient algorithms for mining
       outliers from large data sets", SIGMOD 2000, :doi:`10.1145/342009.335437`.

    Examples
    --------
    >>> import numpy as np
    >>> from imgfeat.evaluation.audit._outliers import outlier_issues
    >>> embeddings = np.random.default_rng(0).normal(5, 1, (100, 8))
    >>> embeddings[7] = [9, -9] * 4
    >>> outlier_issues(embeddings)["row"].tolist()
    [7]
    """
    X = np.asarray(embeddings)
    labels = np.full(len(X), "", object) if y is None else np.asarray(y).astype(object)
    if X.ndim != 2 or len(labels) != len(X):
        raise ValueError(
            "A search for outliers needs an embedding a row and as many labels. Got "
            f"embeddings of shape {X.shape} and {len(labels)} labels."
        )
    usable = np.flatnonzero(np.isfinite(X).all(axis=1))
    far = np.zeros(len(X))
    if len(usable) >= MIN_IMAGES:
        far[usable] = _deviations(_distances(X[usable]), labels[usable])
    rows = np.flatnonzero(far >= LIMIT)
    rows = rows[np.argsort(-far[rows], kind="stable")]
    return pd.DataFrame(
        {
            "row": rows,
            "path": "",
            "kind": "outlier",
            "score": 1 - LIMIT / (2 * far[rows]),
            "what": [
                "Unlike all other images: its nearest ones are farther than usual by "
                f"{times:.1f} standard deviations."
                for times in far[rows]
            ],
            "group": -1,
            "label": np.where(pd.isna(labels[rows]), "", labels[rows]),
            "suggested": "",
        },
        columns=COLUMNS,
    )


def _distances(X):
    """Mean distance of each row to the nearest others, by direction."""
    X = normalize(X.astype(np.float32))
    n_axes = min(_MAX_AXES, len(X) - 1)
    if X.shape[1] > n_axes:
        X = PCA(n_axes, random_state=0).fit_transform(X)
    # Brute force goes block by block: there is never a matrix of all pairs.
    search = NearestNeighbors(n_neighbors=N_NEIGHBORS, algorithm="brute").fit(X)
    distances, _ = search.kneighbors()  # of rows that were fitted: without themselves
    return distances.mean(axis=1)


def _deviations(distances, labels):
    """Robust standard deviations above the median of the class, of the logarithm."""
    logs = np.log(np.maximum(distances, np.finfo(np.float32).tiny))
    codes, classes = pd.factorize(labels)
    of_all = _median_and_spread(logs)
    of_classes = [
        _median_and_spread(logs[codes == code])
        if (codes == code).sum() >= MIN_IMAGES
        else of_all
        for code in range(len(classes))
    ]
    # A missing label has the code -1, the last place.
    center, spread = np.array([*of_classes, of_all]).T
    return (logs - center[codes]) / spread[codes]


def _median_and_spread(values):
    center = np.median(values)
    # 1.4826 makes it the standard deviation where values are normal; the floor keeps a
    # heap of equal images from calling all others outliers.
    return center, max(1.4826 * np.median(abs(values - center)), 0.01)
