"""Calibrated classifiers as operators: scikit-learn's CalibratedClassifierCV."""

import numpy as np

from imgfeat.deploy.onnx._unportable import refuse
from imgfeat.deploy.onnx._verdicts import (
    Verdict,
    both_sides,
    most_of,
    shares,
    sigmoid,
    softmax,
    with_rest,
)

_LIFT = 1e-12  # what scikit-learn adds to probabilities before their logarithm


def judge_calibrated(graph, model, values, name, judge):
    """Mean probabilities of the calibrated classifiers within.

    Parameters
    ----------
    judge : callable
        Gives the Verdict of a classifier within: ``judge(graph, model, values, name)``.
    """
    parts = []
    for one in model.calibrated_classifiers_:
        verdict = judge(graph, one.estimator, values, name)
        parts.append(_calibrate(graph, one, verdict, name))
    total = graph.op("Sum", *parts)
    mean = graph.op("Div", total, np.float64(len(parts)))
    return Verdict(most_of(graph, mean), None, mean)


def _calibrate(graph, one, verdict, name):
    """Probabilities, (n, n_classes), of one classifier with its calibrators."""
    is_binary = len(one.classes) == 2
    scores, n_columns = verdict.decisions, 1 if is_binary else len(one.classes)
    if scores is None:
        scores = verdict.probabilities
        if is_binary:
            scores = graph.op("Gather", scores, [1], axis=1)
    if not np.array_equal(one.estimator.classes_, one.classes):
        why = "a fold of it has seen fewer classes than there are"
        refuse(name, one, why, "fit with folds that have all classes")
    if one.method == "temperature":
        return _heat(graph, one.calibrators[0], scores, verdict, is_binary)
    columns = []
    for place in range(n_columns):
        column = graph.op("Gather", scores, [place], axis=1)
        curve = _sigmoid_curve if one.method == "sigmoid" else _steps_curve
        columns.append(curve(graph, one.calibrators[place], column))
    if is_binary:
        return with_rest(graph, columns[0])
    return shares(graph, graph.op("Concat", *columns, axis=1), n_columns)


def _sigmoid_curve(graph, curve, scores):
    scaled = graph.op("Mul", scores, np.float64(-curve.a_))
    return sigmoid(graph, graph.op("Add", scaled, np.float64(-curve.b_)))


def _steps_curve(graph, curve, scores):
    """An IsotonicRegression: straight from threshold to threshold, level beyond."""
    op = graph.op
    x = np.asarray(curve.X_thresholds_, dtype=np.float64)
    y = np.asarray(curve.y_thresholds_, dtype=np.float64)
    if len(y) == 1:
        return op("Add", op("Mul", scores, np.float64(0)), y[0])
    # The share of each piece that lies below a score, times how far it rises.
    part = op("Div", op("Sub", scores, x[None, :-1]), np.diff(x)[None])
    part = op("Clip", part, np.float64(0), np.float64(1))
    return op("Add", op("MatMul", part, np.diff(y)[:, None]), y[0])


def _heat(graph, scaling, scores, verdict, is_binary):
    """A softmax of scaled decisions, or of logarithms of probabilities."""
    if verdict.decisions is None:
        lifted = graph.op("Add", verdict.probabilities, np.float64(_LIFT))
        scores = graph.op("Log", lifted)
    elif is_binary:
        scores = both_sides(graph, scores)
    return softmax(graph, graph.op("Mul", scores, np.float64(scaling.beta_)))
