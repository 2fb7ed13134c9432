"""Evaluate a fitted classifier: metrics, confusions, and the mistakes by file name."""

import time
from collections.abc import Sequence
from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from imgfeat._clear_labels import refuse_unclear
from imgfeat._frames import make_frame, make_index, make_series
from imgfeat._target import gives_several, is_several, what_decides
from imgfeat._typing import ArrayLike, ImageBatch, RandomState
from imgfeat.estimators._no_labels import refuse_no_labels
from imgfeat.evaluation.metrics._confusions import count_pairs, tabulate_classes
from imgfeat.evaluation.metrics._evaluate_multi_label import evaluate_multi_label
from imgfeat.evaluation.metrics._evaluation import Evaluation
from imgfeat.evaluation.metrics._lengths import check_length
from imgfeat.evaluation.metrics._outcome import Outcome, find_scores, ranked_by
from imgfeat.evaluation.metrics._per_group import score_groups
from imgfeat.evaluation.metrics._scores import (
    COUNT_SCORES,
    IMAGE_SCORES,
    RANKING_SCORES,
    count_scores,
    image_scores,
    ranking_means,
    ranking_of_classes,
)
from imgfeat.sources._frame import one_column
from imgfeat.sources._images import refuse_one_image
from imgfeat.sources._labelled import check_class_names
from imgfeat.sources._source import source_of


def evaluate(
    estimator: BaseEstimator,
    X: ImageBatch,
    y: ArrayLike,
    *,
    target_names: Sequence[str] | None = None,
    groups: ArrayLike | None = None,
    unknown: str = "raise",
    top_k: int = 5,
    n_resamples: int = 1000,
    level: float = 0.95,
    random_state: RandomState = 0,
) -> Evaluation:
    """Score a fitted classifier on images that it has not seen.

    Parameters
    ----------
    estimator : fitted classifier
        Has ``predict``; of an `OpenSet` unknown images are mistakes, but for those that
        y calls so too. Probabilities are used where it has ``predict_proba``, and
        values of ``decision_function`` rank images and classes where it has not.
    X : images
        As the estimator takes them. Items that are paths name the mistakes.
    y : array-like of shape (n_samples,), or (n_samples, n_classes)
        True labels, of the kind that the estimator was fitted on. Of several labels an
        image, a matrix or table of 0 and 1, or a list of names for each image.
    target_names : sequence of str, default=None
        Names to show for labels 0, 1, 2 ..., or for columns of y.
    groups : array-like of shape (n_samples,), optional
        A camera, a patient, a year: scores are given for each as well.
    unknown : {"raise", "table"}, default="raise"
        What to do with labels that the estimator has never seen: refuse them, or count
        their images as mistakes and list them in ``unmatched``.
    top_k : int, default=5
        Classes among which the true one is looked for, where there are more.
    n_resamples : int, default=1000
        Draws behind the intervals of ``metrics_table``.
    level : float, default=0.95
        Of those intervals.
    random_state : int, RandomState or None, default=0
        Seed of those draws.

    Returns
    -------
    Evaluation
        Of several labels an image, a `MultiLabelEvaluation`.

    Raises
    ------
    ValueError
        If X and y differ in length, if y holds a label that the estimator has never
        seen (unless `unknown` is "table"), or if the estimator gives a label or a
        probability that cannot be.
    TypeError
        If the estimator finds boxes in images, and has no label for one.

    Examples
    --------
    >>> from imgfeat import evaluate, load_sample, make_recipe
    >>> digits = load_sample("digits")
    >>> X, y = digits.images, digits.target
    >>> recipe = make_recipe("hog-lr", size=32).fit(X[::2], y[::2])
    >>> report = evaluate(recipe, X[1::2], y[1::2])
    >>> bool(report.metrics["accuracy"] > 0.97)
    True
    >>> list(report.mistakes.columns)
    ['image', 'true', 'predicted', 'probability']
    """
    refuse_no_labels(estimator)
    refuse_one_image(X, "evaluate")
    if unknown not in ("raise", "table"):
        raise ValueError(f"unknown is 'raise' or 'table'. Got {unknown!r}.")
    are_counts = all(isinstance(n, Integral) and n >= 1 for n in (top_k, n_resamples))
    if not are_counts or not 0 < level < 1:
        raise ValueError(
            "evaluate needs whole top_k and n_resamples of at least 1 and a level "
            f"between 0 and 1. Got {top_k}, {n_resamples} and {level}."
        )
    n_images = X.shape[0] if hasattr(X, "shape") else len(X)
    draws = {"n_resamples": n_resamples, "level": level, "random_state": random_state}
    if is_several(y):
        return _evaluate_several(
            estimator, X, y, n_images, unknown, groups, target_names, draws
        )
    check_length("evaluate", "label", y, n_images)
    refuse_unclear(y, "evaluate")
    y = np.asarray(y)
    if groups is not None:
        check_length("evaluate", "group", groups, n_images)
    if not n_images:
        raise ValueError("evaluate needs at least one image. Got none.")
    if gives_several(estimator):
        raise ValueError(
            "evaluate needs labels of the kind that the estimator was fitted on. Got "
            "one an image, and a model that gives several; give a matrix of 0 and 1, "
            "or a list of names for each image."
        )
    classes = np.asarray(estimator.classes_)
    true, unseen = _encode(y, classes)
    # What an OpenSet gives images of no class; right where they are labelled so.
    of_none = getattr(what_decides(estimator), "unknown_label_", None)
    refused = unseen if of_none is None else unseen[unseen != of_none]
    if len(refused) and unknown == "raise":
        _refuse_labels(refused, classes)
    if of_none is not None and of_none not in unseen.tolist():
        unseen = np.array([*unseen.tolist(), of_none], dtype=object)
    names = np.append(_name_classes(classes, target_names), unseen.astype(object))
    start = time.perf_counter()
    predicted = _encode_predictions(estimator.predict(X), classes, unseen, of_none)
    proba, scores = find_scores(estimator, X, n_images, len(classes))
    seconds = time.perf_counter() - start
    place = None if of_none is None else len(classes) + unseen.tolist().index(of_none)
    outcome = Outcome(true, predicted, proba, scores, names, place)
    predictions = make_frame(
        {
            "image": name_images(X, n_images),
            "true": names[true],
            "predicted": names[predicted],
            "probability": np.nan
            if proba is None
            else np.where(predicted < len(classes), outcome.confidence, np.nan),
        }
    )
    mistakes = predictions[~outcome.right]
    counts = count_pairs(true, predicted, len(names))
    confusion = make_frame(
        counts,
        index=make_index(names, name="true"),
        columns=make_index(names, name="predicted"),
    )
    return Evaluation(
        metrics=_metrics(outcome, top_k),
        per_class=tabulate_classes(confusion),
        confusion=confusion,
        predictions=predictions,
        mistakes=mistakes.sort_values("probability", ascending=False, kind="stable"),
        per_group=None if groups is None else score_groups(outcome, groups),
        unmatched=_unmatched(outcome, len(classes), of_none),
        ranked_by=ranked_by(proba, scores),
        _outcome=outcome,
        _images=X,
        _draws={"top_k": top_k} | draws,
        _seconds=seconds,
    )


def _evaluate_several(estimator, X, y, n_images, unknown, groups, target_names, draws):
    if unknown != "raise":
        raise ValueError(
            "unknown='table' needs one label an image. Got several; leave out of y the "
            "labels that the model does not know."
        )
    if groups is not None:
        groups = np.asarray(groups)
        check_length("evaluate", "group", groups, n_images)
    return evaluate_multi_label(
        estimator,
        X,
        y,
        name_images(X, n_images),
        target_names=target_names,
        groups=groups,
        draws=draws,
    )


def _encode(labels, classes):
    """Places of labels in classes, and behind them those of labels that are not there.

    As objects: numpy would take the number 1 and the text "1" for the same.
    """
    known = make_index(classes.astype(object))
    labels = labels.astype(object)
    code = known.get_indexer(labels)
    unseen = code < 0
    new_code, new = pd.factorize(labels[unseen], use_na_sentinel=False)
    # In the order of their names, as the images come in any.
    order = np.argsort(np.array([str(name) for name in new]), kind="stable")
    place = np.empty(len(new), dtype=np.intp)
    place[order] = np.arange(len(new))
    code[unseen] = len(classes) + place[new_code]
    return code, np.asarray(new, dtype=object)[order]


def _encode_predictions(labels, classes, unseen, of_none):
    """Places of predictions in classes, or in unseen labels that of no class."""
    allowed = [*classes.tolist(), *([] if of_none is None else [of_none])]
    code, strange = _encode(np.asarray(labels), np.array(allowed, dtype=object))
    if len(strange):
        raise ValueError(
            "evaluate needs predictions that are among the estimator's classes. Got "
            f"{strange[0]!r}; its classes_ do not fit its predict."
        )
    if of_none is not None:
        place = len(classes) + unseen.tolist().index(of_none)
        code[code == len(classes)] = place
    return code


def _refuse_labels(unseen, classes):
    shown = ", ".join(map(repr, unseen[:5].tolist()))
    known = ", ".join(map(repr, classes[:5].tolist()))
    raise ValueError(
        f"evaluate needs labels that the estimator was fitted on ({known}"
        f"{' ...' if len(classes) > 5 else ''}). Got {shown}; use the same names "
        "and order of classes as in training, or unknown='table' to count them as "
        "mistakes."
    )


def _name_classes(classes, target_names):
    if target_names is None:
        return classes.astype(object)
    names = np.asarray(check_class_names(target_names, "target_names"), dtype=object)
    are_places = classes.dtype.kind in "iu" and classes.min() >= 0
    if not are_places or classes.max() >= len(names):
        raise ValueError(
            "target_names name integer labels 0, 1, 2 ... Got "
            f"{len(names)} names for labels {classes.tolist()}."
        )
    return names[classes]


def name_images(X, n_images):
    """Paths and URLs where X holds them, row numbers elsewhere."""
    X = one_column(X)
    if getattr(X, "ndim", 1) > 1:
        return np.arange(n_images)
    sources = map(source_of, X)
    return [s.name if s.is_stored else row for row, s in enumerate(sources)]


def _metrics(outcome, top_k):
    once = np.ones((1, len(outcome.true)), dtype=np.int32)
    found = count_scores(outcome, once) | image_scores(outcome, once, top_k)
    if outcome.scores is not None:
        found |= ranking_means(ranking_of_classes(outcome, once))
    n_known = len(outcome.names) if outcome.scores is None else outcome.scores.shape[1]
    top = [f"top_{top_k}_accuracy"] if n_known > top_k else []
    names = [*COUNT_SCORES, *IMAGE_SCORES, *top, *RANKING_SCORES]
    values = {
        name: float(found[name][0]) if name in found else np.nan for name in names
    }
    return make_series(values | {"n_images": len(outcome.true)})


def _unmatched(outcome, n_classes, of_none):
    n_names = len(outcome.names)
    counts = np.bincount(outcome.true, minlength=n_names)
    of_model = np.arange(n_names) < n_classes
    if of_none is not None:
        of_model |= outcome.names == of_none
    table = make_frame(
        {
            "in": np.where(of_model, "model", "images"),
            "n_images": counts,
            "n_predicted": np.bincount(outcome.predicted, minlength=n_names),
        },
        index=make_index(outcome.names, name="class"),
    )
    return table[~of_model | (counts == 0)]
