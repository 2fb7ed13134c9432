"""Steps from rows to rows, as operators; what is linear is folded."""

import numpy as np

from imgfeat.deploy.onnx._folded_rows import Rows
from imgfeat.deploy.onnx._unportable import refuse

_TINY = 10 * np.finfo(np.float64).eps  # what scikit-learn takes for zero


def standardize(graph, step, rows, name):
    """A StandardScaler, or a RobustScaler, whose attributes have other names."""
    center = getattr(step, "mean_", getattr(step, "center_", None))
    scale = np.ones(rows.width) if step.scale_ is None else step.scale_
    with_center = getattr(step, "with_mean", getattr(step, "with_centering", False))
    center = center if with_center and center is not None else np.zeros(rows.width)
    factor = 1 / np.asarray(scale, dtype=np.float64)
    return rows.apply(factor, -np.asarray(center, dtype=np.float64) * factor)


def scale_to_range(graph, step, rows, name):
    """A MinMaxScaler."""
    scaled = rows.apply(step.scale_, step.min_)
    if not step.clip:
        return scaled
    ends = map(np.float64, step.feature_range)
    return Rows(graph.op("Clip", scaled.value(graph), *ends), rows.width)


def scale_to_one(graph, step, rows, name):
    """A MaxAbsScaler."""
    if getattr(step, "clip", False):
        why = "clip=True is not written"
        refuse(name, step, why, "fit with clip=False")
    return rows.apply(1 / np.asarray(step.scale_, dtype=np.float64), 0.0)


def normalize(graph, step, rows, name):
    """A Normalizer: each row to length one; rows of zeros stay."""
    op, value = graph.op, rows.value(graph)
    size = op("Abs", value)
    if step.norm == "l1":
        length = op("ReduceSum", size, [1], keepdims=1)
    elif step.norm == "max":
        length = op("ReduceMax", size, [1], keepdims=1)
    else:
        squares = op("ReduceSum", op("Mul", value, value), [1], keepdims=1)
        length = op("Sqrt", squares)
    is_zero = op("Less", length, np.float64(_TINY))
    length = op("Where", is_zero, np.float64(1), length)
    return Rows(op("Div", value, length), rows.width)


def project(graph, step, rows, name):
    """A PCA or IncrementalPCA."""
    components = np.asarray(step.components_, dtype=np.float64)
    mean = np.zeros(rows.width) if step.mean_ is None else step.mean_
    if step.whiten:
        spread = np.sqrt(np.asarray(step.explained_variance_, dtype=np.float64))
        spread = np.maximum(spread, np.finfo(np.float64).eps)
        components = components / spread[:, None]
    return rows.apply(components.T, -np.asarray(mean, np.float64) @ components.T)


def rotate(graph, step, rows, name):
    """A TruncatedSVD, or a RowSpace, which may let rows pass."""
    if step.components_ is None:
        return rows
    return rows.apply(np.asarray(step.components_, dtype=np.float64).T, 0.0)


def select(graph, step, rows, name):
    """A selector of columns."""
    chosen = np.asarray(step.get_support(indices=True), dtype=np.int64)
    if rows.pending is not None and rows.pending.scale.ndim == 2:
        picked = rows.pending.scale[:, chosen], rows.pending.shift[chosen]
        return Rows(rows.name, rows.pending.scale.shape[0]).apply(*picked)
    name = graph.op("Gather", rows.value(graph), chosen, axis=1)
    return Rows(name, len(chosen))


def join(graph, parts):
    """Rows side by side.

    Parameters
    ----------
    parts : list of (Rows, float)
        With a weight each.
    """
    values = [
        (rows if weight == 1 else rows.apply(np.full(rows.width, weight), 0.0)).value(
            graph
        )
        for rows, weight in parts
    ]
    width = sum(rows.width for rows, _ in parts)
    return Rows(graph.op("Concat", *values, axis=1), width)
