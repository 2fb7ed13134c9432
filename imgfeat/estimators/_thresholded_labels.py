"""A classifier that gives each of several labels from a threshold of its own."""

from collections.abc import Mapping
from numbers import Integral, Real
from typing import Self

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, has_fit_parameter

from imgfeat._clear_labels import check_groups
from imgfeat._nesting import last_step
from imgfeat._sklearn import (
    HasMethods,
    Interval,
    RealNotInt,
    check_sample_weight,
    fit_context,
    safe_indexing,
)
from imgfeat._target import Target, classes_of, gives_several
from imgfeat._validation import refuse_no_pixels
from imgfeat.estimators._class_scores import score_labels
from imgfeat.estimators._label_shares import share_out_labels
from imgfeat.estimators._label_thresholds import best_thresholds, check_thresholds
from imgfeat.estimators._planned_folds import PlannedFolds
from imgfeat.estimators._several_labels import SeveralLabels, require_several
from imgfeat.estimators._wrapping import (
    check_classifier,
    describe,
    name_on_the_way,
    set_tags,
    split_front,
    take_n_features,
    take_rows,
)
from imgfeat.sources._images import refuse_one_image

_NAME = "LabelThresholds"


def _has_shares(model):
    return hasattr(getattr(model, "estimator_", model.estimator), "predict_proba")


def _has_decisions_only(model):
    inner = getattr(model, "estimator_", model.estimator)
    return hasattr(inner, "decision_function") and not _has_shares(model)


def with_thresholds(pipeline, thresholds=None, *, cv=5, random_state=0):
    """A pipeline whose last step gives each label from a threshold of its own.

    Parameters
    ----------
    pipeline : classifier
        Not fitted. What is no `Pipeline` is wrapped whole.
    thresholds, cv, random_state : as of `LabelThresholds`

    Returns
    -------
    Pipeline or LabelThresholds
    """
    how = {"cv": cv, "random_state": random_state}
    if type(pipeline) is not Pipeline:
        return LabelThresholds(pipeline, thresholds, **how)
    name, last = pipeline.steps[-1]
    pipeline = clone(pipeline)
    pipeline.steps[-1] = name, LabelThresholds(last, thresholds, **how)
    return pipeline


def refuse_one_label(target, purpose):
    """Raise where images have one label each, for which there are no thresholds."""
    if not target.is_several:
        raise ValueError(
            f"{purpose} needs several labels an image. Got one label an image; leave "
            "it out, or of two classes put scikit-learn's TunedThresholdClassifierCV "
            "around the model."
        )


class LabelThresholds(MetaEstimatorMixin, SeveralLabels, BaseEstimator):
    """Give an image each label whose probability is above a threshold of that label.

    One half is the best threshold for accuracy. For F1 that of a rare label is lower:
    so it is chosen for each label by itself, on images that were not fitted on.

    Parameters
    ----------
    estimator : classifier
        Of several labels an image, such as ``make_recipe("cnn-lr")``; or the last step
        of a pipeline. It is cloned; one that is fitted already stays as it is in a
        ``FrozenEstimator``, and then all that `fit` is given is to choose on.
    thresholds : array-like of shape (n_classes,), or mapping, optional
        Of the labels, in the order of ``classes_``, or by label: those to use. By
        default they are chosen.
    cv : int, float or splitter, default=5
        What is held out to choose on. Of an int so many folds with their share of each
        label, in turn, and the estimator is fitted once more on all images; so with a
        splitter that has several folds. A share is held out once, and not fitted on.
    random_state : int, RandomState instance or None, default=0
        Draws what is held out. The estimator has random states of its own.

    Attributes
    ----------
    estimator_ : classifier
        Fitted.
    thresholds_ : ndarray of shape (n_classes,)
        Above which an image has the label: of probabilities, or of decision values
        where the estimator has no probabilities.
    classes_ : ndarray of shape (n_classes,)
        Names of the labels, or numbers of the columns of y.
    multilabel_ : bool
        True.
    n_features_in_ : int
        If the estimator has it.

    See Also
    --------
    sklearn.model_selection.TunedThresholdClassifierCV : The same for two classes.
    imgfeat.evaluation.MultiLabelEvaluation.thresholds : Those of highest F1 on other
        images, with F1 there.

    Notes
    -----
    A threshold lies half way between two scores of held-out images. It is chosen with
    models of the folds, and used with one that was fitted on all images, as
    scikit-learn does for two classes.

    Features that need no fit are computed once, however often the rest is fitted.

    Examples
    --------
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from imgfeat.estimators import LabelThresholds, RidgeProbe
    >>> X, y = make_multilabel_classification(random_state=0)
    >>> model = LabelThresholds(RidgeProbe()).fit(X, y)
    >>> model.thresholds_.round(2)
    array([0.34, 0.39, 0.31, 0.22, 0.3 ])
    >>> model.predict(X[:2])
    array([[0, 1, 0, 1, 1],
           [0, 0, 1, 1, 0]])
    """

    # Of scikit-learn's metadata routing: groups are wanted, wherever there are any.
    __metadata_request__fit = {"groups": True}

    _parameter_constraints: dict = {
        "estimator": [HasMethods(["fit", "predict"])],
        "thresholds": ["array-like", Mapping, None],
        "cv": [
            Interval(RealNotInt, 0, 1, closed="neither"),
            Interval(Integral, 2, None, closed="left"),
            HasMethods(["split"]),
        ],
        "random_state": ["random_state"],
    }

    def __init__(self, estimator, thresholds=None, *, cv=5, random_state=0):
        self.estimator = estimator
        self.thresholds = thresholds
        self.cv = cv
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, sample_weight=None, groups=None, **fit_params) -> Self:
        """Choose the thresholds on images held out, and fit the estimator.

        Parameters
        ----------
        X : images, or rows
            Any batch that the estimator takes.
        y : array-like of shape (n_samples, n_classes), or a list of lists of names
            Several labels an image.
        sample_weight : array-like of shape (n_samples,), optional
            Not negative, for the estimator. Thresholds are chosen without weights, on
            images that have some.
        groups : array-like of shape (n_samples,), optional
            Images of a group are held out together; also for an estimator that takes
            them.
        **fit_params : dict
            Passed to the estimator's ``fit``; of what has a value for each image, those
            of the images that it is fitted on.

        Returns
        -------
        self : LabelThresholds

        Raises
        ------
        TypeError
            If the estimator is no classifier.
        ValueError
            If y has one label an image; a label has too few images, or too few that
            lack it; the estimator has no score a label; or a threshold is missing, too
            many, or not finite.
        """
        check_classifier(self.estimator, _NAME)
        refuse_one_image(X, _NAME)
        refuse_no_pixels(X, _NAME)
        n_images = X.shape[0] if hasattr(X, "shape") else len(X)
        target = self._target(y, n_images)
        here = np.arange(n_images)
        if sample_weight is not None:
            weights = check_sample_weight(
                sample_weight, target.values, dtype=np.float64, ensure_non_negative=True
            )
            fit_params[name_on_the_way(self.estimator, "sample_weight")] = weights
            here = np.flatnonzero(weights > 0)
        target.take(here).check_sides(_NAME)
        groups = check_groups(groups, n_images, _NAME)
        if groups is not None and has_fit_parameter(
            last_step(self.estimator), "groups"
        ):
            fit_params[name_on_the_way(self.estimator, "groups")] = groups

        self.classes_, self.multilabel_ = target.classes, True
        if self.thresholds is not None:
            chosen = check_thresholds(self.thresholds, target.classes.tolist(), _NAME)
            model = clone(self.estimator).fit(X, target.to_fit(), **fit_params)
        elif isinstance(self.estimator, FrozenEstimator):
            model, some = self.estimator, safe_indexing(X, here)
            found = score_labels(model, some, len(target.classes), _NAME)
            chosen = best_thresholds(found, target.values[here] == 1)
        else:
            model, chosen = self._fit_in_parts(X, target, here, groups, fit_params)
        self.estimator_, self.thresholds_ = model, chosen
        take_n_features(self, model)
        return self

    def predict(self, X) -> np.ndarray:
        """Predict which labels each image has.

        Parameters
        ----------
        X : images, or rows

        Returns
        -------
        ndarray of int of shape (n_samples, n_classes)
            1 for each label above its threshold, 0 for the others.
        """
        return (self._score(X) > self.thresholds_).astype(np.int64)

    @available_if(_has_shares)
    def predict_proba(self, X) -> np.ndarray:
        """Predict the probability of each label, as the estimator does.

        Parameters
        ----------
        X : images, or rows

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        return self._score(X)

    @available_if(_has_decisions_only)
    def decision_function(self, X) -> np.ndarray:
        """The estimator's decisions, where it has no probabilities.

        Parameters
        ----------
        X : images, or rows

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        return self._score(X)

    def _score(self, X):
        """The probability of each label, or decisions where there are none."""
        check_is_fitted(self)
        return score_labels(self.estimator_, X, len(self.classes_), _NAME)

    def _target(self, y, n_images):
        instead = "; for two classes there is scikit-learn's TunedThresholdClassifierCV"
        require_several(y, _NAME, instead)
        known = None
        if isinstance(self.estimator, FrozenEstimator):
            if not gives_several(self.estimator):
                raise ValueError(
                    f"{_NAME} needs an estimator of several labels an image. Got a "
                    "frozen one that gives one; freeze one that is fitted on them."
                )
            known = classes_of(self.estimator)
        target = Target.of(y, _NAME, known)
        if len(target) != n_images:
            raise ValueError(
                f"{_NAME} needs a row of labels for each image. Got {n_images} images "
                f"and {len(target)} rows."
            )
        return target

    def _fit_in_parts(self, X, target, here, groups, fit_params):
        """The estimator fitted, and thresholds from images that fits had not seen."""
        front, rest = split_front(self.estimator, fit_params)
        if front is not None:
            front, X = describe(front, X, len(target))

        def fit_part(rows):
            params = take_rows(fit_params, rows, len(target))
            y = target.take(rows).to_fit()
            return clone(rest).fit(safe_indexing(X, rows), y, **params)

        of_groups = None if groups is None else groups[here]
        parts = [
            (here[train], here[test])
            for train, test in self._parts(target.take(here), of_groups)
        ]
        found, n_classes = [], len(target.classes)
        for train, test in parts:
            model, some = fit_part(train), safe_indexing(X, test)
            found.append(score_labels(model, some, n_classes, _NAME))
        held_out = np.concatenate([test for _, test in parts])
        chosen = best_thresholds(np.concatenate(found), target.values[held_out] == 1)
        if len(parts) > 1:
            model = fit_part(np.arange(len(target)))
        if front is not None:
            steps = [*front.steps, *model.steps]
            model = clone(self.estimator).set_params(steps=steps)
        return model, chosen

    def _parts(self, target, groups):
        """Rows to fit on and rows held out, once or fold by fold."""
        rng = check_random_state(self.random_state)
        if isinstance(self.cv, Real) and not isinstance(self.cv, Integral):
            shares = [1 - self.cv, self.cv]
            part_of = share_out_labels(target.values, groups, shares, rng)
            parts = [(np.flatnonzero(part_of == 0), np.flatnonzero(part_of == 1))]
        else:
            splitter = self.cv
            if isinstance(self.cv, Integral):
                seed = rng.randint(2**31 - 1)
                splitter = PlannedFolds(int(self.cv), random_state=seed)
            parts = list(splitter.split(np.zeros(len(target)), target.values, groups))
        held_out = np.concatenate([test for _, test in parts])
        if len(np.unique(held_out)) < len(held_out):
            raise ValueError(
                f"{_NAME} needs folds that hold out each image at most once. Got "
                f"cv={self.cv!r}; give a number, or a splitter into folds."
            )
        for train, _ in parts:
            target.take(train).check_sides(f"A part that {_NAME} fits on")
        target.take(held_out).check_sides(f"What {_NAME} holds out")
        return parts

    def __sklearn_tags__(self):
        tags = set_tags(super().__sklearn_tags__(), self.estimator)
        tags.classifier_tags.multi_label = True
        return tags
