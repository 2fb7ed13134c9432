"""What was found of one image, before it is drawn."""

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Look:
    """What a classifier looked at in one image.

    Parameters
    ----------
    map : ndarray of shape (height, width), float32
        Signed; of the size of the image.
    column : int
        The class, as a place in ``classes_``.
    decision : float
        What is explained.
    strokes : ndarray of shape (n, 5)
        Lines to draw: row and column of both ends in pixels, and a signed value.
    points : ndarray of shape (n, 3)
        Row and column in pixels, and a signed value.
    """

    map: np.ndarray
    column: int
    decision: float
    strokes: np.ndarray = field(default_factory=lambda: np.empty((0, 5)))
    points: np.ndarray = field(default_factory=lambda: np.empty((0, 3)))
