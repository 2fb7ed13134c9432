"""Steps from images to images, as operators."""

import numpy as np

from imgfeat._validation import check_size_param
from imgfeat.deploy.onnx._resampling import resample
from imgfeat.deploy.onnx._unportable import refuse


def read(graph, reader, planes, name):
    """An ImageReader: its input here has been decoded, and is upright."""
    if reader.dtype != "uint8":
        why = f"dtype={reader.dtype!r} has values between those of 8 bits"
        refuse(name, reader, why, "fit with dtype='uint8'")
    if reader.mode == "gray":
        planes = planes.gray(graph)
    return planes if reader.size is None else resize(graph, reader, planes, name)


def resize(graph, step, planes, name):
    """What `imgfeat.sources._aspect.fit_image` does to an image."""
    size = check_size_param(step.size)
    if step.aspect == "stretch":
        return resample(graph, planes, size, (0, 0), size, step.interpolation)
    whole = _whole(graph, size, step.aspect, *planes.sides(graph))
    corner = [_middle(graph, *axis) for axis in zip(whole, size, strict=True)]
    around = [0] * planes.n_channels if step.aspect == "pad" else None
    return resample(graph, planes, whole, corner, size, step.interpolation, around)


def crop_center(graph, step, planes, name):
    """A CenterCrop. Smaller images make the graph fail, as they do the pipeline."""
    size = check_size_param(step.size)
    sides = planes.sides(graph)
    corner = [_middle(graph, *axis) for axis in zip(sides, size, strict=True)]
    return planes.cut(graph, corner, size)


def to_gray(graph, step, planes, name):
    """A Grayscale."""
    return planes.gray(graph)


def _whole(graph, size, aspect, height, width):
    """Height and width of the whole resized image."""
    op = graph.op
    least = 1
    rows = op("Max", least, op("Div", op("Mul", size[1], height), width))
    cols = op("Max", least, op("Div", op("Mul", size[0], width), height))
    is_wider = op(
        "GreaterOrEqual", op("Mul", size[0], width), op("Mul", size[1], height)
    )
    height_decides = is_wider if aspect == "crop" else op("Not", is_wider)
    return (
        op("Where", height_decides, size[0], rows),
        op("Where", height_decides, cols, size[1]),
    )


def _middle(graph, outer, inner):
    """Where a window begins in the middle, rounded as torchvision does."""
    rest = graph.cast(graph.op("Sub", outer, inner), np.float64)
    half = graph.op("Round", graph.op("Mul", rest, np.float64(0.5)))
    return graph.cast(half, np.int64)
