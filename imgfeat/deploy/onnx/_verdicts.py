"""What a classifier says in a graph, and the ways from decisions to probabilities."""

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Verdict:
    """Names of float64 and int64 values.

    Parameters
    ----------
    label : str
        Index of the class, (n,); of several labels an image 1 for each that it has,
        (n, n_classes).
    decisions : str, optional
        (n, n_classes), or (n, 1) for two classes, of the second.
    probabilities : str, optional
        (n, n_classes).
    extra : dict of str to (str, dtype, list)
        Other outputs by name: the value, what it holds, and its shape.
    """

    label: str
    decisions: str | None = None
    probabilities: str | None = None
    extra: dict = field(default_factory=dict)


def decide(graph, rows, coef, intercept):
    """Linear decisions, a column a row of `coef`."""
    coef = np.atleast_2d(np.asarray(coef, dtype=np.float64))
    return rows.apply(coef.T, np.ravel(intercept)).value(graph)


def most_of(graph, scores):
    """Index of the largest in each row, the first among equals."""
    return graph.op("ArgMax", scores, axis=1, keepdims=0)


def side_of(graph, decisions):
    """1 for decisions above zero, of shape (n, 1), else 0."""
    flat = graph.op("Reshape", decisions, [-1])
    return graph.cast(graph.op("Greater", flat, np.float64(0)), np.int64)


def each_above(graph, scores, bounds):
    """Of several labels, 1 for each score above its bound, else 0."""
    bounds = np.asarray(bounds, dtype=np.float64)
    return graph.cast(graph.op("Greater", scores, bounds), np.int64)


def both_sides(graph, decisions, factor=1.0):
    """Columns for both of two classes: ``-d, d``, times a factor."""
    signs = np.array([[-factor, factor]], dtype=np.float64)
    return graph.op("Mul", decisions, signs)


def softmax(graph, scores):
    """Shares of the classes."""
    return graph.op("Softmax", scores, axis=1)


def sigmoid(graph, scores):
    """Share of one, for each number by itself."""
    minus = graph.op("Exp", graph.op("Neg", scores))
    return graph.op("Div", np.float64(1), graph.op("Add", np.float64(1), minus))


def with_rest(graph, share):
    """Columns for both of two classes, from the share of the second, (n, 1)."""
    rest = graph.op("Sub", np.float64(1), share)
    return graph.op("Concat", rest, share, axis=1)


def shares(graph, scores, n_classes):
    """Each row divided by its sum; even where that is zero."""
    total = graph.op("ReduceSum", scores, [1], keepdims=1)
    is_zero = graph.op("Equal", total, np.float64(0))
    total = graph.op("Where", is_zero, np.float64(1), total)
    divided = graph.op("Div", scores, total)
    return graph.op("Where", is_zero, np.float64(1 / n_classes), divided)
