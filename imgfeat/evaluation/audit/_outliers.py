"""Images that are unlike all others."""

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import normalize

from imgfeat._frames import make_frame
from imgfeat._on_arrays import on_arrays
from imgfeat._typing import ArrayLike
from imgfeat.evaluation.audit._label_errors import COLUMNS

N_NEIGHBORS = 10
MIN_IMAGES = 20  # of fewer, nobody can tell what is usual
LIMIT = 5.0  # robust standard deviations
MIN_SPREAD = 0.01
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
    The mean distance to the 10 nearest images of any class [1]_, against its median
    over the class, in robust standard deviations (1.4826 times the median absolute
    deviation); over all images for classes of fewer than 20. Listed is what lies 5 of
    them beyond; ``score`` is 0.5 there, 0.75 at 10. Of features the signed square root
    is taken, and length 1 [2]_, so that no few strong ones decide; then they are
    brought to the 128 axes of largest variance.

    References
    ----------
    .. [1] S. Ramaswamy, R. Rastogi and K. Shim, "Efficient algorithms for mining
       outliers from large data sets", SIGMOD 2000, :doi:`10.1145/342009.335437`.
    .. [2] F. Perronnin, J. Sánchez and T. Mensink, "Improving the Fisher kernel for
       large-scale image classification", ECCV 2010,
       :doi:`10.1007/978-3-642-15561-1_11`.

    Examples
    --------
    >>> import numpy as np
    >>> from imgfeat.evaluation.audit._outliers import outlier_issues
    >>> embeddings = np.random.default_rng(0).normal(5, 1, (100, 64))
    >>> embeddings[7] = [9, -9] * 32
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
    return make_frame(
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
    """Mean distance of each row to the nearest others."""
    X = normalize(np.sign(X) * np.sqrt(abs(X.astype(np.float32))))
    n_axes = min(_MAX_AXES, len(X) - 1)
    if X.shape[1] > n_axes:
        X = on_arrays(PCA(n_axes, random_state=0)).fit_transform(X)
    # Brute force goes block by block: there is never a matrix of all pairs.
    search = NearestNeighbors(n_neighbors=N_NEIGHBORS, algorithm="brute").fit(X)
    distances, _ = search.kneighbors()  # of rows that were fitted: without themselves
    return distances.mean(axis=1)


def _deviations(distances, labels):
    """How far above the median of the class, in robust standard deviations."""
    codes, classes = pd.factorize(labels)
    of_all = _median_and_spread(distances)
    of_classes = [
        _median_and_spread(distances[codes == code])
        if (codes == code).sum() >= MIN_IMAGES
        else of_all
        for code in range(len(classes))
    ]
    # A missing label has the code -1, the last place.
    center, spread = np.array([*of_classes, of_all]).T
    return (distances - center[codes]) / spread[codes]


def _median_and_spread(values):
    center = np.median(values)
    # The floor, of distances between 0 and 2, keeps a heap of equal images from calling
    # all others outliers.
    return center, max(1.4826 * np.median(abs(values - center)), MIN_SPREAD)
