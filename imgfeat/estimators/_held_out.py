"""Rows that are held out of a fit to calibrate on."""

import math
from itertools import islice
from numbers import Integral, Real

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedShuffleSplit

from imgfeat.estimators._planned_folds import PlannedFolds


def held_out_parts(calibration, y, groups, seed, n_needed):
    """Rows to fit on and rows held out, once or fold by fold.

    Parameters
    ----------
    calibration : float, int or splitter
        As for `OpenSet`.
    y : ndarray of shape (n_samples,)
    groups : array-like of shape (n_samples,) or None
        Whose rows stay together.
    seed : int
    n_needed : int
        Rows that must be held out in all.

    Returns
    -------
    list of (ndarray of int, ndarray of int)

    Raises
    ------
    ValueError
        If too few rows are held out, a row is so twice, or a class is too small.
    """
    is_share = isinstance(calibration, Real) and not isinstance(calibration, Integral)
    if is_share and groups is None:
        _check_share(calibration, y, n_needed)
        splitter = StratifiedShuffleSplit(1, test_size=calibration, random_state=seed)
    elif is_share:
        n_folds = max(2, round(1 / calibration))
        splitter = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed)
    elif not isinstance(calibration, Integral):
        splitter = calibration
    elif groups is None:
        splitter = PlannedFolds(int(calibration), random_state=seed)
    else:
        splitter = StratifiedGroupKFold(
            int(calibration), shuffle=True, random_state=seed
        )
    parts = splitter.split(np.zeros(len(y)), y, groups)
    parts = list(islice(parts, 1) if is_share else parts)
    _check_parts(parts, y, calibration, n_needed)
    return parts


def refuse_few(n_rows, n_needed, how):
    """Raise if `n_rows` to calibrate on are fewer than `n_needed`."""
    if n_rows < n_needed:
        raise ValueError(
            f"OpenSet needs at least {n_needed} images to calibrate on for this "
            "coverage and these false alarms (for 5 %, 19; for 1 %, 99). Got "
            f"{n_rows}{how}; give more images, hold out more, calibration=5 for all "
            "of them in five folds, or promise less."
        )


def _check_share(share, y, n_needed):
    n_held_out = math.ceil(share * len(y))
    refuse_few(n_held_out, n_needed, f" with calibration={share} of {len(y)} images")
    classes, counts = np.unique(y, return_counts=True)
    if counts.min() < 2:
        rare = classes.tolist()[counts.argmin()]
        raise ValueError(
            "OpenSet fits on some images of every class and holds others out. Got 1 "
            f"of class {rare!r}; add images, or leave the class out."
        )
    if min(n_held_out, len(y) - n_held_out) < len(classes):
        raise ValueError(
            f"OpenSet needs images of every class on either side. Got calibration="
            f"{share} of {len(y)} images of {len(classes)} classes, which is "
            f"{n_held_out}; hold out another share, or calibration=5."
        )


def _check_parts(parts, y, calibration, n_needed):
    held_out = np.concatenate([test for _, test in parts])
    refuse_few(len(held_out), n_needed, f" with calibration={calibration!r}")
    if len(np.unique(held_out)) < len(held_out):
        raise ValueError(
            "OpenSet needs folds that hold out each image at most once. Got "
            f"calibration={calibration!r}; give a number, or a splitter into folds."
        )
    for train, _ in parts:
        if len(missing := np.setdiff1d(y, y[train])):
            raise ValueError(
                "OpenSet fits on images of every class. Got a part without class "
                f"{missing.tolist()[0]!r}; use a stratified splitter, or groups that "
                "do not hold a class whole."
            )
