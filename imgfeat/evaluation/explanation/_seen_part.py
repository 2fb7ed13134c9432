"""Which part of an image a step sees, and how a map of it lies over the image."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from imgfeat._validation import check_size_param
from imgfeat.preprocess import CenterCrop, Equalize, Grayscale, Resize
from imgfeat.sources import ImageReader
from imgfeat.sources._aspect import center_corner, fit_window


@dataclass(frozen=True)
class SeenPart:
    """What a step sees of an image, as a window of a resized copy.

    A place (row, column) of the window lies at ``corner + scale * place`` in the image;
    pixels begin at whole numbers.

    Parameters
    ----------
    size : tuple of (int, int)
        Height and width of the window, in its own pixels.
    corner, scale : tuple of (float, float)
        In pixels of the image.
    is_mirrored : bool, default=False
        Left and right are exchanged in the window.
    """

    size: tuple
    corner: tuple = (0.0, 0.0)
    scale: tuple = (1.0, 1.0)
    is_mirrored: bool = False

    def resized(self, whole, corner, size) -> Self:
        """What is seen of this part resized to `whole` and cut to `size` at `corner`.

        A `corner` outside stands for a border that was added.
        """
        scale = [
            mine * side / new
            for mine, side, new in zip(self.scale, self.size, whole, strict=True)
        ]
        corner = [
            mine + s * c for mine, s, c in zip(self.corner, scale, corner, strict=True)
        ]
        return replace(self, size=tuple(size), corner=tuple(corner), scale=tuple(scale))

    def cut(self, size) -> Self:
        """The top left of it, of `size`."""
        return replace(self, size=tuple(size))

    def to_image(self, places):
        """Places in the window, (n, 2) as row and column, as places in the image."""
        places = np.array(places, dtype=np.float64)
        if self.is_mirrored:
            places[:, 1] = self.size[1] - places[:, 1]
        return self.corner + places * self.scale

    def spread(self, cells, shape):
        """Lay a map of the window over the whole image, and keep its sum.

        Parameters
        ----------
        cells : ndarray of shape (rows, columns)
            Values of equal cells that fill the window.
        shape : tuple of (int, int)
            Of the image.

        Returns
        -------
        ndarray of shape `shape`, float64
            Interpolated linearly; 0 outside of the window.
        """
        if self.is_mirrored:
            cells = cells[:, ::-1]
        down, across = (
            _shares(cells.shape[k], self.size[k], self.corner[k], self.scale[k], side)
            for k, side in enumerate(shape)
        )
        return down @ cells @ across.T


def _shares(n_cells, n_seen, corner, scale, n_pixels):
    """What each pixel of an axis gets of each cell, (n_pixels, n_cells).

    Each cell gives all that it has: what lies in a border that was added goes to all
    pixels that are seen alike, and a cell that is smaller than a pixel to that pixel.
    """
    places = (np.arange(n_pixels) + 0.5 - corner) / scale / n_seen * n_cells
    is_seen = (places >= 0) & (places < n_cells)
    # Behind the middle of the outermost cells their values go on.
    places = np.clip(places - 0.5, 0, n_cells - 1)
    distance = np.abs(places[:, None] - np.arange(n_cells))
    shares = np.clip(1 - distance, 0, None) * is_seen[:, None]
    for cell in np.flatnonzero(shares.sum(axis=0) == 0):
        middle = corner + scale * (cell + 0.5) * n_seen / n_cells
        if 0 <= middle < n_pixels:
            shares[int(middle), cell] = 1
        else:
            shares[is_seen, cell] = 1
    return shares / shares.sum(axis=0)


def _keep(step, part):
    return part


def _fit(step, part):
    if step.size is None:
        return part
    size = check_size_param(step.size)
    return part.resized(*fit_window(part.size, size, step.aspect), size)


def _crop(step, part):
    size = check_size_param(step.size)
    return part.resized(part.size, center_corner(part.size, size), size)


# From a step and what it is given to what it gives.
_STEPS = {
    ImageReader: _fit,
    Resize: _fit,
    CenterCrop: _crop,
    Grayscale: _keep,
    Equalize: _keep,
}


def keeps_places(step):
    """Whether a step makes images of images, and it is known where pixels go."""
    return isinstance(step, tuple(_STEPS))


def part_behind(steps, shape):
    """The `SeenPart` that is left of an image of a shape after some steps."""
    part = SeenPart(tuple(shape[:2]))
    for step in steps:
        how = next(how for kind, how in _STEPS.items() if isinstance(step, kind))
        part = how(step, part)
    return part


def parts_of_views(preprocessing, part, views):
    """The `SeenPart` of each view that a net has of what is given to it."""
    found = []
    for view in views:
        whole, (top, left, *size) = preprocessing.window(*part.size, view.place)
        seen = part.resized(whole, (top, left), size)
        found.append(replace(seen, is_mirrored=view.is_mirrored))
    return found
