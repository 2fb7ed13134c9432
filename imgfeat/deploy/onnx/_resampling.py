"""The one resize of the library, as operators: two products with matrices.

`imgfeat.kernels.resize` says what is computed; the weights of its filters follow in the
graph from the size of the images that come.
"""

from dataclasses import replace

import numpy as np

from imgfeat.kernels.resize import NUDGE, WEIGHT_BITS

_MIDDLE = np.float32(128)


def resample(graph, planes, whole, corner, size, interpolation, around=None):
    """Resize to a size, and cut a window out of that.

    Parameters
    ----------
    graph : Graph
    planes : Planes
    whole : pair of int or str
        Height and width of the whole resized image.
    corner : pair of int or str
        Top and left of the window; negative where it reaches beyond the image.
    size : tuple of (int, int)
        Height and width of the window.
    interpolation : str
    around : sequence of float, optional
        A value for each channel of what lies beyond the image; None if nothing does.

    Returns
    -------
    Planes
    """
    height, width = planes.sides(graph)
    rows = (height, whole[0], interpolation, corner[0], size[0])
    cols = (width, whole[1], interpolation, corner[1], size[1])
    if interpolation == "nearest":
        name = graph.op("Gather", planes.name, _nearest(graph, *rows), axis=2)
        name = graph.op("Gather", name, _nearest(graph, *cols), axis=3)
    else:
        # Rows first, and whole numbers between the two, as in the kernel. Every sum is
        # exact in float32; where filters overshoot, of pixels from -128 on.
        overshoots = interpolation in ("bicubic", "lanczos")
        name = graph.op("Sub", planes.name, _MIDDLE) if overshoots else planes.name
        lowest = np.float32(-128 if overshoots else 0)
        x = graph.op("Transpose", _weights(graph, *cols), perm=[1, 0])
        name = _round(graph, graph.op("MatMul", name, x), lowest)
        name = graph.op("MatMul", _weights(graph, *rows), name)
        name = _round(graph, name, lowest)
        name = graph.op("Add", name, _MIDDLE) if overshoots else name
    if around is not None:
        inside = graph.op(
            "And",
            graph.op("Unsqueeze", _is_inside(graph, whole[0], corner[0], size[0]), [1]),
            _is_inside(graph, whole[1], corner[1], size[1]),
        )
        colors = np.reshape(np.float32(around), (1, -1, 1, 1))
        name = graph.op("Where", inside, name, colors)
    return replace(planes, name=name, size=tuple(size))


def _round(graph, values, lowest):
    whole = graph.op("Floor", graph.op("Add", values, np.float32(0.5)))
    return graph.op("Clip", whole, lowest, lowest + np.float32(255))


def _places(graph, first, count):
    """The pixels of the resized image that a window has, along one axis; int64."""
    places = np.arange(count, dtype=np.int64)
    return graph.op("Add", first, places)


def _is_inside(graph, n_out, first, count):
    places = _places(graph, first, count)
    return graph.op(
        "And", graph.op("GreaterOrEqual", places, 0), graph.op("Less", places, n_out)
    )


def _nearest(graph, n_in, n_out, interpolation, first, count):
    """Which pixel of the image each one of the window is; adds up steps, as Pillow."""
    step = graph.op("Div", _double(graph, n_in), _double(graph, n_out))
    places = graph.op("Range", 0, n_out, 1)
    is_first = graph.op("Equal", places, 0)
    half = graph.op("Mul", step, np.float64(0.5))
    sums = graph.op("CumSum", graph.op("Where", is_first, half, step), 0)
    last = graph.op("Sub", n_in, 1)
    found = graph.op("Min", graph.cast(sums, np.int64), last)
    wanted = _places(graph, first, count)
    highest = graph.op("Sub", n_out, 1)
    return graph.op("Gather", found, graph.op("Clip", wanted, 0, highest))


def _weights(graph, n_in, n_out, interpolation, first, count):
    """The matrix that filters along one axis, (count, n_in), float32.

    Each step as in `imgfeat.kernels.resize._weights`, in float64 up to the end.
    """
    kernel, reach = _FILTERS[interpolation]
    op = graph.op
    scale = op("Div", _double(graph, n_in), _double(graph, n_out))
    stretch = op("Max", scale, np.float64(1))
    reach = op("Mul", np.float64(reach), stretch)
    place = _double(graph, _places(graph, first, count))
    center = op("Mul", op("Add", place, np.float64(0.5)), scale)
    center = op("Unsqueeze", center, [1])
    half = np.float64(0.5)
    start = op("Floor", op("Add", op("Sub", center, reach), half))
    stop = op("Floor", op("Add", op("Add", center, reach), half))
    taps = _double(graph, op("Range", 0, n_in, 1))
    inside = op("And", op("GreaterOrEqual", taps, start), op("Less", taps, stop))
    x = op("Div", op("Sub", op("Add", taps, half), center), stretch)
    weights = op("Mul", kernel(op, x), graph.cast(inside, np.float64))
    total = op("ReduceSum", weights, [1], keepdims=1)
    # Beyond the image there are no weights; what is there is not taken.
    total = op("Where", op("Equal", total, np.float64(0)), np.float64(1), total)
    return graph.cast(_exact(op, op("Div", weights, total), n_in), np.float32)


def _exact(op, weights, n_in):
    """Weights of 16 bits; what rounding took goes to the largest of a row."""
    one = np.float64(2**WEIGHT_BITS)
    whole = op("Floor", op("Add", op("Mul", weights, one), np.float64(NUDGE)))
    missing = op("Sub", one, op("ReduceSum", whole, [1], keepdims=1))
    largest = op("ArgMax", whole, axis=1, keepdims=1)
    is_largest = op("Equal", op("Range", 0, n_in, 1), largest)
    whole = op("Where", is_largest, op("Add", whole, missing), whole)
    return op("Div", whole, one)


def _double(graph, number):
    if isinstance(number, str):
        return graph.cast(number, np.float64)
    return np.float64(number)


def _box(op, x):
    inside = op(
        "And", op("Greater", x, np.float64(-0.5)), op("LessOrEqual", x, np.float64(0.5))
    )
    return op("Where", inside, np.float64(1), np.float64(0))


def _triangle(op, x):
    return op("Max", np.float64(0), op("Sub", np.float64(1), op("Abs", x)))


def _cubic(op, x):
    x = op("Abs", x)
    # With a = -0.5: (1.5 x - 2.5) x² + 1, and ((x - 5) x + 8) x - 4 times a.
    near = op("Sub", op("Mul", np.float64(1.5), x), np.float64(2.5))
    near = op("Add", op("Mul", op("Mul", near, x), x), np.float64(1))
    far = op("Mul", op("Sub", x, np.float64(5)), x)
    far = op("Mul", op("Add", far, np.float64(8)), x)
    far = op("Mul", op("Sub", far, np.float64(4)), np.float64(-0.5))
    far = op("Where", op("Less", x, np.float64(2)), far, np.float64(0))
    return op("Where", op("Less", x, np.float64(1)), near, far)


def _lanczos(op, x):
    value = op("Mul", _sinc(op, x), _sinc(op, op("Div", x, np.float64(3))))
    inside = op("Less", op("Abs", x), np.float64(3))
    return op("Where", inside, value, np.float64(0))


def _sinc(op, x):
    # numpy's way around a division by zero.
    is_zero = op("Equal", x, np.float64(0))
    y = op("Mul", np.float64(np.pi), op("Where", is_zero, np.float64(1e-20), x))
    return op("Div", op("Sin", y), y)


# name -> the filter and how far it reaches, in pixels
_FILTERS = {
    "box": (_box, 0.5),
    "bilinear": (_triangle, 1),
    "bicubic": (_cubic, 2),
    "lanczos": (_lanczos, 3),
}
