"""An OpenSet as operators: how far images are from those of the training."""

from dataclasses import replace

import numpy as np

from imgfeat.deploy.onnx._folded_rows import Rows
from imgfeat.deploy.onnx._unportable import refuse
from imgfeat.deploy.onnx._verdicts import both_sides, most_of, softmax


def judge_open(graph, model, verdict, features, name):
    """What an OpenSet makes of what its pipeline says.

    Parameters
    ----------
    graph : Graph
    model : OpenSet
        Fitted.
    verdict : Verdict
        Of its pipeline.
    features : Rows
        What the pipeline's classifier is given, before it is scaled.
    name : str

    Returns
    -------
    Verdict
        Whose label is the number of classes where an image is unknown.
    """
    if not isinstance(features, Rows):
        refuse(name, model, "it compares images", "put HOG or CNNEmbedding in front")
    op = graph.op
    shares = _shares(graph, model, verdict)
    distance = _distance(graph, model.neighbors_, features)
    known = op("LessOrEqual", distance, np.float64(model.threshold_))
    n_classes = len(model.classes_)
    label = op("Where", known, most_of(graph, shares), n_classes)
    sets = op("GreaterOrEqual", shares, np.float64(model.min_probability_))
    extra = {
        "known": (known, bool, ["n"]),
        "score": (graph.cast(distance, np.float32), np.float32, ["n"]),
        "sets": (sets, bool, ["n", n_classes]),
    }
    return replace(verdict, label=label, probabilities=shares, extra=extra)


def _shares(graph, model, verdict):
    """Probabilities of the pipeline, or a softmax of its decisions."""
    if verdict.probabilities is not None:
        return verdict.probabilities
    scores = verdict.decisions
    if len(model.classes_) == 2:
        scores = both_sides(graph, scores, 0.5)
    return softmax(graph, graph.op("Div", scores, np.float64(model.temperature_)))


def _distance(graph, neighbors, features):
    """Mean distance of rows of length one to the nearest references, (n,)."""
    op = graph.op
    value = features.value(graph)
    squares = op("ReduceSum", op("Mul", value, value), [1], keepdims=1)
    length = op("Sqrt", squares)
    is_zero = op("Equal", length, np.float64(0))
    length = op("Where", is_zero, np.float64(1), length)
    unit = graph.cast(op("Div", value, length), np.float32)  # as references are
    unit = graph.cast(unit, np.float64)
    references = np.asarray(neighbors._fit_X, dtype=np.float64)
    squares = op("ReduceSum", op("Mul", unit, unit), [1], keepdims=1)
    squares = op("Add", squares, np.einsum("ij,ij->i", references, references)[None])
    products = op("MatMul", unit, references.T)
    apart = op("Sub", squares, op("Mul", products, np.float64(2)))
    nearest = op("TopK", apart, [neighbors.n_neighbors], axis=1, largest=0)
    lengths = op("Sqrt", op("Max", nearest, np.float64(0)))
    return op("ReduceMean", lengths, [1], keepdims=0)
