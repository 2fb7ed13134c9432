"""One candidate on one fold: fitted, timed, scored."""

import time
from dataclasses import dataclass

import numpy as np
from sklearn.base import clone
from sklearn.metrics import check_scoring
from sklearn.pipeline import Pipeline

from imgfeat._interrupts import noticing_interrupts
from imgfeat._sklearn import safe_indexing
from imgfeat.estimators._class_scores import shares_of_labels
from imgfeat.evaluation.comparison._fold_answers import (
    numbers_of,
    to_score,
    unknown_of,
)
from imgfeat.evaluation.comparison._fronts import owed_seconds
from imgfeat.evaluation.comparison._metadata import fit_with, take
from imgfeat.evaluation.comparison._sent_features import SentFeatures


@dataclass(frozen=True)
class FoldResult:
    """What became of a candidate on a fold.

    Attributes
    ----------
    name : str
        Of the candidate.
    fold : int
    scores : dict of str to float
        Empty if it failed; NaN for a scorer that did.
    fit_s, predict_s : float
        Seconds of the fit, and of labelling an image, features not counted.
    probabilities : ndarray of shape (n_test, n_classes) or None
        In the order of all classes, 0 for those that the fold did not train on.
    decided : ndarray of int or None
        What it predicts, as `numbers_of` has it.
    unknown : str, int, float or None
        Its label of images of no class.
    error : str or None
        Why it, or the first scorer that did, failed.
    """

    name: str
    fold: int
    scores: dict
    fit_s: float = np.nan
    predict_s: float = np.nan
    probabilities: np.ndarray | None = None
    decided: np.ndarray | None = None
    unknown: str | int | float | None = None
    error: str | None = None


def run_fold(name, model, features, y, fold, rows, scorers, metadata):
    """Fit and score a candidate on a fold; an error of its own is a result too.

    Parameters
    ----------
    name : str
    model : classifier
        Of features; it stays unfitted.
    features : array-like of all images, or SentFeatures
    y : ndarray of all labels
    fold : int
    rows : tuple of (ndarray, ndarray)
        Those to train on, those to test on.
    scorers : dict of str to scorer
    metadata : dict of str to (ndarray of all images or None)
        Groups and sample weights, for models that request them.

    Returns
    -------
    FoldResult
    """
    try:
        return _run(name, model, features, y, fold, rows, scorers, metadata)
    except Exception as error:  # noqa: BLE001 - whatever it is, the others go on
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        return FoldResult(name, fold, {}, error=reason)


def _run(name, model, features, y, fold, rows, scorers, metadata):
    train, test = rows
    model = clone(model)
    if isinstance(features, SentFeatures):
        features = features.arrive()
    start = time.perf_counter()
    with noticing_interrupts() as interrupts:
        of_train = take(metadata, train)
        fit_with(model, safe_indexing(features, train), y[train], of_train)
    interrupts.raise_again()  # some nets catch Ctrl-C, and would be scored
    owed_s = owed_seconds(model)
    fit_s = time.perf_counter() - start + owed_s
    held_out = safe_indexing(features, test)
    start = time.perf_counter()
    said = model.predict(held_out)
    passed_s = time.perf_counter() - start + owed_seconds(model) - owed_s
    predict_s = max(passed_s, 0.0) / len(test)
    unknown = unknown_of(model)
    decided, shares = numbers_of(said, y, unknown), _probabilities(model, held_out, y)
    answering = to_score(model, decided, shares, y)
    scores, error = _score(answering, held_out, y[test], scorers)
    if shares is not None:
        shares = shares.astype(np.float32)
    return FoldResult(
        name,
        fold,
        scores,
        fit_s,
        predict_s,
        probabilities=shares,
        decided=decided,
        unknown=unknown,
        error=error,
    )


def _score(model, held_out, y, scorers):
    """Scores by name, NaN for a scorer that cannot, and why the first one cannot."""
    try:
        found = _answer(model, held_out, y, scorers)
    except AttributeError:  # together they fail if one needs what the model has not
        found = {}
        for name, scorer in scorers.items():
            found |= _answer(model, held_out, y, {name: scorer})
    scores, reasons = {}, []
    for name, value in found.items():
        failed = isinstance(value, str)  # a traceback, as text
        scores[name] = np.nan if failed else float(value)
        if failed:
            reasons.append(_reason(name, value, model))
    return scores, reasons[0] if reasons else None


def _answer(model, held_out, y, scorers):
    score_all = check_scoring(model, scoring=scorers, raise_exc=False)
    return score_all(model, held_out, y)


def _reason(name, traceback, model):
    last = traceback.strip().splitlines()[-1]
    if "predict_proba" in last:
        kind = type(model[-1] if isinstance(model, Pipeline) else model).__name__
        return (
            f"{name} needs probabilities, which {kind} has not; put it into "
            "CalibratedClassifierCV, or score by another"
        )
    return f"{name} cannot be had: {last}"


def _probabilities(model, held_out, y):
    if not hasattr(model, "predict_proba"):
        return None
    if y.ndim == 2:
        return shares_of_labels(model.predict_proba(held_out), model.classes_)
    classes = np.unique(y)
    found = np.zeros((len(held_out), len(classes)))
    found[:, np.searchsorted(classes, model.classes_)] = model.predict_proba(held_out)
    return found
