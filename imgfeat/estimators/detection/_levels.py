"""The sizes that an image is looked at in, and the windows in each."""

import math
from dataclasses import dataclass

import numpy as np

from imgfeat._nesting import path_to
from imgfeat._validation import size_text
from imgfeat.features import HOG
from imgfeat.sources._decode import MAX_PIXELS


@dataclass(frozen=True)
class Level:
    """An image, resized, and the windows in it.

    Parameters
    ----------
    size : tuple of (int, int)
        Height and width of the resized image, in pixels.
    stretch : tuple of (float, float)
        Pixels of the image down and across for one of the resized image.
    window, step : tuple of (int, int)
        Height and width of a window, and how far they lie apart, in pixels of the
        resized image.
    """

    size: tuple
    stretch: tuple
    window: tuple
    step: tuple

    @property
    def grid(self):
        """How many windows there are, down and across."""
        sides = zip(self.size, self.window, self.step, strict=True)
        return tuple((side - length) // step + 1 for side, length, step in sides)

    def boxes(self):
        """Boxes of all windows, row by row, in pixels of the image.

        Returns
        -------
        ndarray of shape (n_windows, 4)
            Left, top, right and bottom.
        """
        places = np.indices(self.grid).reshape(2, -1).T * self.step
        corners = np.hstack([places, places + self.window]) * np.tile(self.stretch, 2)
        return corners[:, [1, 0, 3, 2]]


def plan_levels(shape, window, step, scale, min_size, max_size, *, who):
    """The levels in which an object of every wanted size is as large as a window.

    Parameters
    ----------
    shape : tuple of (int, int), or longer
        Of the image, in pixels.
    window, step : tuple of (int, int)
    scale : float
        How much larger the objects of a level are than those of the one before.
    min_size, max_size : int or None
        Height of the smallest and the largest objects, in pixels of the image; those
        of a window and of the image if not given.
    who : str
        What messages call the image.

    Returns
    -------
    list of Level
        The one for the smallest objects first.

    Raises
    ------
    ValueError
        If no window fits into the image, or it would have to be enlarged beyond what
        is decoded.
    """
    height, width = shape[:2]
    smallest = _smallest_factor(window, min_size)
    if height * width / smallest**2 > MAX_PIXELS:
        raise ValueError(
            f"min_size={min_size} needs {who} of {size_text(shape)} pixels enlarged to "
            f"more than {MAX_PIXELS:,} pixels; use a larger min_size."
        )
    largest = np.inf if max_size is None else max_size / window[0]
    levels, factor = [], smallest
    while factor <= largest * (1 + 1e-9):
        size = round(height / factor), round(width / factor)
        if size[0] < window[0] or size[1] < window[1]:
            break
        stretch = height / size[0], width / size[1]
        levels.append(Level(size, stretch, tuple(window), tuple(step)))
        factor = smallest * scale ** len(levels)
    if not levels:
        needed = smallest_image(window, min_size)
        raise ValueError(
            f"A window of {size_text(window)} pixels needs images of at least "
            f"{size_text(needed)} pixels here. Got {size_text(shape)} in {who}; set "
            "min_size to less, which enlarges images, or leave this one out."
        )
    return levels


def step_for(pipeline, window):
    """How far apart windows lie if nobody says: a cell of HOG, or an eighth of one."""
    found = path_to(pipeline, HOG)
    if found is not None:
        return tuple(found[1]._kernel_params()["pixels_per_cell"])
    return tuple(max(1, side // 8) for side in window)


def refuse_no_sizes(window, min_size, max_size):
    """Raise if the largest objects would be smaller than the smallest."""
    smallest = window[0] if min_size is None else min_size
    if max_size is not None and max_size < smallest:
        what = "the height of a window" if min_size is None else "min_size"
        raise ValueError(
            f"max_size must be at least {smallest}, {what}. Got {max_size}; set it to "
            "more, or min_size to less."
        )


def smallest_image(window, min_size):
    """Height and width of the smallest image that a window fits into, in pixels."""
    # Sizes of levels are rounded, so that half a pixel less would do at most.
    factor = _smallest_factor(window, min_size)
    return tuple(math.ceil(side * factor - 1e-9) for side in window)


def _smallest_factor(window, min_size):
    return 1.0 if min_size is None else min_size / window[0]
