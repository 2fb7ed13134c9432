"""How much of a decision is lost where a part of the image is blurred."""

from math import ceil

import numpy as np
from scipy.ndimage import gaussian_filter

from imgfeat._progress import progress
from imgfeat.evaluation.explanation._decisions import decide, predicted_columns
from imgfeat.evaluation.explanation._look_of_image import Look

# Of the shorter side: what is blurred at a time. Neighbours overlap by half.
_WINDOW = 1 / 5
# Deviation of the blur, of the window.
_BLUR = 1 / 3
_BATCH = 32


class OcclusionLooks:
    """Looks at a pipeline from outside.

    Parameters
    ----------
    pipeline : fitted classifier
    restore : callable
        From a list of images to a batch as the pipeline takes it.
    verbose : int
    """

    batch_size = 16

    def __init__(self, pipeline, restore, verbose=0):
        self._pipeline = pipeline
        self._restore = restore
        self._verbose = verbose

    def look(self, images, columns):
        """Look at some images; as `NetLooks.look`."""
        batch = self._restore(images)
        if columns is None:
            columns = predicted_columns(self._pipeline, batch)
        decisions = decide(self._pipeline, batch, columns)
        return [
            Look(self._lost(*one).astype(np.float32), one[1], one[2])
            for one in zip(images, columns, decisions, strict=True)
        ]

    def _lost(self, image, column, decision):
        """What the decision loses by the windows over a pixel, in the mean."""
        shape = image.shape[:2]
        windows = [(rows, cols) for rows in _runs(shape, 0) for cols in _runs(shape, 1)]
        blurred = blur(image)
        lost, counts = np.zeros(shape), np.zeros(shape)
        with progress("Occluding an image", len(windows), self._verbose) as advance:
            for start in range(0, len(windows), _BATCH):
                some = windows[start : start + _BATCH]
                covered = [_cover(image, blurred, window) for window in some]
                targets = np.full(len(some), column)
                left = decide(self._pipeline, self._restore(covered), targets)
                for window, value in zip(some, left, strict=True):
                    lost[window] += decision - value
                    counts[window] += 1
                advance(len(some))
        return lost / counts


def blur(image):
    """A copy without what is smaller than a window; dtype of `image`."""
    deviation = _BLUR * _side(image.shape)
    deviations = (deviation, deviation, 0)[: image.ndim]
    blurred = gaussian_filter(image.astype(np.float64), deviations, mode="nearest")
    if image.dtype.kind in "iu":
        blurred = blurred.round()
    return blurred.astype(image.dtype)


def _side(shape):
    return max(1, ceil(_WINDOW * min(shape[:2])))


def _runs(shape, axis):
    """Overlapping slices that cover an axis."""
    side, length = _side(shape), shape[axis]
    step = max(1, side // 2)
    starts = [*range(0, length - side, step), length - side]
    return [slice(start, start + side) for start in starts]


def _cover(image, blurred, window):
    covered = image.copy()
    covered[window] = blurred[window]
    return covered
