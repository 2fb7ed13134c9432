"""Evaluate a fitted classifier of several labels an image."""

import time

import numpy as np

from imgfeat._frames import make_frame, make_index, make_series
from imgfeat._target import Target, classes_of, gives_several, names_of_rows
from imgfeat.estimators._class_scores import shares_of_labels
from imgfeat.evaluation.metrics._multi_label_evaluation import MultiLabelEvaluation
from imgfeat.evaluation.metrics._multi_label_outcome import MultiLabelOutcome
from imgfeat.evaluation.metrics._multi_label_scores import (
    OF_COUNTS,
    OF_PROBABILITIES,
    label_scores,
    ranking_of_labels,
)
from imgfeat.evaluation.metrics._outcome import ranked_by
from imgfeat.evaluation.metrics._per_group import weigh_groups
from imgfeat.evaluation.metrics._scores import RANKING_SCORES, ranking_means, share_of
from imgfeat.sources._labelled import check_class_names


def evaluate_multi_label(estimator, X, y, images, *, target_names, groups, draws):
    """Score a classifier of several labels; the arguments are those of `evaluate`.

    Parameters
    ----------
    estimator : fitted classifier
    X : images
    y : labels of any kind that `Target` reads
    images : ndarray of shape (n_images,)
        Names to show.
    target_names : sequence of str or None
        Of the columns, where the estimator knows numbers only.
    groups : ndarray of shape (n_images,) or None
    draws : dict
        Of the bootstrap.

    Returns
    -------
    MultiLabelEvaluation
    """
    if not gives_several(estimator):
        raise ValueError(
            "evaluate needs labels of the kind that the estimator was fitted on. Got "
            "several an image, and a model that gives one; give one label an image, "
            "or a model fitted on a matrix of 0 and 1."
        )
    classes = _classes_of(estimator, target_names)
    target = Target.of(y, "evaluate", classes)
    if len(target) != len(images):
        raise ValueError(
            f"evaluate needs a row of labels an image. Got {len(images)} images and "
            f"{len(target)} rows."
        )
    start = time.perf_counter()
    predicted = np.asarray(estimator.predict(X))
    shape = target.values.shape
    if predicted.shape != shape or not np.isin(predicted, (0, 1)).all():
        raise ValueError(
            f"evaluate needs predictions of 0 and 1 of shape {shape}. Got shape "
            f"{predicted.shape}; its classes_ do not fit its predict."
        )
    proba, scores = _find_scores(estimator, X, shape)
    seconds = time.perf_counter() - start
    outcome = MultiLabelOutcome(
        target.values == 1, predicted == 1, proba, scores, classes
    )
    once = np.ones((1, len(images)), dtype=np.int32)
    ranks = None if scores is None else ranking_of_labels(outcome, once)
    predictions = _predictions(outcome, images)
    by = "loss" if proba is not None else "n_wrong"
    mistakes = predictions[~outcome.right]
    return MultiLabelEvaluation(
        metrics=_metrics(outcome, once, ranks),
        per_class=_per_class(outcome, ranks),
        confusion=_confusion(outcome),
        predictions=predictions,
        mistakes=mistakes.sort_values(by, ascending=False, kind="stable"),
        per_group=None if groups is None else _per_group(outcome, groups),
        unmatched=make_frame(columns=["in", "n_images", "n_predicted"]),
        ranked_by=ranked_by(proba, scores),
        _outcome=outcome,
        _images=X,
        _draws=draws,
        _seconds=seconds,
    )


def _classes_of(estimator, target_names):
    classes = classes_of(estimator)
    if target_names is None or classes.dtype.kind not in "iu":
        return classes
    names = np.asarray(check_class_names(target_names, "target_names"), dtype=object)
    if len(names) != len(classes):
        raise ValueError(
            "target_names name the columns of several labels. Got "
            f"{len(names)} names for {len(classes)} labels."
        )
    return names


def _find_scores(estimator, X, shape):
    if hasattr(estimator, "predict_proba"):
        proba = shares_of_labels(estimator.predict_proba(X), estimator.classes_)
        if proba.shape != shape or not np.isfinite(proba).all():
            raise ValueError(
                f"evaluate needs finite probabilities of shape {shape}, a column a "
                f"label. Got shape {proba.shape} from predict_proba."
            )
        return proba, proba
    if not hasattr(estimator, "decision_function"):
        return None, None
    values = np.asarray(estimator.decision_function(X), dtype=np.float64)
    is_of_labels = values.shape == shape and np.isfinite(values).all()
    return None, values if is_of_labels else None


def _predictions(outcome, images):
    has_shares = outcome.proba is not None
    return make_frame(
        {
            "image": images,
            "true": make_series(names_of_rows(outcome.true, outcome.names)),
            "predicted": make_series(names_of_rows(outcome.predicted, outcome.names)),
            "n_wrong": (outcome.true != outcome.predicted).sum(axis=1),
            "loss": outcome.losses.mean(axis=1) if has_shares else np.nan,
        }
    )


def _metrics(outcome, once, ranks):
    found = label_scores(outcome, once)
    if ranks is not None:
        found |= ranking_means(ranks)
    values = {
        name: float(found[name][0]) if name in found else np.nan
        for name in (*OF_COUNTS, *OF_PROBABILITIES, *RANKING_SCORES)
    }
    return make_series(values | {"n_images": len(outcome.true)})


def _per_class(outcome, ranks):
    found, false_alarms, missed, _ = outcome.counts()
    n_images = found + missed
    nothing = np.full((len(outcome.names), 2), np.nan)
    roc_auc, average_precision = (nothing if ranks is None else ranks[:, 0]).T
    has_shares = outcome.proba is not None
    return make_frame(
        {
            "precision": share_of(found, found + false_alarms),
            "recall": share_of(found, n_images),
            "f1": share_of(2 * found, 2 * found + false_alarms + missed),
            "roc_auc": roc_auc,
            "average_precision": average_precision,
            "log_loss": outcome.losses.mean(axis=0) if has_shares else np.nan,
            "brier": outcome.brier.mean(axis=0) if has_shares else np.nan,
            "n_images": n_images,
        },
        index=make_index(outcome.names, name="class"),
    )


def _confusion(outcome):
    names = ["found", "false_alarms", "missed", "rightly_without"]
    return make_frame(
        dict(zip(names, outcome.counts(), strict=True)),
        index=make_index(outcome.names, name="class"),
    )


def _per_group(outcome, groups):
    weights, found = weigh_groups(groups)
    scores = label_scores(outcome, weights)
    names = "accuracy", "hamming_loss", "f1_micro", "f1_macro"
    table = make_frame(
        {"n_images": weights.sum(axis=1)} | {name: scores[name] for name in names},
        index=make_index(found, name="group"),
    )
    return table.sort_values("f1_micro", kind="stable")
