"""Fit a pipeline to more rows than memory holds."""

from numbers import Integral

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state, get_tags
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets

from imgfeat._nesting import NO_STEP
from imgfeat._progress import progress
from imgfeat._sklearn import Interval, validate_params
from imgfeat._stateless import is_stateless
from imgfeat._target import Target, is_several
from imgfeat._typing import ArrayLike, ImageBatch, RandomState
from imgfeat.estimators._probe import RidgeProbe
from imgfeat.estimators._row_chunks import RowChunks, in_order, shuffled
from imgfeat.estimators._wrapping import check_labels
from imgfeat.features import CachedFeatures
from imgfeat.features.local._vocabulary import Vocabulary


@validate_params(
    {
        "pipeline": [Pipeline],
        "chunk_size": [Interval(Integral, 1, None, closed="left")],
        "n_epochs": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    },
    prefer_skip_nested_validation=True,
)
def fit_streaming(
    pipeline: Pipeline,
    X: ImageBatch,
    y: ArrayLike | None = None,
    *,
    chunk_size: int = 1024,
    n_epochs: int = 5,
    random_state: RandomState = 0,
    verbose: int = 0,
) -> Pipeline:
    """Fit a pipeline with a chunk of rows in memory at a time.

    Each step that learns goes through all rows in turn, behind the steps in front of
    it, which are fitted by then. Put `CachedFeatures` around what takes images to
    features: they are computed once, and read from disk in each further pass.

    Parameters
    ----------
    pipeline : Pipeline
        It stays as it is. Steps that learn need `partial_fit`, as StandardScaler,
        IncrementalPCA, SGDClassifier and `RidgeProbe` have it. Vocabularies, such as
        `BagOfVisualWords`, learn as they always do from the descriptors that
        `CachedFeatures` in front of them keep on disk. What was fitted before, such
        as on a sample, goes in as ``FrozenEstimator(step)``.
    X : batch of n
        Paths of images, or anything else that the first step takes and of which rows
        can be taken: a matrix on disk too, as ``np.load(path, mmap_mode="r")``.
    y : array-like of shape (n,), optional
        Labels. All of them are in memory. Several a row as for `fit`, where the last
        step takes them, as `RidgeProbe` does.
    chunk_size : int, default=1024
        Most rows at a time. Chunks have nearly equal lengths; `IncrementalPCA` needs as
        many rows as components in each.
    n_epochs : int, default=5
        Passes of a step that goes by small steps, one with a parameter ``max_iter``.
        All others add up what they see, and see each row once.
    random_state : int, RandomState instance or None, default=0
        Shuffles rows for each pass, by runs of neighbours.
    verbose : int, default=0
        Whether to show a progress bar for each step.

    Returns
    -------
    Pipeline
        A fitted copy, like any other.

    Raises
    ------
    TypeError
        If a step can only learn from all rows at once, or X has no rows to take.
    ValueError
        If there is not a label for each row, or as the steps do.

    See Also
    --------
    RidgeProbe.partial_fit : What it comes to for a ridge probe: the same as `fit`.

    Notes
    -----
    `RidgeProbe` comes out as from ``pipeline.fit``, up to rounding, its leave-one-out
    included, if the steps in front do. So do StandardScaler and the vocabularies;
    IncrementalPCA and SGDClassifier depend on chunks, as they always do.
    ``class_weight="balanced"`` counts the classes in all of `y`.

    Rows are shuffled by runs of ``chunk_size // 32`` neighbours, so that files are read
    in stretches. In a table in the order of its classes a chunk has 32 places of it.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from imgfeat.estimators import RidgeProbe, fit_streaming
    >>> X, y = load_digits(return_X_y=True)
    >>> pipeline = make_pipeline(StandardScaler(), RidgeProbe())
    >>> fitted = fit_streaming(pipeline, X, y, chunk_size=100)
    >>> bool((fitted.predict(X) == pipeline.fit(X, y).predict(X)).all())
    True
    """
    n_rows = _count_rows(X)
    pipeline, classes = clone(pipeline), None
    _check_steps(pipeline)
    if y is not None or is_classifier(pipeline):
        y, classes = _labels_of(pipeline, y, n_rows)
    rng = check_random_state(random_state)
    front = []
    for _, step in pipeline.steps:
        if step in NO_STEP:
            continue
        _fit_step(
            step, front, X, y, classes, (n_rows, chunk_size, n_epochs, rng, verbose)
        )
        front.append(step)
    return pipeline


def _labels_of(pipeline, y, n_rows):
    """Labels to take rows of, and all classes there are."""
    tags = get_tags(pipeline).classifier_tags
    if not is_several(y) or tags is None or not tags.multi_label:
        y = np.asarray(check_labels(y, n_rows, "fit_streaming"))
        if is_classifier(pipeline):
            check_classification_targets(y)
        return y, np.unique(y)
    target = Target.of(y, "fit_streaming")
    if len(target) != n_rows:
        raise ValueError(
            "fit_streaming needs a row of labels for each image. Got "
            f"{n_rows} images and {len(target)} rows."
        )
    return target.values, target.classes


def _fit_step(step, front, X, y, classes, plan):
    n_rows, chunk_size, n_epochs, rng, verbose = plan
    if isinstance(step, FrozenEstimator):
        return
    parts = in_order(n_rows, chunk_size)
    if is_stateless(step):
        # It checks, and remembers the size of the images.
        step.fit(*next(iter(RowChunks(X, y, parts, front))))
        return
    if isinstance(step, Vocabulary):
        step.fit(front[-1].transform(X))  # where descriptors are on disk, not these
        return
    n_passes = n_epochs if "max_iter" in step.get_params(deep=False) else 1
    n_read = n_passes + 2 * isinstance(step, RidgeProbe)
    fitting = f"Fitting {type(step).__name__}"
    with (
        _Counted(step, y, classes) as extra,
        progress(fitting, n_read * n_rows, verbose) as bar,
    ):
        for _ in range(n_passes):
            if not isinstance(step, RidgeProbe):
                parts = shuffled(n_rows, chunk_size, rng)
            for chunk, labels in RowChunks(X, y, parts, front, bar):
                step.partial_fit(chunk, labels, **extra)
        if isinstance(step, RidgeProbe):
            step.choose_alpha(RowChunks(X, y, parts, front, bar))


class _Counted:
    """Context in which a classifier knows all classes, and how large they are.

    No chunk tells: what it gives is for each call of ``partial_fit``, and "balanced"
    weights are numbers meanwhile.
    """

    def __init__(self, step, y, classes):
        self.step = step
        self.y = y
        self.classes = classes
        self.given = getattr(step, "class_weight", None)

    def __enter__(self):
        if not is_classifier(self.step):
            return {}
        classes = self.classes
        is_balanced = isinstance(self.given, str) and self.given == "balanced"
        if is_balanced and self.y.ndim == 1:
            weights = compute_class_weight("balanced", classes=classes, y=self.y)
            by_label = dict(zip(classes.tolist(), weights.tolist(), strict=True))
            self.step.set_params(class_weight=by_label)
        return {"classes": classes}

    def __exit__(self, *error):
        if self.given is not None:
            self.step.set_params(class_weight=self.given)


def _count_rows(X):
    if isinstance(X, str | bytes) or not hasattr(X, "__len__"):
        raise TypeError(
            "fit_streaming needs rows to take some of: an array, list or Series of "
            "images or paths, or a matrix, on disk too. Got "
            f"{type(X).__name__}; load_image_folder makes paths of a folder."
        )
    if not len(X):
        raise ValueError("fit_streaming needs at least one row. Got none.")
    return len(X)


def _check_steps(pipeline):
    """Raise unless every step learns nothing, or learns by chunks."""
    before = None
    for name, step in pipeline.steps:
        if step in NO_STEP or isinstance(step, FrozenEstimator):
            continue
        kind = type(step).__name__
        if isinstance(step, Vocabulary):
            if not isinstance(before, CachedFeatures):
                raise TypeError(
                    f"fit_streaming fits {kind} to descriptors on disk. Got the step "
                    f"{name!r} behind {type(before).__name__}; put CachedFeatures "
                    "around all that stands in front of it."
                )
        elif not is_stateless(step) and not hasattr(step, "partial_fit"):
            raise TypeError(
                "fit_streaming needs steps that learn by chunks, with partial_fit. Got "
                f"the step {name!r}, {kind}, which needs all rows at once; take "
                "StandardScaler, IncrementalPCA, SGDClassifier or RidgeProbe, name the "
                "steps of nested pipelines one by one, or fit it to a sample and give "
                "FrozenEstimator of it."
            )
        before = step
