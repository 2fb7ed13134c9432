"""What the descriptors of an image see of it."""

from typing import NamedTuple

import numpy as np


class Regions(NamedTuple):
    """Places, scales and directions of an image's descriptors.

    Attributes
    ----------
    centers : ndarray of shape (n_descriptors, 2)
        (row, column) in pixels; (0, 0) is the middle of the first pixel.
    radii : ndarray of shape (n_descriptors,)
        Scale of the keypoint, in pixels.
    angles : ndarray of shape (n_descriptors,)
        Degrees from the right of the image, clockwise.
    reaches : ndarray of shape (n_descriptors,)
        Half the side of the square that is described, turned by the angle; in pixels.
    """

    centers: np.ndarray
    radii: np.ndarray
    angles: np.ndarray
    reaches: np.ndarray
