"""What a fitted pipeline does, step by step: which part describes the image."""

from dataclasses import dataclass
from itertools import pairwise

from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import (
    FixedThresholdClassifier,
    TunedThresholdClassifierCV,
)
from sklearn.pipeline import Pipeline

from imgfeat._nesting import NO_STEP, walk
from imgfeat._sklearn import BaseSearchCV
from imgfeat.estimators import AugmentedClassifier, CNNClassifier, OpenSet
from imgfeat.evaluation.explanation._seen_part import keeps_places
from imgfeat.features import HOG, CachedFeatures, CNNEmbedding
from imgfeat.features.local._base import LocalFeature
from imgfeat.features.local._vocabulary import Vocabulary

# They pass decisions on, and name the class by a threshold of their own.
_THRESHOLDS = FixedThresholdClassifier, TunedThresholdClassifierCV


@dataclass(frozen=True)
class Parts:
    """A pipeline, cut at what describes an image.

    Parameters
    ----------
    front : list of estimator
        From images to images, of which it is known where each pixel comes from.
    middle : list of estimator
        What describes them: an embedding, say, or local features and a vocabulary.
    tail : list of estimator
        From there to a label; empty if the middle decides.
    """

    front: list
    middle: list
    tail: list


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


def has_threshold(pipeline):
    """Whether its label may be another than that of the largest decision."""
    return any(isinstance(part, _THRESHOLDS) for _, part in walk(pipeline))


def find_parts(pipeline):
    """`Parts` of a fitted pipeline, or None if nothing in it can be looked into."""
    steps = list_steps(pipeline)
    for start, step in enumerate(steps):
        if isinstance(step, CNNClassifier | CNNEmbedding | HOG):
            return _cut(steps, start, start + 1)
        if not keeps_places(step):
            break
    for start, (first, second) in enumerate(pairwise(steps)):
        if isinstance(first, LocalFeature) and isinstance(second, Vocabulary):
            return _cut(steps, start, start + 2)
    return None


def _cut(steps, start, stop):
    front = steps[:start]
    if not all(map(keeps_places, front)):
        return None
    return Parts(front, steps[start:stop], steps[stop:])
