"""The steps of a fitted estimator, one after the other, with nothing around them."""

from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import (
    FixedThresholdClassifier,
    TunedThresholdClassifierCV,
)
from sklearn.pipeline import Pipeline

from imgfeat._nesting import NO_STEP, walk
from imgfeat._sklearn import BaseSearchCV
from imgfeat._traits import traits_of
from imgfeat.estimators._augmented import AugmentedClassifier
from imgfeat.estimators._open_set import OpenSet
from imgfeat.estimators._thresholded_labels import LabelThresholds
from imgfeat.features import CachedFeatures

# They pass decisions on, and name the class by a threshold of their own.
_THRESHOLDS = FixedThresholdClassifier, TunedThresholdClassifierCV, LabelThresholds


def list_steps(estimator):
    """The steps of a fitted estimator in a row, with nothing around them.

    Pipelines in pipelines, the winner of a search, what is cached, frozen, fitted on
    augmented images or given another threshold stand as the steps that they are.
    """
    if isinstance(estimator, str | None) and estimator in NO_STEP:
        return []
    if isinstance(estimator, Pipeline):
        return [part for _, step in estimator.steps for part in list_steps(step)]
    if isinstance(estimator, BaseSearchCV):
        return list_steps(estimator.best_estimator_)
    if isinstance(estimator, _THRESHOLDS):
        return list_steps(estimator.estimator_)
    if isinstance(estimator, CachedFeatures):
        return list_steps(estimator.transformer_)
    if isinstance(estimator, FrozenEstimator):
        return list_steps(estimator.estimator)
    if isinstance(estimator, OpenSet):
        return list_steps(estimator.pipeline_)
    if isinstance(estimator, AugmentedClassifier) and estimator.n_views == 1:
        return list_steps(estimator.pipeline_)
    return [estimator]


def names_the_most_probable(classifier):
    """Whether its label is that of the largest probability, whatever it is fitted on.

    Only of what would compute all of it once more to say the label; others are asked.
    """
    is_ours = traits_of(classifier).holds_net or (
        isinstance(classifier, AugmentedClassifier) and classifier.n_views > 1
    )
    return is_ours or isinstance(classifier, CalibratedClassifierCV)


def has_threshold(pipeline):
    """Whether its label may be another than that of the largest decision."""
    return any(isinstance(part, _THRESHOLDS) for _, part in walk(pipeline))
