"""What a fitted classifier looked at in images."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from imgfeat._nesting import first_steps, holds_nets
from imgfeat._progress import progress
from imgfeat._target import refuse_several_of
from imgfeat._threads import map_threads
from imgfeat._typing import ImageBatch
from imgfeat.estimators._no_labels import refuse_no_labels
from imgfeat.evaluation.explanation._explanation import Explanation
from imgfeat.evaluation.explanation._looker import METHODS, Looker
from imgfeat.sources._images import Images


def explain(
    pipeline: BaseEstimator,
    images: ImageBatch,
    *,
    target: Any = None,
    method: str = "auto",
    n_jobs: int | None = None,
    verbose: int = 0,
) -> Explanation:
    """Show what a fitted classifier looked at in images.

    Parameters
    ----------
    pipeline : fitted classifier
        From images to labels, with ``decision_function`` or ``predict_proba``.
    images : images
        Any batch: an array, or paths, bytes, PIL images and arrays of any sizes.
    target : label or array-like of shape (n_images,), optional
        The class whose decision is explained, of all images or of each. By default
        the predicted one.
    method : {"auto", "cam", "grad-cam", "hog", "words", "occlusion"}, default="auto"
        How; see Notes. "auto" takes the first that is exact, or else goes by slopes, or
        else occludes.
    n_jobs : int, optional
        Threads that read images and run nets, as for `CNNEmbedding`.
    verbose : int, default=0
        Show progress.

    Returns
    -------
    Explanation

    Raises
    ------
    ImageDecodeError
        If an image cannot be read, naming it.
    ValueError
        If `pipeline` has no class `target`, cannot be explained by `method`, or has no
        decisions; or if X is no batch of images.

    See Also
    --------
    evaluate : Which images are classified wrong.

    Notes
    -----
    Of several classes the decision is the class's own value of ``decision_function``;
    of two, that of the second, or its opposite for the first; of `CNNClassifier` the
    class's logit less the mean of the others, before the softmax; of
    `CalibratedClassifierCV` the mean of what its sigmoids are given; of
    `TunedThresholdClassifierCV` that of what it is around, which is not measured from
    the threshold. The maps sum up to
    it, but for those of occlusion; what belongs to no place, as an intercept, is shared
    by all places alike.

    "cam"
        Class activation maps [1]_, where the places of a net's last maps reach the
        decision by averages, maxima and linear steps: scalers, `PCA`, `RowSpace`,
        selectors, and linear classifiers, also in a search or a calibration. Exact. A
        `Normalizer` divides by the length of the row, which counts as a constant.
    "grad-cam"
        Gradients of the decision by the last feature maps, averaged over the places
        [2]_, for nets with more layers behind their pooling and all other classifiers
        that have slopes, such as an SVM with a kernel. No sign is dropped, unlike in
        the paper, and slopes of a classifier are their mean on the line from the
        training images' mean features to the image's [3]_: at the end of it a sure
        SVM turns flat, or back. They come from differences, which takes some seconds
        an image, except for linear steps and for an RBF SVM of two classes. Of a
        transformer the maps are the tokens that its last attention is given, as behind
        it only the class token counts; of several layers side by side, those of the
        last.
    "hog"
        Of gradient histograms with linear steps behind them: what each cell and
        direction adds, as strokes along the edges. Measured from the mean of the
        training images where a scaler knows it. Exact.
    "words"
        Of `BagOfVisualWords`, `VLAD` and `FisherVector` with linear steps: what each
        descriptor adds. Powers and norms of the vectors count as factors, so that it is
        exact as a sum. Not for ``assignment="llc"``.
    "occlusion"
        How much the decision loses where a part of the image is blurred [4]_, for all
        else. It runs the pipeline 81 times or more an image. Probabilities stand for
        decision values where there are none.

    Which of them a pipeline gets is in ``method`` of what is returned. Maps have the
    size of the image; what a resizing step or a net cuts off is 0. A map shows what
    the decision rests on, not whether it is right to. With random weights the maps are
    others [5]_; tests hold that.

    References
    ----------
    .. [1] B. Zhou et al., "Learning deep features for discriminative localization",
       CVPR 2016, :doi:`10.1109/CVPR.2016.319`. Maps of maxima and of other linear
       poolings are added here.
    .. [2] R. Selvaraju et al., "Grad-CAM: visual explanations from deep networks via
       gradient-based localization", ICCV 2017, :doi:`10.1109/ICCV.2017.74`.
    .. [3] M. Sundararajan, A. Taly and Q. Yan, "Axiomatic attribution for deep
       networks", ICML 2017, :doi:`10.48550/arXiv.1703.01365`. Here of the classifier
       behind the net only.
    .. [4] M. Zeiler and R. Fergus, "Visualizing and understanding convolutional
       networks", ECCV 2014, :doi:`10.1007/978-3-319-10590-1_53`. Blurred, not gray, as
       the edges of a gray square are features of their own.
    .. [5] J. Adebayo et al., "Sanity checks for saliency maps", NeurIPS 2018,
       :doi:`10.48550/arXiv.1810.03292`.

    Examples
    --------
    >>> from imgfeat import explain, load_sample, make_recipe
    >>> faces = load_sample("faces")
    >>> model = make_recipe("hog-lr", size=32).fit(faces.images, faces.target)
    >>> found = explain(model, faces.images[:2], target=faces.target[0])
    >>> found.method, found.maps.shape
    ('hog', (2, 25, 25))
    >>> bool(abs(found.maps[0].sum() - found.decisions[0]) < 1e-4)
    True
    """
    if method not in METHODS:
        raise ValueError(
            f"explain knows the methods {', '.join(map(repr, METHODS))}. Got "
            f"{method!r}."
        )
    refuse_no_labels(pipeline)
    refuse_several_of(pipeline, "explain")
    batch = as_images(pipeline, images)
    classes = np.asarray(pipeline.classes_)
    columns = _columns(target, classes, len(batch))
    looker = Looker(
        pipeline,
        batch.read(0),
        method,
        restore=batch.restore,
        n_jobs=n_jobs,
        verbose=verbose,
    )
    looks = []
    with progress("Explaining images", len(batch), verbose) as advance:
        for start in range(0, len(batch), looker.batch_size):
            rows = range(start, min(start + looker.batch_size, len(batch)))
            some = None if columns is None else columns[rows.start : rows.stop]
            looks += looker.look(map_threads(batch.read, rows, n_jobs), some)
            advance(len(rows))
    return Explanation(
        maps=_one_array([look.map for look in looks]),
        targets=classes[[look.column for look in looks]],
        decisions=np.array([look.decision for look in looks]),
        method=looker.method,
        strokes=[look.strokes for look in looks],
        points=[look.points for look in looks],
        _images=batch,
    )


def as_images(pipeline, images):
    """Any batch as `Images`, checked as the pipeline would."""
    first = first_steps(pipeline)
    return Images(
        pipeline,
        images,
        reset=False,
        image_shape=getattr(first[0], "image_shape", None) if first else None,
        unit_range=holds_nets(pipeline),
    )


def _columns(target, classes, n_images):
    """Places of the targets in the classes, one an image, or None for the predicted."""
    if target is None:
        return None
    targets = np.asarray(target)
    if targets.ndim == 0:
        targets = np.repeat(targets, n_images)
    if targets.shape != (n_images,):
        raise ValueError(
            "explain needs one target, or one an image. Got targets of shape "
            f"{targets.shape} for {n_images} images."
        )
    places = {label: place for place, label in enumerate(classes.tolist())}
    unknown = [label for label in targets.tolist() if label not in places]
    if unknown:
        known = ", ".join(map(repr, classes[:5].tolist()))
        raise ValueError(
            f"explain needs targets among the classifier's classes ({known}"
            f"{' ...' if len(classes) > 5 else ''}). Got {unknown[0]!r}."
        )
    return np.array([places[label] for label in targets.tolist()])


def _one_array(maps):
    """Maps as one array if they have one size, else as a list."""
    if len({found.shape for found in maps}) == 1:
        return np.stack(maps)
    return maps
