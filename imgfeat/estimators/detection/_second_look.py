"""A second classifier, which looks only at what the first takes for an object."""

import numpy as np
from sklearn.base import clone

from imgfeat.estimators._class_scores import score_classes
from imgfeat.estimators.detection._cut_windows import CutWindows
from imgfeat.estimators.detection._detections import Windows, objects
from imgfeat.kernels.resize import resize


class SecondLook:
    """Judges windows of an image anew, each cut out as the first classifier saw it.

    Parameters
    ----------
    scan : Scan
        With the first classifier.
    classes, background, threshold
        As for `pick`: which windows the first takes for an object.
    verifier : fitted classifier of images
    window, step : tuple of (int, int)
    batch_size : int
        Windows that are cut out at a time.
    """

    def __init__(
        self, scan, classes, background, threshold, verifier, window, step, batch_size
    ):
        self._scan = scan
        self._rule = classes, background, threshold
        self._cut = CutWindows(verifier, window, step, batch_size)

    def __call__(self, image, levels):
        """`Windows` of an image that the first takes for an object, by the second.

        Parameters
        ----------
        image : ndarray of shape (height, width[, 3])
        levels : list of Level
        """
        windows = self._scan(image, levels)
        rows, _, _ = objects(windows.scores, *self._rule)
        first = np.cumsum([0] + [int(np.prod(level.grid)) for level in levels])
        parts = np.split(rows, np.searchsorted(rows, first[1:-1]))
        scores = [np.empty((0, windows.scores.shape[1]))]
        for level, start, part in zip(levels, first[:-1], parts, strict=True):
            if len(part):
                resized = resize(image, level.size)
                scores.append(self._cut.score(resized, part - start))
        return Windows(windows.boxes[rows], np.concatenate(scores))


def fit_verifier(verifier, windows, labels):
    """A clone that is fitted on windows, a batch, and has a score for each class.

    Raises
    ------
    ValueError
        If it has no decision or probability for each class.
    """
    fitted = clone(verifier).fit(windows, np.array(labels))
    name = "The verifier of SlidingWindowDetector"
    score_classes(fitted, windows[:1], name, first="decision_function")
    return fitted
