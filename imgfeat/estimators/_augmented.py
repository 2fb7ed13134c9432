"""Augment what a classifier is trained on, whatever stands in front of it."""

import itertools
from numbers import Integral
from typing import Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from imgfeat._progress import progress
from imgfeat._sklearn import HasMethods, Interval, fit_context
from imgfeat._target import Target, gives_several, is_several
from imgfeat._threads import map_threads
from imgfeat.estimators._class_scores import shares_of_labels
from imgfeat.estimators._label_thresholds import HALF
from imgfeat.estimators._views import (
    check_weights,
    fixed_view,
    join,
    repeat,
    training_views,
)
from imgfeat.estimators._wrapping import (
    check_classifier,
    check_labels,
    name_on_the_way,
    set_tags,
    split_front,
    take_n_features,
)
from imgfeat.preprocess._augment import Policy, find_policy
from imgfeat.sources._images import Images

# Views described at a time, where the steps in front learn nothing.
CHUNK = 256


def _pipeline_has(method):
    def check(self):
        # Whoever asks in vain gets the pipeline's own reason.
        getattr(getattr(self, "pipeline_", self.pipeline), method)
        return True

    return check


class AugmentedClassifier(MetaEstimatorMixin, ClassifierMixin, BaseEstimator):
    """Fit a pipeline on images and on augmented copies of them.

    Only what `fit` is given is augmented: in a cross-validation or a search, the
    training part of each fold. Predictions are of the images as they are, or averaged
    over views of them.

    Parameters
    ----------
    pipeline : classifier
        From images to labels, such as ``make_recipe("hog-lr")``. It is cloned.
    augment : {"none", "light", "standard", "randaugment", "trivialaugment"}, callable \
            or Policy, default="standard"
        What happens to a copy; see `imgfeat.preprocess.find_policy`. All but ``"none"``
        mirror some images, which digits and letters do not survive: for those
        ``dataclasses.replace(find_policy("light"), mirrors=False)``.
    n_augmented : int, default=4
        Views of each image to fit on: the image itself and ``n_augmented - 1``
        augmented copies. 1 augments nothing.
    n_views : int, default=1
        Views of each image to predict from: the image itself and ``n_views - 1``
        augmented ones, always the same; probabilities, or decisions where there are
        none, are averaged. 1 is the image alone.
    image_shape : tuple or list of (height, width) or (height, width, 3), optional
        Shape of the images in a 2-D array X, where they are not square.
    random_state : int, RandomState instance or None, default=None
        Seeds the copies. The pipeline has random states of its own.
    n_jobs : int, optional
        Threads that read and augment images; None is 1, -1 is all cores.
    verbose : int, default=0
        Show a bar while the views are made.

    Attributes
    ----------
    pipeline_ : classifier
        Fitted.
    classes_ : ndarray of shape (n_classes,)
    seed_ : int
        What the views are drawn from.
    n_features_in_ : int
        If the pipeline has it.

    See Also
    --------
    imgfeat.preprocess.augment_image : What happens to one image.

    Notes
    -----
    scikit-learn has no hook for this: a step of a pipeline can neither add rows nor
    see whether it is training (its issues 4143 and 15553). So this wraps the pipeline.

    The views of an image stand side by side, and `y`, the weights, the groups and all
    else that has a value an image are repeated likewise. A search or a calibration
    inside of the pipeline sees the copies as rows of their own: with folds that shuffle
    it tests on copies of what it trained on. Search outside instead, over
    ``pipeline__classifier__C``, or pass groups to it.

    Each image is decoded once, to 8 bits where it is not an array. Steps in front that
    learn nothing, readers and most features, get 256 views at a time, and only what
    they make of them is held. If the first step learns, or `pipeline` is no `Pipeline`,
    all views are held, as arrays of the images' size and dtype: for uint8 RGB
    ``3 * n_augmented`` bytes a pixel.

    A copy depends on its image's pixels and on ``seed_``, not on the image's place. So
    with an int as `random_state` folds and candidates of a search make the same copies,
    and `CachedFeatures` inside of the pipeline know them again.

    For predictions each view has one draw for all images, and a row does not depend on
    the others. A callable's own randomness is its own: seed it where results must
    repeat. With a callable as `augment` there is no saved file.

    Examples
    --------
    >>> from imgfeat import load_sample, make_recipe
    >>> from imgfeat.estimators import AugmentedClassifier
    >>> faces = load_sample("faces")
    >>> model = AugmentedClassifier(make_recipe("hog-lr", size=32), random_state=0)
    >>> model.fit(faces.images[::4], faces.target[::4]).predict(faces.images[98:102])
    array([0, 0, 1, 1])
    """

    _parameter_constraints: dict = {
        "pipeline": [HasMethods(["fit", "predict"])],
        "augment": [str, callable, Policy],
        "n_augmented": [Interval(Integral, 1, None, closed="left")],
        "n_views": [Interval(Integral, 1, None, closed="left")],
        "image_shape": [tuple, list, None],
        "random_state": ["random_state"],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        pipeline,
        augment="standard",
        n_augmented=4,
        *,
        n_views=1,
        image_shape=None,
        random_state=None,
        n_jobs=None,
        verbose=0,
    ):
        self.pipeline = pipeline
        self.augment = augment
        self.n_augmented = n_augmented
        self.n_views = n_views
        self.image_shape = image_shape
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, sample_weight=None, **fit_params) -> Self:
        """Fit the pipeline on the images and their copies.

        Parameters
        ----------
        X : images
            Any batch, of any sizes that the pipeline takes.
        y : array-like of shape (n_samples,), or several labels an image
            Labels, as the pipeline takes them.
        sample_weight : array-like of shape (n_samples,), optional
            Goes to the last step of a `Pipeline`.
        **fit_params : dict
            Passed to the pipeline's ``fit``, as in ``search__groups=groups``. What has
            a value for each image is repeated.

        Returns
        -------
        self : AugmentedClassifier

        Raises
        ------
        ImageDecodeError
            If a file cannot be read, naming it.
        TypeError
            If `pipeline` is no classifier.
        ValueError
            If there is not a label for each image, a parameter of ``fit`` has a value
            for each view, or a parameter is wrong.
        """
        policy = find_policy(self.augment)
        check_classifier(self.pipeline, "AugmentedClassifier")
        images = Images(self, X, reset=False, image_shape=self.image_shape)
        if is_several(y):
            y = self._several(y, len(images))
        else:
            y = check_labels(y, len(images), "AugmentedClassifier")
        self.seed_ = int(check_random_state(self.random_state).randint(2**31 - 1))

        pipeline = clone(self.pipeline)
        if sample_weight is not None:
            weights = check_weights(sample_weight, len(images))
            fit_params[name_on_the_way(pipeline, "sample_weight")] = weights
        fit_params = {
            name: repeat(value, self.n_augmented, len(images), name)
            for name, value in fit_params.items()
        }
        y = repeat(y, self.n_augmented, len(images), "y")
        self._fit_pipeline(pipeline, images, policy, y, fit_params)
        self.pipeline_ = pipeline
        self.classes_ = pipeline.classes_
        take_n_features(self, pipeline)
        return self

    def predict(self, X) -> np.ndarray:
        """Predict the label of each image.

        Parameters
        ----------
        X : images

        Returns
        -------
        ndarray of shape (n_samples,)
            With ``n_views`` above 1 the class of the highest mean probability, or of
            the highest mean decision where there are no probabilities.

        Raises
        ------
        ValueError
            If ``n_views`` is above 1 and the pipeline has neither.
        """
        check_is_fitted(self)
        if self.n_views == 1:
            return self._over_views("predict", X)
        if gives_several(self.pipeline_):
            return self._decide_about_several(X)
        if hasattr(self, "predict_proba"):
            return self.classes_[self.predict_proba(X).argmax(axis=1)]
        if not hasattr(self, "decision_function"):
            raise ValueError(
                f"n_views={self.n_views} averages probabilities or decisions. Got a "
                "pipeline that has neither; set n_views=1, or CalibratedClassifierCV "
                "around its classifier."
            )
        decisions = self.decision_function(X)
        if decisions.ndim == 1:
            return self.classes_[(decisions > 0).astype(np.intp)]
        if decisions.shape[1] != len(self.classes_):
            raise ValueError(
                f"n_views={self.n_views} needs a decision a class. Got "
                f"{decisions.shape[1]} for {len(self.classes_)} classes; set "
                "decision_function_shape='ovr'."
            )
        return self.classes_[decisions.argmax(axis=1)]

    @available_if(_pipeline_has("predict_proba"))
    def predict_proba(self, X) -> np.ndarray:
        """Predict the probability of each class, averaged over the views.

        Parameters
        ----------
        X : images

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Columns in the order of ``classes_``.
        """
        check_is_fitted(self)
        return self._over_views("predict_proba", X)

    @available_if(_pipeline_has("decision_function"))
    def decision_function(self, X) -> np.ndarray:
        """The pipeline's decisions, averaged over the views.

        Parameters
        ----------
        X : images

        Returns
        -------
        ndarray of shape (n_samples, n_classes), or (n_samples,) for two classes
        """
        check_is_fitted(self)
        return self._over_views("decision_function", X)

    def _several(self, y, n_images):
        target = Target.of(y, "AugmentedClassifier")
        if len(target) != n_images:
            raise ValueError(
                "AugmentedClassifier needs a row of labels for each image. Got "
                f"{n_images} images and {len(target)} rows."
            )
        return target.to_fit()

    def _decide_about_several(self, X):
        if hasattr(self, "predict_proba"):
            return (self.predict_proba(X) > HALF).astype(np.int64)
        return (self.decision_function(X) > 0).astype(np.int64)

    def _fit_pipeline(self, pipeline, images, policy, y, fit_params):
        """Fit `pipeline` in place, with few views in memory if that can be."""
        front, rest = split_front(pipeline, fit_params)
        n_images = len(images)
        step = n_images if front is None else max(1, CHUNK // self.n_augmented)
        chunks = []
        with progress("Augmenting images", n_images, self.verbose) as advance:

            def make_views(row):
                image = images.read(row)
                views = training_views(image, policy, self.n_augmented, self.seed_)
                advance()
                return views

            for start in range(0, n_images, step):
                chunk = range(start, min(start + step, n_images))
                views = map_threads(make_views, chunk, self.n_jobs)
                X = images.restore(list(itertools.chain.from_iterable(views)))
                if front is not None:
                    if not chunks:
                        front.fit(X)  # checks, and remembers the size of the images
                    X = front.transform(X)
                chunks.append(X)
        rest.fit(join(chunks), y, **fit_params)
        if front is not None:
            pipeline.steps = [*front.steps, *rest.steps]

    def _shares_of_several(self, X):
        """Of forests too, which give the two classes of each label apart."""
        found = self.pipeline_.predict_proba(X)
        return shares_of_labels(found, self.pipeline_.classes_)

    def _over_views(self, method, X):
        """What the pipeline says of X, averaged over views."""
        predict = getattr(self.pipeline_, method)
        if method == "predict_proba" and gives_several(self.pipeline_):
            predict = self._shares_of_several
        images = Images(self, X, reset=False, image_shape=self.image_shape)
        if self.n_views == 1:
            return predict(images.restore(images.items))
        policy = find_policy(self.augment)
        chunks = []
        for start in range(0, len(images), CHUNK):
            rows = range(start, min(start + CHUNK, len(images)))
            originals = map_threads(images.read, rows, self.n_jobs)
            total = np.asarray(predict(images.restore(originals)), dtype=np.float64)
            for view in range(1, self.n_views):
                views = map_threads(
                    lambda image, view=view: fixed_view(
                        image, policy, view, self.seed_
                    ),
                    originals,
                    self.n_jobs,
                )
                total = total + predict(images.restore(views))
            chunks.append(total / self.n_views)
        return np.concatenate(chunks)

    def __sklearn_tags__(self):
        return set_tags(super().__sklearn_tags__(), self.pipeline)
