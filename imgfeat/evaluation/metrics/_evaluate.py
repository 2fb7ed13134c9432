"""Evaluate a fitted classifier: metrics, confusions, and the mistakes by file name."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.metrics import (
    accuracy_score,
    confusion_matrix,
    log_loss,
    precision_recall_fscore_support,
)

from imgfeat._typing import ArrayLike, ImageBatch
from imgfeat.sources._frame import one_column
from imgfeat.sources._images import refuse_one_image


@dataclass(frozen=True, repr=False)
class Evaluation:
    """What `evaluate` found.

    Attributes
    ----------
    metrics : Series
        ``accuracy``, ``balanced_accuracy``, ``precision_macro``, ``recall_macro``,
        ``f1_macro``, ``log_loss`` (nats; NaN without probabilities) and ``n_images``.
    per_class : DataFrame
        A row a class: ``precision``, ``recall``, ``f1``, ``n_images``.
    confusion : DataFrame
        Counts; a row a true class, a column a predicted one.
    predictions : DataFrame
        A row an image, in the order of X: ``image`` (path, or row number), ``true``,
        ``predicted``, ``probability`` of the predicted class (NaN without).
    mistakes : DataFrame
        The wrong rows of ``predictions``, the surest first; the index is the row in X.
    """

    metrics: pd.Series
    per_class: pd.DataFrame
    confusion: pd.DataFrame
    predictions: pd.DataFrame
    mistakes: pd.DataFrame

    def __repr__(self):
        return (
            f"Evaluation of {self.metrics['n_images']:.0f} images: accuracy "
            f"{self.metrics['accuracy']:.3f}, {len(self.mistakes)} mistakes"
        )


def evaluate(
    estimator: BaseEstimator,
    X: ImageBatch,
    y: ArrayLike,
    *,
    target_names: Sequence[str] | None = None,
) -> Evaluation:
    """Score a fitted classifier on images that it has not seen.

    Parameters
    ----------
    estimator : fitted classifier
        Has ``predict``; probabilities are used where it has ``predict_proba``.
    X : images
        As the estimator takes them. Items that are paths name the mistakes.
    y : array-like of shape (n_samples,)
        True labels, of the kind that the estimator was fitted on.
    target_names : sequence of str, default=None
        Names to show for labels 0, 1, 2 ...

    Returns
    -------
    Evaluation

    Raises
    ------
    ValueError
        If X and y differ in length, or y holds a label that the estimator has never
        seen.

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
    refuse_one_image(X, "evaluate")
    y = np.asarray(y)
    n_images = X.shape[0] if hasattr(X, "shape") else len(X)
    if y.shape != (n_images,):
        raise ValueError(
            f"evaluate needs one label an image. Got {n_images} images and labels of "
            f"shape {y.shape}."
        )
    classes = np.asarray(estimator.classes_)
    _check_labels(y, classes)
    names = _name_classes(classes, target_names)
    proba = estimator.predict_proba(X) if hasattr(estimator, "predict_proba") else None
    predicted = estimator.predict(X)
    true_code = np.searchsorted(classes, y)
    predicted_code = np.searchsorted(classes, predicted)

    predictions = pd.DataFrame(
        {
            "image": _name_images(X, n_images),
            "true": names[true_code],
            "predicted": names[predicted_code],
            "probability": np.nan
            if proba is None
            else proba[np.arange(n_images), predicted_code],
        }
    )
    wrong = predictions[true_code != predicted_code]
    labels = np.arange(len(classes))
    confusion = confusion_matrix(true_code, predicted_code, labels=labels)
    return Evaluation(
        metrics=_metrics(true_code, predicted_code, proba, labels),
        per_class=_per_class(true_code, predicted_code, labels, names),
        confusion=pd.DataFrame(
            confusion,
            index=pd.Index(names, name="true"),
            columns=pd.Index(names, name="predicted"),
        ),
        predictions=predictions,
        mistakes=wrong.sort_values("probability", ascending=False, kind="stable"),
    )


def _check_labels(y, classes):
    unknown = np.setdiff1d(y, classes)
    if len(unknown):
        shown = ", ".join(map(repr, unknown[:5].tolist()))
        known = ", ".join(map(repr, classes[:5].tolist()))
        raise ValueError(
            f"evaluate needs labels that the estimator was fitted on ({known}"
            f"{' ...' if len(classes) > 5 else ''}). Got {shown}; use the same names "
            "and order of classes as in training."
        )


def _name_classes(classes, target_names):
    if target_names is None:
        return classes.astype(object)
    names = np.asarray(target_names, dtype=object)
    if classes.dtype.kind not in "iu" or classes.max() >= len(names):
        raise ValueError(
            "target_names name integer labels 0, 1, 2 ... Got "
            f"{len(names)} names for labels {classes.tolist()}."
        )
    return names[classes]


def _name_images(X, n_images):
    """Paths where X holds paths, row numbers elsewhere."""
    X = one_column(X)
    if getattr(X, "ndim", 1) > 1:
        return np.arange(n_images)
    return [
        os.fspath(item) if isinstance(item, str | os.PathLike) else row
        for row, item in enumerate(X)
    ]


def _metrics(true, predicted, proba, labels):
    precision, recall, f1, _ = precision_recall_fscore_support(
        true, predicted, average="macro", zero_division=0
    )
    present = np.isin(labels, true)
    recalls = precision_recall_fscore_support(
        true, predicted, labels=labels, zero_division=0
    )[1]
    return pd.Series(
        {
            "accuracy": accuracy_score(true, predicted),
            # scikit-learn's own warns when a predicted class is not among the true.
            "balanced_accuracy": recalls[present].mean(),
            "precision_macro": precision,
            "recall_macro": recall,
            "f1_macro": f1,
            "log_loss": np.nan
            if proba is None
            else log_loss(true, proba, labels=labels),
            "n_images": len(true),
        }
    )


def _per_class(true, predicted, labels, names):
    columns = precision_recall_fscore_support(
        true, predicted, labels=labels, zero_division=0
    )
    table = dict(zip(("precision", "recall", "f1", "n_images"), columns, strict=True))
    return pd.DataFrame(table, index=pd.Index(names, name="class"))
