"""What a linear model says of every image, fitted without it."""

import warnings
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from sklearn.preprocessing import StandardScaler

from imgfeat._clear_labels import check_groups, refuse_unclear
from imgfeat._on_arrays import on_arrays
from imgfeat._progress import progress
from imgfeat._threads import map_threads, one_blas_thread
from imgfeat._typing import ArrayLike
from imgfeat.sources._labelled import listed

_MAX_AXES = 256
_PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)  # C, the strongest penalty first


@dataclass(frozen=True, eq=False)
class OutOfFold:
    """Probabilities of images by models that have not seen them.

    Attributes
    ----------
    probabilities : ndarray of shape (n_images, n_classes), float64
        NaN in the rows of images that cannot be judged: no embedding, no label, or no
        other image of the class to learn from.
    classes : ndarray of shape (n_classes,), dtype object
        Sorted.
    C : float or None
        Inverse of the strength of the penalty; None if nothing could be learned.
    notes : list of str
        What a person has to know besides.
    """

    probabilities: np.ndarray
    classes: np.ndarray
    C: float | None = None
    notes: list[str] = field(default_factory=list)


def out_of_fold(
    embeddings: np.ndarray,
    y: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    n_folds: int = 5,
    random_state: int = 0,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> OutOfFold:
    """Let logistic regression judge each image, fitted on the other folds.

    Parameters
    ----------
    embeddings : ndarray of shape (n_images, n_features)
        A row that is not finite is of an image that could not be read.
    y : array-like of shape (n_images,)
        Labels of any one kind; None and NaN are missing.
    groups : array-like of shape (n_images,), optional
        Images of one number stay in one fold, as `duplicate_groups` gives them:
        otherwise the copy of an image would vouch for a wrong label.
    n_folds : int, default=5
        At most; no more than the largest class has images.
    random_state : int, default=0
        Shuffles the folds.
    n_jobs : int, optional
        Threads, a fold each.
    verbose : int, default=0

    Returns
    -------
    OutOfFold

    Raises
    ------
    ValueError
        If lengths differ, or labels are of kinds that cannot be sorted.

    Notes
    -----
    Features are standardised and brought to the 256 axes of largest variance, which
    sees no label. Of the penalties from 1e-4 to 1 the strongest is taken whose log loss
    out of fold is within a standard error of the least: where labels are wrong, a weak
    one learns them by heart, and then finds fewer of them.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from imgfeat.evaluation.audit._out_of_fold import out_of_fold
    >>> X, y = load_iris(return_X_y=True)
    >>> judged = out_of_fold(X, y)
    >>> bool((judged.probabilities.argmax(axis=1) == y).mean() > 0.95)
    True
    """
    X = np.asarray(embeddings)
    labels = np.asarray(y).astype(object)
    _check_lengths(X, labels)
    groups = check_groups(groups, len(labels), "Judging labels")
    usable = np.flatnonzero(np.isfinite(X).all(axis=1) & ~pd.isna(labels))
    refuse_unclear(labels[usable], "Judging labels")
    features = _reduced(X[usable], random_state)
    how = random_state, n_jobs, verbose
    return _judge_all(features, labels, usable, groups, n_folds, *how)


def labels_out_of_fold(
    embeddings,
    values,
    names,
    *,
    groups=None,
    n_folds=5,
    random_state=0,
    n_jobs=None,
    verbose=0,
):
    """Let a model of each of several labels judge each image, as `out_of_fold`.

    Parameters
    ----------
    embeddings : ndarray of shape (n_images, n_features)
    values : ndarray of shape (n_images, n_classes)
        1 for each label that an image has, else 0.
    names : sequence of str
        Of the labels, for notes.
    groups, n_folds, random_state, n_jobs, verbose
        As for `out_of_fold`.

    Returns
    -------
    probabilities : ndarray of shape (n_images, n_classes)
        Of each label; NaN for what cannot be judged.
    notes : list of str
    """
    X = np.asarray(embeddings)
    _check_lengths(X, values)
    usable = np.flatnonzero(np.isfinite(X).all(axis=1))
    features = _reduced(X[usable], random_state)
    how = random_state, n_jobs, verbose
    found, skipped = np.full(values.shape, np.nan), []
    for place, column in enumerate((values == 1).T):
        labels = column.astype(object)
        judged = _judge_all(features, labels, usable, groups, n_folds, *how)
        if judged.C is None:
            skipped.append(names[place])
        else:
            found[:, place] = judged.probabilities[:, 1]
    if not skipped:
        return found, []
    note = (
        f"Not judged, for too few readable images have them or lack them: "
        f"{listed(skipped)}."
    )
    return found, [note]


def _judge_all(X, labels, usable, groups, n_folds, random_state, n_jobs, verbose):
    """OutOfFold of all images, from the features of those that are usable."""
    classes, codes = np.unique(labels[usable], return_inverse=True)
    found = np.full((len(labels), len(classes)), np.nan)
    if len(classes) < 2:
        note = "Labels are not judged: two classes of readable images are needed."
        return OutOfFold(found, classes, notes=[note])
    group = None if groups is None else pd.factorize(np.asarray(groups)[usable])[0]
    folds = [
        fold
        for train, test in _split(codes, group, n_folds, random_state)
        if (fold := _Fold(X, codes, train, test, len(classes))).can_judge
    ]
    C = None
    if folds:
        rows = np.concatenate([usable[fold.rows] for fold in folds])
        found[rows], C = _judge(folds, n_jobs, verbose)
    judged = np.isfinite(found[usable, 0])
    return OutOfFold(found, classes, C, _notes(judged, codes, classes))


class _Fold:
    """Logistic regression on one part, which judges the other one.

    Of that only ``rows`` of classes that the first part has; ``can_judge`` says whether
    there are any.
    """

    def __init__(self, X, codes, train, test, n_classes):
        self._known = np.unique(codes[train])
        self.rows = test[np.isin(codes[test], self._known)]
        self.can_judge = len(self.rows) > 0 and len(self._known) > 1
        self.codes = codes[self.rows]
        self.n_classes = n_classes
        self._X = X[self.rows]
        self._seen = X[train], codes[train]
        self._model = LogisticRegression(max_iter=300, warm_start=True)

    def judge(self, C):
        """Probabilities of `rows`, of every class."""
        found = np.zeros((len(self.rows), self.n_classes))
        self._model.set_params(C=C).fit(*self._seen)
        found[:, self._known] = self._model.predict_proba(self._X)
        return found


def _judge(folds, n_jobs, verbose):
    """Probabilities of the folds' rows with the best penalty, and its C.

    From a strong penalty to weaker ones, until these make it worse.
    """
    codes = np.concatenate([fold.codes for fold in folds])
    found, losses = [], []
    # A thread a fold, none behind it: else they wait for one another.
    with (
        progress("Judging labels", len(_PENALTIES), verbose) as advance,
        one_blas_thread(),
        warnings.catch_warnings(),
    ):
        # What has not converged yet is near enough to judge by; rare classes have
        # their own note.
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.filterwarnings("ignore", "The number of unique classes")
        for C in _PENALTIES:
            parts = map_threads(lambda fold, C=C: fold.judge(C), folds, n_jobs)
            found.append(np.concatenate(parts))
            own = found[-1][np.arange(len(codes)), codes]
            losses.append(-np.log(np.maximum(own, np.finfo(float).tiny)))
            advance()
            if len(losses) > 1 and losses[-1].mean() >= losses[-2].mean():
                break
    chosen = _strongest_of_the_best(np.stack(losses))
    return found[chosen], _PENALTIES[chosen]


def _strongest_of_the_best(losses):
    """The first row whose mean is within a standard error of the least mean."""
    best = losses.mean(axis=1).argmin()
    worse = losses - losses[best]
    error = losses[best].std() / np.sqrt(losses.shape[1])
    return int(np.argmax(worse.mean(axis=1) <= error))


def _split(codes, group, n_folds, random_state):
    """Stratified folds, as many as there can be; rows of one group stay together."""
    most = int(np.bincount(codes).max())
    n_folds = min(n_folds, most)
    folds = StratifiedKFold
    if group is not None and group.max() + 1 < len(codes):
        folds, n_folds = StratifiedGroupKFold, min(n_folds, int(group.max()) + 1)
    if n_folds < 2:
        return []
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The (least populated|number of unique) cl")
        cv = folds(n_folds, shuffle=True, random_state=random_state)
        return [fold for fold in cv.split(codes, codes, group) if len(fold[1])]


def _reduced(X, random_state):
    """Standardised features on their axes of largest variance."""
    if len(X):
        X = X[:, np.ptp(X, axis=0) > 0].astype(np.float32)
    if not X.size:
        return np.zeros((len(X), 1))
    X = on_arrays(StandardScaler()).fit_transform(X)
    n_axes = min(_MAX_AXES, len(X) - 1)
    if X.shape[1] <= n_axes:
        return X
    return on_arrays(PCA(n_axes, random_state=random_state)).fit_transform(X)


def _notes(judged, codes, classes):
    rare = np.unique(codes[~judged])
    if not len(rare):
        return []
    return [
        f"The labels of {(~judged).sum()} images are not judged, for there is too "
        f"little else of their class to learn from: {listed(classes[rare])}."
    ]


def _check_lengths(X, labels):
    if X.ndim != 2 or len(labels) != len(X):
        raise ValueError(
            "Judging labels needs an embedding a row and as many labels. Got "
            f"embeddings of shape {X.shape} and {len(labels)} labels."
        )
