"""The folds of a comparison, and whether labels and groups are enough for them."""

import os
import warnings

import numpy as np
from sklearn.model_selection import (
    BaseCrossValidator,
    StratifiedGroupKFold,
    StratifiedKFold,
    check_cv,
)

from imgfeat.estimators._label_shares import count_units
from imgfeat.estimators._planned_folds import PlannedFolds, first_of_group
from imgfeat.sources._source import source_of


def draw_folds(cv, target, groups, random_state):
    """Draw the rows of each fold, once for all candidates.

    Parameters
    ----------
    cv : int, splitter or iterable
        An int is stratified, and keeps groups together.
    target : Target
    groups : ndarray of shape (n_samples,) or None
    random_state : int, RandomState instance or None

    Returns
    -------
    list of (ndarray, ndarray)
        Rows to train on, rows to test on.

    Raises
    ------
    ValueError
        If a class has fewer images, or images of fewer groups, than it takes.
    """
    if target.is_several:
        return _folds_of_several(cv, target, groups, random_state)
    y = target.values
    if isinstance(cv, int):
        kind = StratifiedKFold if groups is None else StratifiedGroupKFold
        splitter = kind(cv, shuffle=True, random_state=random_state)
        if groups is not None:
            _check_groups(y, groups, cv)
    else:
        splitter = check_cv(cv, y, classifier=True)
    _check_counts(y, splitter)
    every = np.arange(len(y))
    return [
        (every[np.asarray(train)], every[np.asarray(test)])  # lists and masks, too
        for train, test in splitter.split(np.zeros(len(y)), y, groups)
    ]


def _folds_of_several(cv, target, groups, random_state):
    y = target.values
    if isinstance(cv, int):
        splitter = PlannedFolds(cv, random_state=random_state)
        n_folds = splitter.get_n_splits(y=target.to_fit(), groups=groups)
        if n_folds < cv:
            least = count_units(y, groups)
            rare = target.classes.tolist()[least.argmin()]
            what = "images" if groups is None else "groups"
            raise ValueError(
                f"{cv} folds need at least {cv} {what} with each label, and {cv} "
                f"without it. Got {n_folds} on one side of {rare!r}; add {what}, leave "
                "this label out, or use fewer folds."
            )
    else:
        splitter = check_cv(cv, y, classifier=True)
    every = np.arange(len(y))
    folds = [
        (every[np.asarray(train)], every[np.asarray(test)])
        for train, test in splitter.split(np.zeros(len(y)), y, groups)
    ]
    for number, (train, _) in enumerate(folds, start=1):
        target.take(train).check_sides(f"The training part of fold {number}")
    return folds


def groups_of_classes(y, groups):
    """Classes, sorted, and how many groups each of them is in."""
    return np.unique(np.asarray(y)[first_of_group(y, groups)], return_counts=True)


def warn_of_repeats(images, folds):
    """Warn of files that come twice, on both sides of a fold.

    Parameters
    ----------
    images : sequence
        Only paths and URLs are looked at.
    folds : list of (ndarray, ndarray)
    """
    paths = list(map(_place_of, images))
    rows_of = {}
    for row, path in enumerate(paths):
        rows_of.setdefault(path, []).append(row)
    repeated = {p: r for p, r in rows_of.items() if p is not None and len(r) > 1}
    if not repeated:
        return
    is_test = np.zeros((len(folds), len(paths)), dtype=bool)
    for number, (_, test) in enumerate(folds):
        is_test[number, test] = True
    torn = [
        path
        for path, rows in repeated.items()
        if np.any(is_test[:, rows].any(axis=1) & ~is_test[:, rows].all(axis=1))
    ]
    if torn:
        warnings.warn(
            f"{len(torn)} files come more than once and straddle the folds, so that a "
            f"model is tested on what it has seen; the first is {torn[0]}. Leave the "
            "repetitions out, or pass groups that keep them together.",
            stacklevel=3,
        )


def _place_of(item):
    """Where a file lies, as two paths may lead to one; None of what is in memory."""
    source = source_of(item)
    if source.path is None:
        return source.name if source.is_stored else None
    return os.path.realpath(source.path)


def _check_groups(y, groups, n_folds):
    n_groups = len(np.unique(groups))
    if n_groups < n_folds:
        raise ValueError(
            f"{n_folds} folds need at least {n_folds} groups. Got {n_groups}; use "
            "fewer folds, or finer groups."
        )
    classes, counts = groups_of_classes(y, groups)
    if counts.min() < 2:
        rare = classes.tolist()[counts.argmin()]
        raise ValueError(
            "Every class needs images of at least two groups, one to train on and one "
            f"to test on. Got one group of class {rare!r}; add images of other groups, "
            "leave the class out, or use finer groups."
        )


def _check_counts(y, splitter):
    classes, counts = np.unique(y, return_counts=True)
    # Only a splitter with a stated number of folds promises each class to each fold.
    n_folds = getattr(splitter, "n_splits", None)
    if isinstance(splitter, BaseCrossValidator) and n_folds and counts.min() < n_folds:
        rare = classes.tolist()[counts.argmin()]
        raise ValueError(
            f"{n_folds} folds need at least {n_folds} images of every class. Got "
            f"{counts.min()} of class {rare!r}; add images, leave the class out, or "
            "use fewer folds."
        )
