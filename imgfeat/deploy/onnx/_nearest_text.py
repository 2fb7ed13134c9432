"""A ZeroShotClassifier as operators: cosines with the vectors of its classes."""

import numpy as np

from imgfeat.deploy.onnx._verdicts import Verdict, most_of, softmax


def judge_zero_shot(graph, model, rows, name):
    """Logits, and their softmax; of SigLIP's, of logarithms of what matches."""
    op = graph.op
    value = rows.value(graph)
    squares = op("ReduceSum", op("Mul", value, value), [1], keepdims=1)
    length = op("Sqrt", squares)
    is_zero = op("Equal", length, np.float64(0))
    unit = op("Div", value, op("Where", is_zero, np.float64(1), length))
    vectors = np.asarray(model.class_vectors_, dtype=np.float64).T
    logits = op("MatMul", unit, vectors * model.logit_scale)
    logits = op("Add", logits, np.float64(model.logit_bias))
    found = logits if model.activation == "softmax" else _log_sigmoid(op, logits)
    decisions = logits
    if len(model.classes_) == 2:
        decisions = op("MatMul", logits, np.array([[-1.0], [1.0]]))
    return Verdict(most_of(graph, logits), decisions, softmax(graph, found))


def _log_sigmoid(op, logits):
    """By what cannot overflow: min(x, 0) - log(1 + exp(-|x|))."""
    small = op("Exp", op("Neg", op("Abs", logits)))
    rest = op("Log", op("Add", small, np.float64(1)))
    return op("Sub", op("Min", logits, np.float64(0)), rest)
