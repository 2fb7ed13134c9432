"""Histograms of oriented gradients, drawn as strokes along the edges."""

import numpy as np
from sklearn.base import BaseEstimator

from imgfeat._on_arrays import on_arrays
from imgfeat._typing import Axes, ImageBatch
from imgfeat.evaluation.gallery._shown import (
    find_step,
    make_axes,
    only_image,
    pass_through,
    show_image,
)
from imgfeat.evaluation.report._as_shown import as_bytes
from imgfeat.features import HOG
from imgfeat.kernels.hog import cell_histograms

# Strokes fainter than this part of the strongest cannot be seen.
_FAINTEST = 0.02
_GOLD = 1.0, 0.84, 0.0


def plot_hog(
    hog: BaseEstimator,
    image: ImageBatch,
    ax: Axes | None = None,
    *,
    values: str = "blocks",
) -> Axes:
    """Draw what `HOG` sees in an image: in each cell, a stroke for each orientation.

    A stroke runs along the edge, at right angles to the gradient that its bin counts,
    and is the longer and brighter the larger the value.

    Parameters
    ----------
    hog : HOG, or pipeline with one in it
        Steps in front of it, such as a reader, are passed first.
    image : image, or batch of one
        A path, bytes, a PIL image or an array.
    ax : Axes, optional
        Of matplotlib; a new figure without.
    values : {"blocks", "cells"}, default="blocks"
        What a classifier gets: values normalized in blocks, of which a cell has one for
        each of its blocks; their mean is drawn. Or the histograms of the cells before
        that, where strong edges outshine the others.

    Returns
    -------
    Axes
        With the image as `HOG` got it, dimmed, in pixels of that size.

    Raises
    ------
    TypeError
        If there is no `HOG` in `hog`.
    ImageDecodeError
        If the image cannot be read.
    ValueError
        If it does not fit, or there are several images.

    See Also
    --------
    plot_keypoints : What `SIFT`, `ORB` and `DenseSIFT` describe.

    Examples
    --------
    >>> import numpy as np
    >>> from imgfeat.evaluation import plot_hog
    >>> from imgfeat.features import HOG
    >>> ramp = np.tile(np.arange(32.0) / 32, (32, 1))  # brighter to the right
    >>> ax = plot_hog(HOG(pixels_per_cell=(16, 16)), ramp)
    >>> len(ax.collections[0].get_segments())  # an upright stroke in each cell
    4
    """
    if values not in ("blocks", "cells"):
        raise ValueError(f"values is 'blocks' or 'cells'. Got {values!r}.")
    before, hog = find_step(hog, HOG, "plot_hog", "a HOG")
    images = pass_through(before, only_image(image, "plot_hog"))
    images = hog._read(hog._images(images, reset=False))
    features = on_arrays(hog).transform(images)  # checks parameters, too
    if values == "blocks":
        cells = _mean_of_blocks(features[0], hog, images.shape[1:3])
    else:
        names = "orientations", "pixels_per_cell", "transform_sqrt"
        params = {name: hog._kernel_params()[name] for name in names}
        cells = cell_histograms(images, **params)[0]
    segments, strengths = _strokes(cells, hog.pixels_per_cell)
    from matplotlib.collections import LineCollection  # only who draws needs it

    ax = make_axes(ax)
    show_image(ax, as_bytes(images[0]), alpha=0.5)
    ax.set_facecolor("black")
    colors = np.column_stack([np.tile(_GOLD, (len(strengths), 1)), strengths])
    lines = LineCollection(segments, colors=colors, linewidths=1.6, capstyle="round")
    ax.add_collection(lines, autolim=False)
    return ax


def _mean_of_blocks(features, hog, image_shape):
    """Values of each cell, (cell_rows, cell_cols, orientations), over its blocks."""
    height, width = hog.cells_per_block
    n_rows, n_cols = hog._count_blocks(image_shape)
    blocks = features.reshape(n_rows, n_cols, height, width, hog.orientations)
    total = np.zeros((n_rows + height - 1, n_cols + width - 1, hog.orientations))
    count = np.zeros((*total.shape[:2], 1))
    for row in range(height):
        for col in range(width):
            here = slice(row, row + n_rows), slice(col, col + n_cols)
            total[here] += blocks[:, :, row, col]
            count[here] += 1
    return total / count


def _strokes(cells, pixels_per_cell):
    """Segments [(x, y), (x, y)] and strengths up to 1 of strokes, the faintest first.

    A stroke is as long as it is strong.
    """
    n_rows, n_cols, n_orientations = cells.shape
    height, width = pixels_per_cell
    # Directions of gradients, in the middle of each bin: 0 is right, 90 degrees down.
    angles = np.pi / n_orientations * (np.arange(n_orientations) + 0.5)
    along = np.stack([-np.sin(angles), np.cos(angles)], axis=1)
    y, x = np.mgrid[:n_rows, :n_cols] + 0.5
    middles = np.stack([x * width - 0.5, y * height - 0.5], axis=-1)[:, :, None]
    strengths = cells / (cells.max() or 1)
    halves = 0.5 * min(height, width) * strengths[..., None] * along
    segments = np.stack([middles - halves, middles + halves], axis=3).reshape(-1, 2, 2)
    strengths = strengths.ravel()
    order = np.argsort(strengths, kind="stable")
    order = order[strengths[order] > _FAINTEST]
    return segments[order], strengths[order]
