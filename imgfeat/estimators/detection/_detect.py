"""A classifier of windows that finds objects in images."""

from numbers import Integral, Real
from typing import Self

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin
from sklearn.frozen import FrozenEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from imgfeat._progress import progress
from imgfeat._sklearn import HasMethods, Interval, fit_context
from imgfeat._traits import Traits
from imgfeat._validation import check_size_param
from imgfeat.estimators._wrapping import check_classifier
from imgfeat.estimators.detection._background import (
    choose_background,
    refuse_no_background,
    refuse_no_objects,
    refuse_other_classes,
)
from imgfeat.estimators.detection._detections import Detections, Windows, pick
from imgfeat.estimators.detection._levels import (
    plan_levels,
    refuse_no_sizes,
    smallest_image,
    step_for,
)
from imgfeat.estimators.detection._rounds import Rounds
from imgfeat.estimators.detection._scan import Scan
from imgfeat.estimators.detection._scenes import (
    empty_scenes,
    read_objects,
    refuse_none,
)
from imgfeat.estimators.detection._second_look import SecondLook
from imgfeat.sources._images import Images


class SlidingWindowDetector(MetaEstimatorMixin, BaseEstimator):
    """Find objects in images: ask a classifier about windows of all places and sizes.

    The image is looked at in several sizes, a window of one size slides over each, and
    of windows that overlap the surest stays. The classifier learns from objects, from
    random windows without one, and then from those that it took for one [1]_.

    Parameters
    ----------
    pipeline : classifier
        From windows to labels, such as ``make_pipeline(HOG(), LinearSVC())``. It is
        cloned; one that is fitted already stays as it is in a ``FrozenEstimator``.
    window : int or tuple of (height, width)
        Size in pixels of what the pipeline is given. Objects are brought to it.
    step : int or tuple of (down, across), optional
        How far apart windows lie, in pixels of the resized image. By default as far as
        the cells of the pipeline's `HOG`, or an eighth of the window.
    scale : float, default=1.2
        How much larger windows are in the image from one of its sizes to the next;
        1.01 at least.
    min_size, max_size : int, optional
        Height in pixels of the smallest and the largest objects to look for; of the
        window and of the image if not given. With less than the height of the window
        images are enlarged.
    threshold : float, optional
        Least score of what is found; by default it must be above that of the
        background.
    max_overlap : float, default=0.3
        Largest overlap, intersection over union, of two boxes of a label.
    background : str or int, optional
        Label of windows without an object; by default "background", or where labels
        are numbers one less than the least of them and 0. Crops with this label in
        ``fit`` show no object.
    n_negatives : int, default=1000
        Random windows without an object to learn from, and most mistakes to learn from
        in a round.
    n_rounds : int, default=2
        How often mistakes are looked for, and the pipeline is fitted once more.
    batch_size : int, default=256
        Windows that the pipeline is given at a time, where it shares no blocks.
    verifier : classifier, optional
        A second one, such as ``make_pipeline(HOG(), SVC())``, which may be slow: it is
        asked only about windows that `pipeline` takes for an object, and its score
        replaces the first. It learns from all that `pipeline` learned from, and from
        windows without an object that still get past that, `n_negatives` at most.
    candidate_threshold : float, optional
        Least score by `pipeline` of windows that the verifier is asked about; by
        default it must be above that of the background. `threshold` is for the
        verifier's own scores then.
    random_state : int, RandomState instance or None, default=0
        Draws the random windows. The pipeline has random states of its own.
    n_jobs : int, optional
        Threads that share the sizes of an image, where blocks of HOG are shared.
    verbose : int, default=0
        Show a progress bar.

    Attributes
    ----------
    pipeline_ : classifier
        Fitted.
    classes_ : ndarray of shape (n_classes,)
        That of the background among them.
    background_ : str or int
    verifier_ : classifier or None
        Fitted, with the same classes.
    n_mistakes_ : list of int
        How many windows were mistaken for an object in each round, and learned from.
        It ends early where there are none.

    See Also
    --------
    imgfeat.evaluation.plot_detections : Draw what is found.
    imgfeat.evaluation.average_precision : How much of it is right.

    Notes
    -----
    Behind `HOG` on 8-bit pixels (without ``transform_sqrt``), linear steps and a linear
    classifier, windows share their blocks, which makes it some fifty times faster.
    Every score is the one that the pipeline gives the window by itself, within 1e-5,
    wherever windows begin: steps that are no multiple of a cell take as many grids of
    cells as they reach places in one, and cells at the edges of a window, across which
    it has no gradients, are computed apart. In front of HOG may be `Grayscale`, and an
    `ImageReader` of the size of the window or without a size. Anything else, nets too,
    gets windows in batches.

    References
    ----------
    .. [1] N. Dalal and B. Triggs, "Histograms of oriented gradients for human
       detection", CVPR 2005, :doi:`10.1109/CVPR.2005.177`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.svm import LinearSVC
    >>> from imgfeat.estimators import SlidingWindowDetector
    >>> from imgfeat.features import HOG
    >>> image = np.random.default_rng(0).integers(0, 50, (64, 64), dtype=np.uint8)
    >>> image[20:36, 28:44] += 150  # a square
    >>> pipeline = make_pipeline(HOG(pixels_per_cell=(4, 4)), LinearSVC())
    >>> detector = SlidingWindowDetector(pipeline, window=24, max_size=24)
    >>> detector = detector.fit([image], boxes=[[[24, 16, 48, 40]]])
    >>> detector.predict([image])[0].boxes
    array([[24., 16., 48., 40.]])
    """

    _parameter_constraints: dict = {
        "pipeline": [HasMethods(["fit", "predict"])],
        "window": [Integral, tuple, list],
        "step": [Integral, tuple, list, None],
        "scale": [Interval(Real, 1.01, None, closed="left")],
        "min_size": [Interval(Integral, 1, None, closed="left"), None],
        "max_size": [Interval(Integral, 1, None, closed="left"), None],
        "threshold": [Interval(Real, None, None, closed="neither"), None],
        "max_overlap": [Interval(Real, 0, 1, closed="both")],
        "background": [str, Integral, None],
        "n_negatives": [Interval(Integral, 1, None, closed="left")],
        "n_rounds": [Interval(Integral, 0, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "verifier": [HasMethods(["fit", "predict"]), None],
        "candidate_threshold": [Interval(Real, None, None, closed="neither"), None],
        "random_state": ["random_state"],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        pipeline,
        window,
        step=None,
        scale=1.2,
        min_size=None,
        max_size=None,
        *,
        threshold=None,
        max_overlap=0.3,
        background=None,
        n_negatives=1000,
        n_rounds=2,
        batch_size=256,
        verifier=None,
        candidate_threshold=None,
        random_state=0,
        n_jobs=None,
        verbose=0,
    ):
        self.pipeline = pipeline
        self.window = window
        self.step = step
        self.scale = scale
        self.min_size = min_size
        self.max_size = max_size
        self.threshold = threshold
        self.max_overlap = max_overlap
        self.background = background
        self.n_negatives = n_negatives
        self.n_rounds = n_rounds
        self.batch_size = batch_size
        self.verifier = verifier
        self.candidate_threshold = candidate_threshold
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None, *, boxes=None, negatives=None) -> Self:
        """Learn from objects, and from windows without one.

        Parameters
        ----------
        X : images
            Any batch: crops that each show one object, or with `boxes` whole images.
        y : sequence, optional
            Label of each crop; with `boxes` a sequence of labels an image. If not
            given, objects are 1 and the background 0.
        boxes : sequence of array-like of shape (n_boxes, 4), optional
            Where the objects are in each image: left, top, right and bottom, in
            pixels. They are stretched to the shape of the window.
        negatives : images, optional
            Without any object. Not needed with `boxes`, as all other places in these
            images show none, nor where some crops have the label of the background.

        Returns
        -------
        self : SlidingWindowDetector

        Raises
        ------
        ImageDecodeError
            If an image cannot be read.
        TypeError
            If `pipeline` or `verifier` is no classifier.
        ValueError
            If there are no objects or no negatives, an image is smaller than a window,
            a box is outside of its image, labels do not fit, a parameter is wrong, or
            `verifier` has other classes, or no score for each.
        """
        check_classifier(self.pipeline, type(self).__name__)
        if self.verifier is not None:
            check_classifier(self.verifier, "SlidingWindowDetector(verifier=)")
        window, _ = self._sides()
        images = Images(self, X, reset=False)
        scenes, crops, labels = read_objects(images, boxes, y, window)
        background = choose_background(self.background, labels, has_y=y is not None)
        refuse_no_objects(labels, background)
        if negatives is not None:
            refuse_none(negatives)
            scenes += empty_scenes(Images(self, negatives, reset=False))
        is_fitted = isinstance(self.pipeline, FrozenEstimator)
        has_all = isinstance(self.verifier, FrozenEstimator | None)
        if is_fitted and has_all:
            return self._keep(self.pipeline, self.verifier, background, [])
        rounds = Rounds(
            self.pipeline,
            background,
            scenes,
            plan=self._plan,
            scan=self._scan,
            n_negatives=self.n_negatives,
            n_rounds=0 if is_fitted else self.n_rounds,
            max_overlap=self.max_overlap,
            rng=check_random_state(self.random_state),
        )
        pipeline, n_mistakes = rounds.fit(crops, labels)
        refuse_no_background(pipeline.classes_, background)
        verifier = self.verifier
        if not has_all:
            verifier = rounds.fit_second(verifier, pipeline, self.candidate_threshold)
        return self._keep(pipeline, verifier, background, n_mistakes)

    def predict(self, X) -> list[Detections]:
        """Find the objects in each image.

        Parameters
        ----------
        X : images
            Any batch, of any sizes.

        Returns
        -------
        list of Detections
            One for each image, with ``boxes``, ``labels`` and ``scores``, the surest
            object first.

        Raises
        ------
        ImageDecodeError
            If an image cannot be read.
        ValueError
            If an image is smaller than a window.
        """
        found = self._look_at(X, self._has_verifier(), self.candidate_threshold)
        how = self.threshold, self.max_overlap
        return [pick(one, self.classes_, self.background_, *how)[1] for one in found]

    def score_windows(self, X, *, by="pipeline") -> list[Windows]:
        """Tell what a classifier says of every window of each image.

        Parameters
        ----------
        X : images
        by : {"pipeline", "verifier"}, default="pipeline"
            Which classifier is asked. That may take long of the verifier, which
            `predict` asks about few windows.

        Returns
        -------
        list of Windows
            One for each image, with ``boxes`` and ``scores``, in pixels of the image
            and with a column for each of ``classes_``.

        Raises
        ------
        ValueError
            If there is no such classifier.
        """
        check_is_fitted(self)
        known = ["pipeline", *["verifier"] * self._has_verifier()]
        if by not in known:
            raise ValueError(
                f"by must be one of {known} of this detector. Got {by!r}; a verifier "
                "is what SlidingWindowDetector(verifier=) fits."
            )
        # No score of the pipeline keeps a window from the verifier.
        return list(self._look_at(X, by == "verifier", -np.inf))

    def smallest_image(self) -> tuple[int, int]:
        """Tell how small an image may be.

        Returns
        -------
        tuple of (height, width)
            In pixels.
        """
        window, _ = self._sides()
        return smallest_image(window, self.min_size)

    def _keep(self, pipeline, verifier, background, n_mistakes):
        classes = np.asarray(pipeline.classes_)
        refuse_no_background(classes, background)
        if verifier is not None:
            refuse_other_classes(verifier.classes_, classes)
        self.pipeline_ = pipeline
        self.classes_ = classes
        self.background_ = background
        self.verifier_ = verifier
        self.n_mistakes_ = n_mistakes
        return self

    def _has_verifier(self):
        # What version 0.2 saved does not know the attribute.
        return getattr(self, "verifier_", None) is not None

    def _look_at(self, X, by_verifier, threshold):
        """Yield the `Windows` of each image; the verifier looks from `threshold` on."""
        check_is_fitted(self)
        images = Images(self, X, reset=False)
        look = self._scan(self.pipeline_)
        if by_verifier:
            rule = self.classes_, self.background_, threshold
            sides = self._sides()
            look = SecondLook(look, *rule, self.verifier_, *sides, self.batch_size)
        with progress("Searching images", len(images), self.verbose) as advance:
            for row in range(len(images)):
                image = images.read(row)
                yield look(image, self._plan(image, images.name(row)))
                advance()

    def _scan(self, pipeline):
        window, step = self._sides()
        return Scan(pipeline, window, step, self.batch_size, self.n_jobs)

    def _plan(self, image, name):
        window, step = self._sides()
        sizes = self.min_size, self.max_size
        return plan_levels(image.shape, window, step, self.scale, *sizes, who=name)

    def _sides(self):
        """`window` and `step` as (height, width)."""
        window = check_size_param(self.window, "window")
        refuse_no_sizes(window, self.min_size, self.max_size)
        if self.step is not None:
            return window, check_size_param(self.step, "step")
        return window, step_for(self.pipeline, window)

    def __imgfeat_traits__(self):
        return Traits(takes_any_size=True)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.input_tags.string = True
        tags.target_tags.required = False
        return tags
