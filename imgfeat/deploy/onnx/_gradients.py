"""HOG as operators, with the bins of `imgfeat.kernels.hog`."""

import numpy as np

from imgfeat._validation import check_shape_param
from imgfeat.deploy.onnx._folded_rows import Rows
from imgfeat.deploy.onnx._unportable import refuse
from imgfeat.kernels._block_norms import BLOCK_NORMS, CLIP, EPS
from imgfeat.kernels._hog_votes import REACH, STRIDE
from imgfeat.kernels.hog import bin_table

_MOST_BINS = 256  # that a table of bytes can tell apart


def describe_gradients(graph, step, planes, name):
    """A fitted HOG, from planes of a fixed size to rows."""
    if step.transform_sqrt:
        why = "transform_sqrt=True has gradients between those of 8 bits"
        refuse(name, step, why, "fit with transform_sqrt=False")
    if step.orientations > _MOST_BINS:
        refuse(name, step, "it has more than 256 orientations", "fit with fewer")
    if len(step.image_shape_in_) == 2:
        planes = planes.gray(graph)
    cell = check_shape_param(step.pixels_per_cell, "pixels_per_cell")
    block = check_shape_param(step.cells_per_block, "cells_per_block")
    down, across = _gradients(graph, planes)
    histogram = _vote(graph, down, across, int(step.orientations), cell)
    cells = [side // part for side, part in zip(planes.size, cell, strict=True)]
    blocks = [c - b + 1 for c, b in zip(cells, block, strict=True)]
    described = _normalize(graph, histogram, blocks, block, step.block_norm)
    width = int(np.prod(blocks) * np.prod(block) * step.orientations)
    rows = graph.op("Reshape", described, [-1, width])
    return Rows(graph.cast(rows, np.float64), width)


def _gradients(graph, planes):
    """Central differences, zero at the border, of the channel where they are longest.

    Whole numbers in float32, (n, 1, height, width) each.
    """
    down = _difference(graph, planes.name, 2)
    across = _difference(graph, planes.name, 3)
    if planes.n_channels == 1:
        return down, across
    # The first of the longest, by a key that float32 holds exactly.
    best = graph.op("ArgMax", _length_key(graph, down, across), axis=1, keepdims=1)
    return [graph.op("GatherElements", part, best, axis=1) for part in (down, across)]


def _difference(graph, planes, axis):
    ahead = graph.op("Slice", planes, [2], [2**31 - 1], [axis])
    behind = graph.op("Slice", planes, [0], [-2], [axis])
    pads = np.zeros(8, dtype=np.int64)
    pads[[axis, axis + 4]] = 1
    return graph.op("Pad", graph.op("Sub", ahead, behind), pads)


def _length_key(graph, down, across):
    """What orders gradients as ``np.hypot`` does, which may part equal squares."""
    op = graph.op
    square = op("Add", op("Mul", down, down), op("Mul", across, across))
    sides = [op("Abs", part) for part in (down, across)]
    index = op("Add", op("Mul", sides[0], np.float32(REACH + 1)), sides[1])
    nudges = op("Gather", hypot_nudges(), graph.cast(index, np.int64))
    nudges = graph.cast(nudges, np.float32)
    return op("Add", op("Mul", square, np.float32(4)), nudges)


def hypot_nudges():
    """By how much ``np.hypot`` of two bytes is above the root's own rounding.

    Returns
    -------
    ndarray of shape (256 * 256,), uint8
        0, 1 or 2, in units of the last place, from one below on.
    """
    side = np.arange(REACH + 1.0)
    root = np.sqrt(side[:, None] ** 2 + side**2)
    above = (np.hypot(side[:, None], side) - root) / np.spacing(root)
    return (np.rint(above) + 1).astype(np.uint8).ravel()


def _vote(graph, down, across, orientations, cell):
    """Mean gradient length per direction, (n, orientations, cell_rows, cell_cols)."""
    op = graph.op
    square = op("Add", op("Mul", down, down), op("Mul", across, across))
    index = op("Add", op("Mul", down, np.float32(STRIDE)), across)
    index = op("Add", index, np.float32(REACH * STRIDE + STRIDE // 2))
    table = bin_table(orientations)
    bins = op("Gather", table, graph.cast(index, np.int64))
    wanted = np.arange(orientations, dtype=np.int32).reshape(1, -1, 1, 1)
    is_bin = op("Equal", graph.cast(bins, np.int32), wanted)
    votes = op("Where", is_bin, op("Sqrt", square), np.float32(0))
    return op("AveragePool", votes, kernel_shape=cell, strides=cell)


def _normalize(graph, histogram, blocks, block, block_norm):
    """Every block of cells, scaled by its own length; cells and orientations last."""
    op = graph.op
    cells = []
    for row in range(block[0]):
        for col in range(block[1]):
            stops = [row + blocks[0], col + blocks[1]]
            part = op("Slice", histogram, [row, col], stops, [2, 3])
            part = op("Transpose", part, perm=[0, 2, 3, 1])
            cells.append(op("Unsqueeze", part, [3]))
    values = op("Concat", *cells, axis=3)  # (n, rows, cols, cells, orientations)
    norm = BLOCK_NORMS.index(block_norm)
    if norm < 2:
        total = op("ReduceSum", values, [3, 4], keepdims=1)
        values = op("Div", values, op("Add", total, np.float32(EPS)))
        return op("Sqrt", values) if norm == 1 else values
    values = _unit(graph, values)
    if norm == 3:
        values = _unit(graph, op("Min", values, np.float32(CLIP)))
    return values


def _unit(graph, values):
    squares = graph.op("Mul", values, values)
    total = graph.op("ReduceSum", squares, [3, 4], keepdims=1)
    length = graph.op("Sqrt", graph.op("Add", total, np.float32(EPS**2)))
    return graph.op("Div", values, length)
