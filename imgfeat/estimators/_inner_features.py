"""What a fitted classifier of images sees of them last, and what it makes of that."""

from typing import NamedTuple

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    RobustScaler,
    StandardScaler,
)

from imgfeat._nesting import NO_STEP
from imgfeat._sklearn import BaseSearchCV
from imgfeat.estimators._augmented import AugmentedClassifier
from imgfeat.estimators._class_scores import score_classes
from imgfeat.estimators._row_space import RowSpace

# Steps that change the scale or the axes of features, not what is near to what by much.
SCALERS = (
    *(MaxAbsScaler, MinMaxScaler, Normalizer, RobustScaler, RowSpace, StandardScaler),
)


class Inside(NamedTuple):
    """Features and scores of some images.

    Attributes
    ----------
    features : ndarray of shape (n_samples, n_features)
        What the classifier at the end learns from, before it is scaled.
    scores : ndarray of shape (n_samples, n_classes)
        Probabilities of the classes, or decisions where there are none.
    """

    features: np.ndarray
    scores: np.ndarray


def look_inside(classifier, X):
    """Describe and judge X by a fitted classifier, or a pipeline that ends in one.

    Parameters
    ----------
    classifier : fitted estimator
        Searches, frozen estimators and `AugmentedClassifier` are looked into.
    X : as it takes it

    Returns
    -------
    Inside

    Raises
    ------
    TypeError
        If what the classifier sees is no array of numbers.
    ValueError
        If it has neither probabilities nor a decision a class.
    """
    if isinstance(classifier, FrozenEstimator):
        return look_inside(classifier.estimator, X)
    if isinstance(classifier, BaseSearchCV):
        return look_inside(classifier.best_estimator_, X)
    if isinstance(classifier, AugmentedClassifier):
        inside = look_inside(classifier.pipeline_, X)
        # Distances are of the images as they are, whatever views are averaged.
        if classifier.n_views == 1:
            return inside
        return inside._replace(scores=_decide(classifier, X))
    if isinstance(classifier, Pipeline):
        return _look_into_pipeline(classifier, X)
    if hasattr(classifier, "_features_and_proba"):
        return Inside(*classifier._features_and_proba(X))
    return Inside(_as_rows(X, classifier), _decide(classifier, X))


def has_probabilities(classifier):
    """Whether the scores of `look_inside` are probabilities."""
    return hasattr(classifier, "predict_proba")


def _look_into_pipeline(pipeline, X):
    unscaled = X
    for _, step in pipeline.steps[:-1]:
        if step not in NO_STEP:
            X = step.transform(X)
            if not isinstance(step, SCALERS):
                unscaled = X
    last = pipeline.steps[-1][1]
    inside = look_inside(last, X)
    if unscaled is X or isinstance(last, Pipeline):
        return inside
    return inside._replace(features=_as_rows(unscaled, last))


def _decide(classifier: BaseEstimator, X):
    """Probabilities or decisions, a column a class."""
    scores = score_classes(classifier, X, "OpenSet")
    if has_probabilities(classifier) or scores.shape[1] > 2:
        return scores
    # Their difference is the decision, as of more classes.
    return scores / 2


def _as_rows(X, classifier):
    """Features as floats, (n_samples, n_features)."""
    if hasattr(X, "toarray"):
        X = X.toarray()
    X = np.asarray(getattr(X, "values", X)) if hasattr(X, "columns") else np.asarray(X)
    if X.ndim < 2 or X.dtype.kind not in "biuf":
        raise TypeError(
            "OpenSet measures distances between what the classifier is given, which "
            f"must be numbers. Got {X.dtype} of shape {X.shape} for "
            f"{type(classifier).__name__}; put the steps that describe images into a "
            "Pipeline in front of it."
        )
    X = X.reshape(len(X), -1)
    return X if X.dtype == np.float32 else X.astype(np.float64)
