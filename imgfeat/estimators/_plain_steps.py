"""The steps of a fitted estimator, one after the other, with nothing around them."""

from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline

from imgfeat._nesting import NO_STEP
from imgfeat._sklearn import BaseSearchCV
from imgfeat.estimators._augmented import AugmentedClassifier
from imgfeat.estimators._open_set import OpenSet
from imgfeat.features import CachedFeatures


def list_steps(estimator):
    """The steps of a fitted estimator in a row, with nothing around them.

    Pipelines in pipelines, the winner of a search, what is cached, frozen or fitted on
    augmented images stand as the steps that they are.
    """
    if isinstance(estimator, str | None) and estimator in NO_STEP:
        return []
    if isinstance(estimator, Pipeline):
        return [part for _, step in estimator.steps for part in list_steps(step)]
    if isinstance(estimator, BaseSearchCV):
        return list_steps(estimator.best_estimator_)
    if isinstance(estimator, CachedFeatures):
        return list_steps(estimator.transformer_)
    if isinstance(estimator, FrozenEstimator):
        return list_steps(estimator.estimator)
    if isinstance(estimator, OpenSet):
        return list_steps(estimator.pipeline_)
    if isinstance(estimator, AugmentedClassifier) and estimator.n_views == 1:
        return list_steps(estimator.pipeline_)
    return [estimator]
