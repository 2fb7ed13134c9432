"""Windows of an image, cut out and judged by a pipeline as images of their own."""

import numpy as np

from imgfeat.estimators._class_scores import score_classes


def cut(image, window, step):
    """All windows of an image, as a view.

    Parameters
    ----------
    image : ndarray of shape (height, width[, 3])
    window, step : tuple of (int, int)

    Returns
    -------
    ndarray of shape (n_down, n_across, *window[, 3])
    """
    views = np.lib.stride_tricks.sliding_window_view(image, window, axis=(0, 1))
    views = views[:: step[0], :: step[1]]
    return views if image.ndim == 2 else np.moveaxis(views, 2, -1)


class CutWindows:
    """Scores of windows by any pipeline, so many windows at a time.

    Parameters
    ----------
    pipeline : fitted classifier of images
    window, step : tuple of (int, int)
    batch_size : int
    """

    def __init__(self, pipeline, window, step, batch_size):
        self._pipeline = pipeline
        self._window = window
        self._step = step
        self._batch_size = batch_size

    def score(self, image, rows=None):
        """Decisions, or probabilities where there are none, of windows.

        Parameters
        ----------
        image : ndarray of shape (height, width[, 3])
            A window fits into it.
        rows : ndarray of int, optional
            Numbers of windows, counted row by row; one at least. All if not given.

        Returns
        -------
        ndarray of shape (n_windows, n_classes)
            In the order of `rows`.
        """
        windows = cut(image, self._window, self._step)
        n_down, n_across = windows.shape[:2]
        rows = np.arange(n_down * n_across) if rows is None else rows
        scores = []
        for start in range(0, len(rows), self._batch_size):
            some = rows[start : start + self._batch_size]
            batch = windows[some // n_across, some % n_across]
            scores.append(
                score_classes(
                    self._pipeline,
                    batch,
                    "SlidingWindowDetector",
                    first="decision_function",
                )
            )
        return np.concatenate(scores)
