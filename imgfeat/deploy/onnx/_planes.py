"""Images in a graph: planes of pixels, and their sizes as numbers of the graph."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

# ITU-R 601 in 16 bits, as `imgfeat.kernels.gray` weighs; float32 holds it exactly.
_LUMA = np.array([19595, 38470, 7471], dtype=np.float32) / 2**16


@dataclass(frozen=True)
class Planes:
    """A batch of images of one size, whole numbers 0..255 as float32.

    Parameters
    ----------
    name : str
        Of a value of shape (n, n_channels, height, width).
    n_channels : {1, 3}
    size : tuple of (int, int), optional
        Height and width in pixels, where they are the same for all inputs.
    """

    name: str
    n_channels: int = 3
    size: tuple | None = None

    def sides(self, graph):
        """Height and width, as ints or as names of int64 numbers."""
        if self.size is not None:
            return self.size
        shape = graph.op("Shape", self.name)
        return tuple(graph.op("Gather", shape, np.int64(axis)) for axis in (2, 3))

    def gray(self, graph) -> Self:
        """One plane of luminance."""
        if self.n_channels == 1:
            return self
        weights = _LUMA.reshape(1, 3, 1, 1)
        weighed = graph.op("Mul", self.name, weights)
        total = graph.op("ReduceSum", weighed, [1], keepdims=1)
        rounded = graph.op("Floor", graph.op("Add", total, np.float32(0.5)))
        return replace(self, name=rounded, n_channels=1)

    def cut(self, graph, corner, size) -> Self:
        """A window of a size, with its top left corner there.

        Running it fails where an image is smaller, and the corner negative.
        """
        starts = graph.op("Concat", *(_as_list(graph, x) for x in corner), axis=0)
        stops = graph.op("Add", starts, list(size))
        # Slice would count from the end: with nothing in it, it cannot be expanded.
        is_inside = graph.op("GreaterOrEqual", starts, 0)
        starts = graph.op("Where", is_inside, starts, 2**31 - 1)
        name = graph.op("Slice", self.name, starts, stops, [2, 3])
        name = graph.op("Expand", name, [1, 1, *size])
        return replace(self, name=name, size=tuple(size))


def as_planes(graph, images, size=None) -> Planes:
    """Planes of an input of shape (n, height, width, 3), uint8; `size` as there."""
    turned = graph.op("Transpose", images, perm=[0, 3, 1, 2])
    return Planes(graph.cast(turned, np.float32), size=size and tuple(size))


def _as_list(graph, number):
    if isinstance(number, str):
        return graph.op("Unsqueeze", number, [0])
    return [number]
