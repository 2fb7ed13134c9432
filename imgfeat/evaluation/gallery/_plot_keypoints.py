"""Keypoints, drawn where they are, as large as they are."""

import numpy as np
from sklearn.base import BaseEstimator

from imgfeat._typing import Axes, ImageBatch
from imgfeat.evaluation.gallery._shown import (
    find_step,
    make_axes,
    only_image,
    pass_through,
    show_image,
)
from imgfeat.evaluation.report._as_shown import as_bytes
from imgfeat.features import DenseSIFT
from imgfeat.features.local._base import LocalFeature
from imgfeat.sources._images import Images

_N_CORNERS = 24  # of a circle


def plot_keypoints(
    detector: BaseEstimator,
    image: ImageBatch,
    ax: Axes | None = None,
    *,
    max_keypoints: int | None = None,
) -> Axes:
    """Draw the keypoints of an image: a circle of their scale, and their direction.

    Parameters
    ----------
    detector : SIFT, ORB or DenseSIFT, or pipeline with one in it
        Steps in front of it, such as a reader, are passed first.
    image : image, or batch of one
        A path, bytes, a PIL image or an array.
    ax : Axes, optional
        Of matplotlib; a new figure without.
    max_keypoints : int, optional
        Draw so many, the strongest; of a grid, the first. All if not given.

    Returns
    -------
    Axes
        With the image as the detector got it, in pixels of that size; the title says
        how many keypoints there are.

    Raises
    ------
    TypeError
        If there is no such detector in `detector`.
    ImageDecodeError
        If the image cannot be read.
    ValueError
        If it does not fit, or there are several images.

    Notes
    -----
    The radius is the scale: of `SIFT` the blur at which the blob stands out, whose
    descriptor sees 6 radii each way; of `ORB` half the side of what a descriptor sees.
    A descriptor of `DenseSIFT` is upright and has the scale of a keypoint with bins
    as wide, ``bin_size / 3``; for each size of bins a square shows what the descriptor
    nearest to the middle sees.

    Examples
    --------
    >>> import numpy as np
    >>> from imgfeat.evaluation import plot_keypoints
    >>> from imgfeat.features import SIFT
    >>> image = np.zeros((64, 64), dtype=np.uint8)
    >>> image[20:40, 20:40] = 255
    >>> plot_keypoints(SIFT(), image, max_keypoints=3).get_title()
    '3 of 4 keypoints'
    """
    before, detector = find_step(
        detector, LocalFeature, "plot_keypoints", "SIFT, ORB or DenseSIFT"
    )
    detector._check_params()
    batch = pass_through(before, only_image(image, "plot_keypoints"))
    images = Images(detector, batch, reset=False, image_shape=detector.image_shape)
    pixels = detector._read(images, 0)
    regions = detector._regions(pixels)
    n_found = len(regions.radii)
    if max_keypoints is not None and max_keypoints < 0:
        raise ValueError(f"max_keypoints is 0 or more. Got {max_keypoints}.")
    shown = slice(max_keypoints)
    from matplotlib.collections import LineCollection  # only who draws needs it

    ax = make_axes(ax)
    show_image(ax, as_bytes(pixels))
    outlines = _outlines(*(column[shown] for column in regions[:3]))
    # Dark below, so that they are seen on any ground.
    for color, width in (("black", 2.4), ("gold", 1.0)):
        lines = LineCollection(outlines, colors=color, linewidths=width, alpha=0.9)
        ax.add_collection(lines, autolim=False)
    is_grid = isinstance(detector, DenseSIFT)
    if is_grid:
        squares = _squares(regions, pixels.shape)
        ax.add_collection(LineCollection(squares, colors="red"), autolim=False)
    of = f"{len(outlines):,} of " if len(outlines) < n_found else ""
    what = "descriptor" if is_grid else "keypoint"
    ax.set_title(f"{of}{n_found:,} {what}{'s' if n_found != 1 else ''}")
    return ax


def _outlines(centers, radii, angles):
    """Circles that begin and end in their middle: a line shows the direction.

    ndarray of shape (n_keypoints, n_points, 2), points as (x, y).
    """
    turn = np.linspace(0, 2 * np.pi, _N_CORNERS + 1)
    turns = np.deg2rad(angles)[:, None] + turn
    circle = np.stack([np.cos(turns), np.sin(turns)], axis=-1)
    circle = np.concatenate([np.zeros((len(radii), 1, 2)), circle], axis=1)
    return centers[:, None, ::-1] + radii[:, None, None] * circle


def _squares(regions, shape):
    """What the middle descriptor of each size sees, as closed lines of (x, y)."""
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1)])
    middle = (np.array(shape[:2]) - 1) / 2
    squares = []
    for reach in np.unique(regions.reaches):
        centers = regions.centers[regions.reaches == reach]
        nearest = centers[((centers - middle) ** 2).sum(axis=1).argmin()]
        squares.append(nearest[::-1] + reach * corners)
    return squares
