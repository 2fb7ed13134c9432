"""Support vector machines with a kernel, as operators in float64."""

from itertools import combinations

import numpy as np

from imgfeat.deploy.onnx._unportable import refuse
from imgfeat.deploy.onnx._verdicts import Verdict, most_of


def judge_by_vectors(graph, model, rows, name):
    """A SVC or a NuSVC."""
    if model.kernel not in _KERNELS:
        why = f"kernel={model.kernel!r} is not written"
        refuse(name, model, why, f"use one of {', '.join(_KERNELS)}")
    if model.probability not in (False, "deprecated"):
        why = "probability=True has probabilities that libsvm finds step by step"
        refuse(name, model, why, "put CalibratedClassifierCV around it, without that")
    kernel = _KERNELS[model.kernel](graph, model, rows)
    if len(model.classes_) == 2:
        decisions = _decide(graph, kernel, model.dual_coef_, model.intercept_)
        is_second = graph.op("GreaterOrEqual", decisions, np.float64(0))
        label = graph.cast(graph.op("Reshape", is_second, [-1]), np.int64)
        return Verdict(label, decisions)
    return _judge_pairs(graph, model, kernel)


def _judge_pairs(graph, model, kernel):
    """One class against one: each pair has a vote; the first with the most wins."""
    op = graph.op
    pairs = list(combinations(range(len(model.classes_)), 2))
    decisions = _decide(graph, kernel, _pair_weights(model, pairs), model.intercept_)
    for_first, for_second = np.zeros((2, len(pairs), len(model.classes_)))
    for place, (i, j) in enumerate(pairs):
        for_first[place, i] = for_second[place, j] = 1
    # libsvm's own votes, which may tie otherwise than those below.
    won = graph.cast(op("Greater", decisions, np.float64(0)), np.float64)
    lost = op("Sub", np.float64(1), won)
    label = most_of(graph, _sum(op, won, for_first, lost, for_second))
    if model.decision_function_shape == "ovo":
        return Verdict(label, decisions)
    # As scikit-learn's _ovr_decision_function.
    below = graph.cast(op("Less", decisions, np.float64(0)), np.float64)
    not_below = op("Sub", np.float64(1), below)
    votes = _sum(op, not_below, for_first, below, for_second)
    sums = op("MatMul", decisions, for_first - for_second)
    most = op("Mul", op("Add", op("Abs", sums), np.float64(1)), np.float64(3))
    scores = op("Add", votes, op("Div", sums, most))
    if model.break_ties:
        label = most_of(graph, scores)
    return Verdict(label, scores)


def _sum(op, first, weights, second, others):
    return op("Add", op("MatMul", first, weights), op("MatMul", second, others))


def _decide(graph, kernel, weights, intercept):
    weights = np.asarray(weights, dtype=np.float64)
    return graph.op("Add", graph.op("MatMul", kernel, weights.T), np.float64(intercept))


def _pair_weights(model, pairs):
    """Weights of all vectors in the decision of each pair of classes."""
    ends = np.cumsum(model.n_support_)
    of_class = [
        slice(end - n, end) for end, n in zip(ends, model.n_support_, strict=True)
    ]
    weights = np.zeros((len(pairs), len(model.support_vectors_)))
    for place, (i, j) in enumerate(pairs):
        weights[place, of_class[i]] = model.dual_coef_[j - 1, of_class[i]]
        weights[place, of_class[j]] = model.dual_coef_[i, of_class[j]]
    return weights


def _linear(graph, model, rows):
    vectors = np.asarray(model.support_vectors_, dtype=np.float64)
    return graph.op("MatMul", rows.value(graph), vectors.T)


def _rbf(graph, model, rows):
    op = graph.op
    vectors = np.asarray(model.support_vectors_, dtype=np.float64)
    # Distances as differences of squares, which are small around the middle.
    middle = vectors.mean(axis=0)
    vectors = vectors - middle
    values = rows.apply(np.ones(rows.width), -middle).value(graph)
    squares = op("ReduceSum", op("Mul", values, values), [1], keepdims=1)
    squares = op("Add", squares, np.einsum("ij,ij->i", vectors, vectors)[None])
    products = op("MatMul", values, vectors.T)
    distances = op("Sub", squares, op("Mul", products, np.float64(2)))
    distances = op("Max", distances, np.float64(0))
    return op("Exp", op("Mul", distances, np.float64(-model._gamma)))


def _inner(graph, model, rows):
    scaled = graph.op("Mul", _linear(graph, model, rows), np.float64(model._gamma))
    return graph.op("Add", scaled, np.float64(model.coef0))


def _poly(graph, model, rows):
    return graph.op("Pow", _inner(graph, model, rows), np.float64(model.degree))


# The hyperbolic tangent by exponentials, which are there in float64 everywhere.
def _sigmoid(graph, model, rows):
    op = graph.op
    double = op("Mul", _inner(graph, model, rows), np.float64(2))
    share = op("Div", np.float64(2), op("Add", op("Exp", double), np.float64(1)))
    return op("Sub", np.float64(1), share)


_KERNELS = {"linear": _linear, "rbf": _rbf, "poly": _poly, "sigmoid": _sigmoid}
