"""All windows of one image, in all sizes, judged by a pipeline."""

import numpy as np

from imgfeat._threads import blas_threads_for, map_threads
from imgfeat.estimators.detection._cut_windows import CutWindows
from imgfeat.estimators.detection._detections import Windows
from imgfeat.estimators.detection._hog_windows import hog_windows
from imgfeat.kernels.resize import resize


class Scan:
    """Judges every window of an image.

    Parameters
    ----------
    pipeline : fitted classifier of images
    window, step : tuple of (int, int)
    batch_size : int
        Windows that are cut out at a time, where blocks of HOG are not shared.
    n_jobs : int or None
        Threads that share the levels, where blocks are.
    """

    def __init__(self, pipeline, window, step, batch_size, n_jobs):
        self._cut = CutWindows(pipeline, window, step, batch_size)
        self._shared = hog_windows(pipeline, window, step)
        self._n_jobs = n_jobs if self._shared else 1

    def __call__(self, image, levels):
        """`Windows` of an image, of one level after the other.

        Parameters
        ----------
        image : ndarray of shape (height, width[, 3])
        levels : list of Level
        """

        def score(level):
            resized = resize(image, level.size)
            scores = self._shared.score(resized) if self._shared else None
            return self._cut.score(resized) if scores is None else scores

        if self._shared:
            with blas_threads_for(0):
                scores = map_threads(score, levels, self._n_jobs)
        else:
            scores = list(map(score, levels))
        boxes = [level.boxes() for level in levels]
        return Windows(np.concatenate(boxes), np.concatenate(scores))
