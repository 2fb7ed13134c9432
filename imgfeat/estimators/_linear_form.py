"""The steps behind the features, as one sum of products for each image."""

from functools import singledispatch

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.feature_selection import SelectorMixin
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    RobustScaler,
    StandardScaler,
)

from imgfeat.estimators._plain_steps import list_steps
from imgfeat.estimators._row_space import RowSpace

# Largest difference of decisions that counts as rounding.
_SAME = 1e-5


class NotLinearError(ValueError):
    """A step is no sum of products."""


def linear_form(steps, rows, columns):
    """Write decisions as ``(slopes * rows).sum(axis=1) + constants``, exactly.

    A `Normalizer` divides by what depends on the row; its divisor counts as a constant
    of that row, so that the sum is right, though slopes are no derivatives.

    Parameters
    ----------
    steps : list of fitted estimator
        Transformers, and a classifier at the end.
    rows : ndarray of shape (n, n_features), float64
    columns : ndarray of int of shape (n,)
        The class whose decision is asked for.

    Returns
    -------
    slopes : ndarray of shape (n, n_features)
    constants : ndarray of shape (n,)

    Raises
    ------
    NotLinearError
        If a step is not linear, naming it.
    """
    *transformers, head = steps
    constants = []

    def slopes_of(behind):
        slopes, constant = _of_head(head, behind, columns)
        constants.append(constant)
        return slopes

    slopes, added = pull_back(transformers, rows, slopes_of)
    return slopes, constants[0] + added


def pull_back(transformers, rows, slopes_of):
    """Slopes by what linear steps are given, from those by what they give.

    Parameters
    ----------
    transformers : list of fitted transformer
    rows : ndarray of shape (n, n_features)
    slopes_of : callable
        From what the steps make of the rows to slopes by it.

    Returns
    -------
    slopes : ndarray of shape (n, n_features)
    constants : ndarray of shape (n,), or 0
        What the steps add to the sum of slopes and rows.
    """
    inputs = [rows]
    for step in transformers:
        if _back.dispatch(type(step)) is _back.dispatch(object):
            raise NotLinearError(f"{type(step).__name__} is not linear")
        inputs.append(step.transform(inputs[-1]))
    slopes, constants = slopes_of(inputs[-1]), 0.0
    for step, given in zip(transformers[::-1], inputs[-2::-1], strict=True):
        slopes, added = _back(step, given, slopes)
        constants = constants + added
    return slopes, constants


def mean_features(steps, n_features):
    """The mean of the features in training, if the first step knows it; else zeros."""
    mean = getattr(steps[0], "mean_", None)
    return np.zeros(n_features) if mean is None else np.asarray(mean, dtype=np.float64)


def _of_head(head, rows, columns):
    if isinstance(head, CalibratedClassifierCV):
        # The decision that its sigmoids see, averaged over its classifiers.
        forms = [
            linear_form(list_steps(one.estimator), rows, columns)
            for one in head.calibrated_classifiers_
        ]
        return tuple(np.mean(numbers, axis=0) for numbers in zip(*forms, strict=True))
    coef, intercept = getattr(head, "coef_", None), getattr(head, "intercept_", None)
    if not isinstance(coef, np.ndarray) or intercept is None:
        raise NotLinearError(f"{type(head).__name__} is not linear")
    coef = np.atleast_2d(coef).astype(np.float64)
    intercept = np.broadcast_to(intercept, len(coef)).astype(np.float64)
    _check_decisions(head, rows, rows @ coef.T + intercept)
    if len(coef) == 1:  # for the second of two classes
        coef, intercept = np.vstack([-coef, coef]), np.r_[-intercept, intercept]
    return coef[columns], intercept[columns]


def _check_decisions(head, rows, expected):
    """Refuse a classifier whose `coef_` and `intercept_` are not all that decides."""
    n_classes = len(head.classes_)
    if expected.shape[1] == (1 if n_classes == 2 else n_classes):
        found = np.asarray(head.decision_function(rows)).reshape(expected.shape)
        if np.abs(found - expected).max() <= _SAME * (1 + np.abs(expected).max()):
            return
    raise NotLinearError(f"{type(head).__name__} is not linear")


@singledispatch
def _back(step, rows, slopes):
    """Slopes in front of a step from those behind it, and what adds to constants."""
    raise NotLinearError(f"{type(step).__name__} is not linear")


@_back.register
def _(step: StandardScaler, rows, slopes):
    if step.with_std:
        slopes = slopes / step.scale_
    return slopes, -slopes @ step.mean_ if step.with_mean else 0.0


@_back.register
def _(step: RobustScaler, rows, slopes):
    if step.with_scaling:
        slopes = slopes / step.scale_
    return slopes, -slopes @ step.center_ if step.with_centering else 0.0


@_back.register
def _(step: MaxAbsScaler, rows, slopes):
    return slopes / step.scale_, 0.0


@_back.register
def _(step: MinMaxScaler, rows, slopes):
    if step.clip:
        raise NotLinearError("MinMaxScaler(clip=True) is not linear")
    return slopes * step.scale_, slopes @ step.min_


@_back.register
def _(step: PCA, rows, slopes):
    if step.whiten:
        slopes = slopes / np.sqrt(step.explained_variance_)
    slopes = slopes @ step.components_
    return slopes, -slopes @ step.mean_


@_back.register
def _(step: TruncatedSVD, rows, slopes):
    return slopes @ step.components_, 0.0


@_back.register
def _(step: RowSpace, rows, slopes):
    return (slopes if step.components_ is None else slopes @ step.components_), 0.0


@_back.register
def _(step: SelectorMixin, rows, slopes):
    whole = np.zeros(rows.shape)
    whole[:, step.get_support()] = slopes
    return whole, 0.0


@_back.register
def _(step: Normalizer, rows, slopes):
    order = {"l1": 1, "l2": 2, "max": np.inf}[step.norm]
    lengths = np.linalg.norm(rows, ord=order, axis=1, keepdims=True)
    return slopes / np.where(lengths == 0, 1, lengths), 0.0
