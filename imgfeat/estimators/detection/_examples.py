"""Windows to learn from: objects brought to the size of one, and pieces of the rest."""

import numpy as np

from imgfeat._validation import size_text
from imgfeat.estimators.detection._detections import overlaps
from imgfeat.kernels.resize import resize

# A window that overlaps no object by more than this shows none.
FAR = 0.3


def check_boxes(boxes, shape, who):
    """Return the boxes of an image as an array, (n, 4), or say what is wrong.

    Parameters
    ----------
    boxes : array-like of shape (n, 4)
        Left, top, right and bottom in pixels.
    shape : tuple of int
        Height and width of the image.
    who : str
        What messages call the image.

    Raises
    ------
    ValueError
        If they are none, empty, or reach out of the image.
    """
    boxes = np.asarray(boxes, dtype=np.float64)
    if boxes.size == 0:
        return boxes.reshape(0, 4)
    if boxes.ndim != 2 or boxes.shape[1] != 4 or not np.isfinite(boxes).all():
        raise ValueError(
            f"boxes needs rows of four numbers, left, top, right and bottom. Got shape "
            f"{boxes.shape} for {who}; give [[x0, y0, x1, y1]] for one box."
        )
    limits = np.array([shape[1], shape[0]])
    low, high = boxes[:, :2], boxes[:, 2:]
    bad = (high - low < 1).any(axis=1) | (low < 0).any(axis=1)
    bad |= (high > limits).any(axis=1)
    if bad.any():
        raise ValueError(
            "boxes needs left < right and top < bottom, at least a pixel apart and "
            f"within the image. Got {boxes[bad][0].tolist()} in {who} of "
            f"{size_text(shape)} pixels; clip it."
        )
    return boxes


def object_windows(image, boxes, window):
    """The pixels of each box, brought to the size of a window; (n, *window[, 3])."""
    windows = np.empty((len(boxes), *window, *image.shape[2:]), image.dtype)
    for box, out in zip(np.rint(boxes).astype(int), windows, strict=True):
        left, top, right, bottom = box
        piece = image[top : max(bottom, top + 1), left : max(right, left + 1)]
        resize(np.ascontiguousarray(piece), window, out=out)
    return windows


def random_windows(image, levels, boxes, n_windows, rng):
    """Windows of all sizes alike from where no box is; fewer where there is no room.

    Parameters
    ----------
    image : ndarray of shape (height, width[, 3])
    levels : list of Level
    boxes : ndarray of shape (n_boxes, 4)
    n_windows : int
    rng : RandomState

    Returns
    -------
    list of ndarray of shape (*window[, 3])
    """
    found = []
    for place, n_here in zip(*_share(levels, n_windows, rng), strict=True):
        level = levels[place]
        # Some are drawn for nothing where objects fill much of the image.
        drawn = rng.permutation(np.prod(level.grid))[: 4 * n_here]
        free = drawn[far_from(level.boxes()[drawn], boxes)][:n_here]
        found += cut_from(image, level, free)
    return found


def _share(levels, n_windows, rng):
    """Which levels windows are drawn from, and how many from each."""
    drawn = rng.randint(len(levels), size=n_windows)
    return np.unique(drawn, return_counts=True)


def far_from(windows, boxes):
    """Whether each window shows no box, or next to nothing of it."""
    return (overlaps(windows, boxes) <= FAR).all(axis=1)


def cut_from(image, level, numbers):
    """Windows of a level, by their numbers, row by row."""
    if not len(numbers):
        return []
    resized = resize(image, level.size)
    rows, cols = np.unravel_index(numbers, level.grid)
    height, width = level.window
    return [
        resized[top : top + height, left : left + width].copy()
        for top, left in zip(rows * level.step[0], cols * level.step[1], strict=True)
    ]
