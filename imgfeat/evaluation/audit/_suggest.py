"""Which of many unlabelled images are most worth a label."""

import warnings
from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning

from imgfeat._frames import make_frame
from imgfeat._on_arrays import on_arrays
from imgfeat._target import refuse_several_of
from imgfeat._typing import ImageBatch, RandomState
from imgfeat.evaluation.audit._uncertain import Judge
from imgfeat.sources._source import FileSource

_PER_CHOICE = 10  # candidates for each image that is wanted
_MAX_AXES = 64


def suggest(
    model: BaseEstimator,
    images: ImageBatch,
    n: int = 50,
    *,
    random_state: RandomState = None,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> pd.DataFrame:
    """Name the unlabelled images whose labels would teach a model most.

    Those it is least sure of, and no two alike: the 10 n images of the smallest margin
    are put into n clusters, and the middle of each is taken [1]_.

    Parameters
    ----------
    model : fitted classifier of images
        With ``predict_proba``, or else ``decision_function``, which is warned of.
    images : images
        Any batch that `model` takes. Files are read when needed, 64 at a time, and
        candidates twice.
    n : int, default=50
        How many.
    random_state : int, RandomState or None, default=None
        Seed of the clusters.
    n_jobs : int, default=None
        Threads that decode.
    verbose : int, default=0

    Returns
    -------
    DataFrame
        A row an image, the least sure first: ``row``, its place in `images`; ``path``,
        empty for what is no file; ``label``, the predicted one; ``probability`` of it,
        NaN if the model has none; ``margin``, by which it is ahead of the next class;
        ``rank``, from 1. Images that cannot be read are in ``attrs["errors"]``, a list
        of dict of ``row``, ``path`` and ``reason``.

    Raises
    ------
    ValueError
        If n is no positive number, there is no image that can be read, or the model
        says nothing of how sure it is.

    Warns
    -----
    UserWarning
        If there are fewer than n images (all are returned), images that cannot be read
        (the others are judged), or decision values in the place of probabilities.

    See Also
    --------
    imgfeat.evaluate : Score a model on labelled images.

    Notes
    -----
    Images are told apart by the features that the classifier at the end of a pipeline
    gets; those of a net that was trained as a whole by `CNNEmbedding`. Clusters are
    those of k-means, with weights that fall with the margin. Copies of an image lie in
    one cluster, of which one is taken. In [1]_ every image has its informativeness as
    weight; ours is one less the share of the largest margin among the candidates, which
    serves decision values as well.

    What it brings depends on the images. With 200 labels, 50 drawn and 150 suggested,
    embeddings of CIFAR-10 where some classes are rare gave a balanced accuracy of
    0.465, against 0.414 with all drawn. With classes of one size the difference, over
    several runs from -0.01 to 0.015, is not to be told from none
    (``benchmarks/bench_suggest.py``).

    References
    ----------
    .. [1] F. Zhdanov, "Diverse mini-batch active learning", 2019,
       :doi:`10.48550/arXiv.1901.05954`.

    Examples
    --------
    >>> from imgfeat import load_sample, make_recipe
    >>> from imgfeat.evaluation import suggest
    >>> digits = load_sample("digits")
    >>> X, y = digits.images, digits.target
    >>> model = make_recipe("hog-lr", size=32).fit(X[:100], y[:100])
    >>> wanted = suggest(model, X[100:400], n=5, random_state=0)
    >>> len(wanted), bool(wanted["margin"].max() < 0.5)
    (5, True)
    """
    if not isinstance(n, Integral) or isinstance(n, bool) or n < 1:
        raise ValueError(f"n must be the number of images to suggest. Got {n!r}.")
    refuse_several_of(model, "suggest")
    judge = Judge(model, images, n_jobs=n_jobs, verbose=verbose)
    rows, scores = judge.scores()
    errors = _errors(judge)
    if not len(rows):
        why = f"; the first: {errors[0]['reason']}" if errors else ""
        raise ValueError(
            "suggest needs at least one image that can be read. Got none of "
            f"{len(judge.images)}{why}."
        )
    for note in _notes(judge, errors, n):
        warnings.warn(note, UserWarning, stacklevel=2)
    margins = _margins(scores)
    if n >= len(rows):
        chosen = np.arange(len(rows))
    else:
        candidates = np.argsort(margins, kind="stable")[: _PER_CHOICE * n]
        features = judge.features(rows[candidates])
        picked = _diverse(features, margins[candidates], n, random_state)
        chosen = _filled(candidates[picked], margins, n)
    chosen = chosen[np.argsort(margins[chosen], kind="stable")]
    table = _table(judge, model.classes_, rows, scores, margins, chosen)
    table.attrs["errors"] = errors
    return table


def _notes(judge, errors, n):
    """What a person has to know, a sentence each."""
    n_readable = len(judge.images) - len(errors)
    if not judge.has_probabilities:
        yield (
            "The model has no probabilities; margins are of its decision values, which "
            "are of no fixed scale."
        )
    if errors:
        first = errors[0]
        where = first["path"] or f"image {first['row']}"
        yield (
            f"{len(errors)} images cannot be read and are left out, as attrs['errors'] "
            f"lists; the first is {where}: {first['reason']}."
        )
    if n > n_readable:
        yield f"n={n} is more than there are: all {n_readable} images are suggested."


def _errors(judge):
    return [
        {"row": row, "path": _path(judge, row), "reason": judge.errors[row].reason}
        for row in sorted(judge.errors)
    ]


def _path(judge, row):
    if judge.images.is_array:
        return ""
    source = judge.images.source(row)
    return source.name if isinstance(source, FileSource) else ""


def _margins(scores):
    """By how much the best class is ahead of the next; without a next, the score."""
    if scores.shape[1] == 1:
        return scores[:, 0]
    best = np.partition(scores, -2, axis=1)[:, -2:]
    return best[:, 1] - best[:, 0]


def _diverse(features, margins, n, random_state):
    """Places of the rows in the middle of n clusters, or of fewer if rows are equal."""
    n_axes = min(_MAX_AXES, len(features) - 1)
    if features.shape[1] > n_axes:
        features = features - features.mean(axis=0)
        if features.any():
            features = on_arrays(PCA(n_axes, random_state=0)).fit_transform(features)
    largest = margins.max()
    weights = 1 - margins / largest if largest > 0 else np.ones(len(margins))
    with warnings.catch_warnings():
        # Of fewer different rows than clusters.
        warnings.simplefilter("ignore", ConvergenceWarning)
        clusters = KMeans(n, n_init=1, random_state=random_state).fit(
            features, sample_weight=np.maximum(weights, 0.01)
        )
    own = clusters.cluster_centers_[clusters.labels_]
    away = np.square(features - own).sum(axis=1)
    order = np.lexsort((margins, away, clusters.labels_))
    _, first = np.unique(clusters.labels_[order], return_index=True)
    return order[first]


def _filled(chosen, margins, n):
    """At least `chosen`, and the least sure of the others up to n."""
    others = np.setdiff1d(np.argsort(margins, kind="stable"), chosen)
    others = others[np.argsort(margins[others], kind="stable")]
    return np.concatenate([chosen, others[: n - len(chosen)]])


def _table(judge, classes, rows, scores, margins, chosen):
    best = scores[chosen].argmax(axis=1)
    own = scores[chosen, best] if judge.has_probabilities else np.nan
    return make_frame(
        {
            "row": rows[chosen],
            "path": [_path(judge, row) for row in rows[chosen]],
            "label": np.asarray(classes)[best],
            "probability": own,
            "margin": margins[chosen],
            "rank": np.arange(1, len(chosen) + 1),
        }
    )
