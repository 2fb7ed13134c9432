"""A classifier that says when an image is of no class that it knows."""

from numbers import Integral, Real
from typing import NamedTuple, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin
from sklearn.frozen import FrozenEstimator
from sklearn.utils import (
    assert_all_finite,
    check_random_state,
    column_or_1d,
)
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from imgfeat._clear_labels import check_groups
from imgfeat._sklearn import (
    HasMethods,
    Interval,
    RealNotInt,
    check_sample_weight,
    fit_context,
    safe_indexing,
)
from imgfeat._validation import refuse_no_pixels
from imgfeat.estimators._calibrated_fit import fit_and_hold_out, hold_all_out
from imgfeat.estimators._conformal import rows_needed, upper_bound
from imgfeat.estimators._held_out import refuse_few
from imgfeat.estimators._inner_features import has_probabilities, look_inside
from imgfeat.estimators._strangeness import distances
from imgfeat.estimators._temperature import fit_temperature, probabilities
from imgfeat.estimators._unknown_label import choose_unknown, label_table
from imgfeat.estimators._wrapping import (
    check_classifier,
    check_labels,
    name_on_the_way,
    set_tags,
    take_n_features,
    take_rows,
)
from imgfeat.sources._images import refuse_one_image


class OpenAnswer(NamedTuple):
    """All that `OpenSet` says of some images; see its methods of the same names."""

    labels: np.ndarray
    proba: np.ndarray
    sets: np.ndarray
    scores: np.ndarray
    known: np.ndarray


class OpenSet(MetaEstimatorMixin, ClassifierMixin, BaseEstimator):
    """Label images by a pipeline, or as unknown where they are like none it has seen.

    Some of the training images are held out to learn two bounds from: how far from the
    others an image of a known class may lie, beyond which `predict` gives
    `unknown_label`; and how probable its class is at least, from which `predict_set`
    makes sets of labels that hold the true one as often as promised.

    Parameters
    ----------
    pipeline : classifier
        From images to labels, such as ``make_recipe("cnn-lr")``. It is cloned; one that
        is fitted already stays as it is in a ``FrozenEstimator``, and then all that
        `fit` is given is to calibrate on.
    coverage : float, default=0.95
        Promised share of the images of known classes whose set has their label.
    false_alarms : float, default=0.05
        Promised share of the images of known classes that are called unknown, at most.
        0 calls none so.
    n_neighbors : int, default=10
        Training images to which the mean distance is taken.
    calibration : float, int or splitter, default=0.2
        What is held out. A share is stratified, and not fitted on. Of an int so many
        stratified folds are held out in turn, and the pipeline is fitted once more on
        all images; so with a splitter that has several folds.
    max_references : int, default=2000
        Most training images to keep for distances; as many of each class as of others.
    unknown_label : str or int, optional
        What `predict` gives; by default "unknown", or -1 where labels are numbers, and
        less where -1 is one of them.
    random_state : int, RandomState instance or None, default=0
        Draws what is held out and kept. The pipeline has random states of its own.

    Attributes
    ----------
    pipeline_ : classifier
        Fitted.
    classes_ : ndarray of shape (n_classes,)
        Those known.
    unknown_label_ : str or int
    threshold_ : float
        Distance beyond which an image is unknown; infinite without false alarms.
    min_probability_ : float
        Of a class in a set.
    temperature_ : float
        What decisions are divided by before a softmax makes them probabilities; 1 for a
        pipeline with ``predict_proba``.
    neighbors_ : NearestNeighbors
        Among the features of training images, of unit length.
    n_calibration_ : int
        Images held out.
    n_features_in_ : int
        If the pipeline has it.

    See Also
    --------
    sklearn.frozen.FrozenEstimator : For a pipeline that is fitted already.

    Notes
    -----
    Both promises hold on average over draws of training and test images, if these are
    drawn alike, whatever the pipeline [1]_. The sets are those of the least ambiguous
    classifier [2]_; they say nothing of images of other classes, and are empty where no
    class is probable enough, so that with more right labels than promised coverage some
    are. With folds the promise is no theorem, as another fit is calibrated than
    is used, but mostly kept.

    The distance is that of [3]_, as a mean over neighbours in place of the furthest:
    between rows of unit length of what the last step is given, before steps in front
    of it that only scale (of embeddings these cost most of what the distance knows). A
    net that learns gives what its last layer is given.

    Without ``predict_proba`` decisions take its place, through a softmax whose scale
    has the least log loss on the held-out images: one number, learned from the same
    images as the bound.

    A bound for 5 % needs 19 held-out images, one for 1 % 99. Images of weight 0 are as
    if they were not there; others count by their weight among those held out, too.
    Unknown labels are mistakes for `score`, and for `imgfeat.evaluate`.

    Features that need no fit are computed once, however often the rest is fitted. A
    saved file holds 4 bytes for each number of the features of `max_references` images,
    and needs no other package than the pipeline does.

    References
    ----------
    .. [1] V. Vovk, A. Gammerman and G. Shafer, "Algorithmic learning in a random
       world", Springer 2005, :doi:`10.1007/b106715`.
    .. [2] M. Sadinle, J. Lei and L. Wasserman, "Least ambiguous set-valued classifiers
       with bounded error levels", JASA 2019, :doi:`10.1080/01621459.2017.1395341`.
    .. [3] Y. Sun, Y. Ming, X. Zhu and Y. Li, "Out-of-distribution detection with deep
       nearest neighbors", ICML 2022, :doi:`10.48550/arXiv.2204.06507`.

    Examples
    --------
    >>> from imgfeat import load_sample, make_recipe
    >>> from imgfeat.estimators import OpenSet
    >>> digits, faces = load_sample("digits"), load_sample("faces")
    >>> model = OpenSet(make_recipe("hog-lr", size=32))
    >>> model = model.fit(digits.images[:400], digits.target[:400])
    >>> model.predict([digits.images[0], digits.images[1], faces.images[0]])
    array([ 0,  1, -1])
    """

    _parameter_constraints: dict = {
        "pipeline": [HasMethods(["fit", "predict"])],
        "coverage": [Interval(Real, 0, 1, closed="neither")],
        "false_alarms": [Interval(Real, 0, 1, closed="left")],
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "calibration": [
            Interval(RealNotInt, 0, 1, closed="neither"),
            Interval(Integral, 2, None, closed="left"),
            HasMethods(["split"]),
        ],
        "max_references": [Interval(Integral, 2, None, closed="left")],
        "unknown_label": [str, Integral, None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        pipeline,
        coverage=0.95,
        *,
        false_alarms=0.05,
        n_neighbors=10,
        calibration=0.2,
        max_references=2000,
        unknown_label=None,
        random_state=0,
    ):
        self.pipeline = pipeline
        self.coverage = coverage
        self.false_alarms = false_alarms
        self.n_neighbors = n_neighbors
        self.calibration = calibration
        self.max_references = max_references
        self.unknown_label = unknown_label
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, sample_weight=None, groups=None, **fit_params) -> Self:
        """Fit the pipeline on some images, and calibrate on those held out.

        Parameters
        ----------
        X : images
            Any batch that the pipeline takes.
        y : array-like of shape (n_samples,)
            Labels.
        sample_weight : array-like of shape (n_samples,), optional
            Not negative. Goes to the last step of a `Pipeline`.
        groups : array-like of shape (n_samples,), optional
            Images of a group are held out together.
        **fit_params : dict
            Passed to the pipeline's ``fit``; of what has a value for each image, those
            of the images that it is fitted on.

        Returns
        -------
        self : OpenSet

        Raises
        ------
        TypeError
            If `pipeline` is no classifier, or is given images where distances need
            numbers.
        ValueError
            If `pipeline` has neither probabilities nor a decision a class, too few
            images are left to calibrate on, a class is too small, a label is
            `unknown_label`, or a parameter is wrong.
        """
        check_classifier(self.pipeline, "OpenSet")
        refuse_one_image(X, "OpenSet")
        refuse_no_pixels(X, "OpenSet")
        n_images = X.shape[0] if hasattr(X, "shape") else len(X)
        y = _check_targets(check_labels(y, n_images, "OpenSet"))
        groups = check_groups(groups, n_images, "OpenSet")
        weights = np.ones(n_images)
        if sample_weight is not None:
            weights = check_sample_weight(
                sample_weight, y, dtype=np.float64, ensure_non_negative=True
            )
            fit_params[name_on_the_way(self.pipeline, "sample_weight")] = weights
        here = np.flatnonzero(weights > 0)
        if len(here) < n_images:
            fit_params = take_rows(fit_params, here, n_images)
            X, y, weights = safe_indexing(X, here), y[here], weights[here]
            groups = None if groups is None else safe_indexing(groups, here)

        rng = check_random_state(self.random_state)
        if isinstance(self.pipeline, FrozenEstimator):
            refuse_few(len(y), self._n_needed(), "")
            found = hold_all_out(self, X, y, rng)
        else:
            found = fit_and_hold_out(
                self, X, y, groups, fit_params, rng, self._n_needed()
            )
        self.pipeline_, self.neighbors_ = found.pipeline, found.neighbors
        self.classes_ = self.pipeline_.classes_
        self.unknown_label_ = choose_unknown(
            self.unknown_label, self.classes_, "OpenSet"
        )
        self._set_bounds(found, y[found.rows], weights[found.rows])
        take_n_features(self, self.pipeline_)
        return self

    def predict(self, X) -> np.ndarray:
        """Predict the label of each image, or `unknown_label_`.

        Parameters
        ----------
        X : images

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        return self.predict_open(X).labels

    def predict_proba(self, X) -> np.ndarray:
        """Predict the probability of each known class, were the image of one of them.

        Parameters
        ----------
        X : images

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Columns in the order of ``classes_``.
        """
        return self.predict_open(X).proba

    def predict_set(self, X) -> np.ndarray:
        """Predict which labels an image may have, were it of a known class.

        Parameters
        ----------
        X : images

        Returns
        -------
        ndarray of bool of shape (n_samples, n_classes)
            Columns in the order of ``classes_``; a row may be all False.
        """
        return self.predict_open(X).sets

    def score_unknown(self, X) -> np.ndarray:
        """Tell how far an image is from the training images: the higher, the stranger.

        Parameters
        ----------
        X : images

        Returns
        -------
        ndarray of shape (n_samples,)
            Distances, from 0 to 2; above ``threshold_`` an image is unknown.
        """
        return self.predict_open(X).scores

    def is_known(self, X) -> np.ndarray:
        """Tell which images are near enough to the training images.

        Parameters
        ----------
        X : images

        Returns
        -------
        ndarray of bool of shape (n_samples,)
        """
        return self.predict_open(X).known

    def predict_open(self, X) -> OpenAnswer:
        """Predict all of it, describing each image once.

        Parameters
        ----------
        X : images

        Returns
        -------
        OpenAnswer
            ``labels``, ``proba``, ``sets``, ``scores`` and ``known``, as `predict`,
            `predict_proba`, `predict_set`, `score_unknown` and `is_known` give them.
        """
        check_is_fitted(self)
        refuse_one_image(X, "OpenSet")
        features, scores = look_inside(self.pipeline_, X)
        proba = self._proba(scores)
        distance = distances(self.neighbors_, features)
        known = distance <= self.threshold_
        best = np.where(known, proba.argmax(axis=1), len(self.classes_))
        return OpenAnswer(
            labels=label_table(self.classes_, self.unknown_label_)[best],
            proba=proba,
            sets=proba >= self.min_probability_,
            scores=distance,
            known=known,
        )

    def _set_bounds(self, found, y, weights):
        place = np.searchsorted(self.classes_, y)
        self.n_calibration_ = len(y)
        self.temperature_ = 1.0
        if not has_probabilities(self.pipeline_):
            self.temperature_ = 1 / fit_temperature(found.scores, place, weights)
        right = self._proba(found.scores)[np.arange(len(y)), place]
        self.min_probability_ = -upper_bound(-right, 1 - self.coverage, weights)
        self.threshold_ = np.inf
        if self.false_alarms:
            self.threshold_ = upper_bound(found.distances, self.false_alarms, weights)

    def _proba(self, scores):
        if has_probabilities(self.pipeline_):
            return scores
        return probabilities(scores, 1 / self.temperature_)

    def _n_needed(self):
        shares = [1 - self.coverage, *filter(None, [self.false_alarms])]
        return max(map(rows_needed, shares))

    def __sklearn_tags__(self):
        return set_tags(super().__sklearn_tags__(), self.pipeline)


def _check_targets(y):
    """Labels as an array, (n_samples,), of two classes at least."""
    y = column_or_1d(y, warn=True)
    assert_all_finite(y, input_name="y")
    check_classification_targets(y)
    if len(classes := np.unique(y)) < 2:
        raise ValueError(
            "OpenSet needs labels of at least two classes. Got one class, "
            f"{classes.tolist()}; for one there is OneClassSVM behind features."
        )
    return y
