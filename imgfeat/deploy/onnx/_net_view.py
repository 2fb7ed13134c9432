"""What a net sees of images of any size, as operators; `Preprocessing` has the rule."""

from dataclasses import replace

import numpy as np

from imgfeat.deploy.onnx._resampling import resample


def view_of(graph, planes, preprocessing, view):
    """Resize and cut as `Preprocessing.apply` does.

    Parameters
    ----------
    graph : Graph
    planes : Planes
    preprocessing : Preprocessing
    view : View

    Returns
    -------
    str
        Of uint8 values of shape (n, height, width, 3).
    """
    if planes.n_channels == 1:
        planes = replace(
            planes, name=graph.op("Expand", planes.name, [1, 3, 1, 1]), n_channels=3
        )
    whole = _resized(graph, preprocessing, *planes.sides(graph))
    corner = [
        _corner(graph, *axis)
        for axis in zip(whole, preprocessing.size, view.place, strict=True)
    ]
    seen = resample(
        graph,
        planes,
        whole,
        corner,
        preprocessing.size,
        preprocessing.interpolation,
        _around(preprocessing),
    )
    name = seen.name
    if view.is_mirrored:
        width = preprocessing.size[1]
        name = graph.op("Gather", name, np.arange(width)[::-1].copy(), axis=3)
    turned = graph.op("Transpose", name, perm=[0, 2, 3, 1])
    return graph.cast(turned, np.uint8)


def _around(preprocessing):
    """The color beyond the image, where it may be smaller than the view."""
    if preprocessing.crop <= 1 and preprocessing.crop_mode != "border":
        return None
    return preprocessing.around()


def _resized(graph, preprocessing, height, width):
    tall, wide = least = preprocessing.least_sides()
    op = graph.op
    if preprocessing.crop_mode == "squash":
        return least
    y, x = (graph.cast(op("Add", side, 0), np.float64) for side in (height, width))
    if preprocessing.crop_mode == "center" and tall == wide:
        is_upright = op("Less", x, y)
        side = np.float64(tall)
        scaled = [
            op("Floor", op("Div", op("Mul", side, a), b)) for a, b in ((y, x), (x, y))
        ]
        rows = op("Where", is_upright, scaled[0], side)
        cols = op("Where", is_upright, side, scaled[1])
        return [graph.cast(sides, np.int64) for sides in (rows, cols)]
    decisive = "Max" if preprocessing.crop_mode == "border" else "Min"
    by_axis = [
        op("Div", *axis) for axis in ((y, np.float64(tall)), (x, np.float64(wide)))
    ]
    ratio = op(decisive, *by_axis)
    sides = [op("Round", op("Div", side, ratio)) for side in (y, x)]
    return [graph.cast(op("Max", np.float64(1), side), np.int64) for side in sides]


def _corner(graph, whole, part, share):
    """Where a view begins on one axis."""
    op = graph.op
    rest = graph.cast(op("Sub", whole, part), np.float64)
    inside = op("Round", op("Mul", rest, np.float64(share)))
    beyond = op("Neg", op("Floor", op("Mul", rest, np.float64(-0.5))))
    is_inside = op("GreaterOrEqual", rest, np.float64(0))
    return graph.cast(op("Where", is_inside, inside, beyond), np.int64)
