"""What is found in an image, and which of overlapping boxes stay."""

from typing import NamedTuple

import numpy as np


class Detections(NamedTuple):
    """What a detector finds in one image, the surest first.

    Attributes
    ----------
    boxes : ndarray of shape (n_found, 4), float64
        Left, top, right and bottom of each, in pixels of the image; 0 is its left or
        upper edge.
    labels : ndarray of shape (n_found,)
    scores : ndarray of shape (n_found,), float64
        Decisions of the classifier, of the verifier if there is one, or probabilities
        where it has none.
    """

    boxes: np.ndarray
    labels: np.ndarray
    scores: np.ndarray


class Windows(NamedTuple):
    """All windows of one image, and what the classifier says of each.

    Attributes
    ----------
    boxes : ndarray of shape (n_windows, 4), float64
        As those of `Detections`.
    scores : ndarray of shape (n_windows, n_classes), float64
        Decisions, or probabilities where there are none; columns in the order of
        ``classes_``.
    """

    boxes: np.ndarray
    scores: np.ndarray


def pick(windows, classes, background, threshold, max_overlap):
    """The windows that hold an object, without those that overlap a surer one.

    Parameters
    ----------
    windows : Windows
    classes : ndarray of shape (n_classes,)
    background : label
        One of the classes.
    threshold : float or None
        Least score; None is where an object scores more than the background.
    max_overlap : float
        Largest overlap, intersection over union, of two boxes of a label.

    Returns
    -------
    rows : ndarray of int
        Windows that stay, the surest first.
    Detections
        The same.
    """
    here, best, score = objects(windows.scores, classes, background, threshold)
    here = here[suppress(windows.boxes[here], score[here], best[here], max_overlap)]
    labels = classes[classes != background][best[here]]
    return here, Detections(windows.boxes[here], labels, score[here])


def objects(scores, classes, background, threshold):
    """The windows that are taken for an object, overlapping ones too.

    Parameters
    ----------
    scores : ndarray of shape (n_windows, n_classes)
    classes, background, threshold
        As for `pick`.

    Returns
    -------
    rows : ndarray of int
        Those windows.
    best : ndarray of shape (n_windows,)
        Which of the classes but the background every window is most likely of.
    score : ndarray of shape (n_windows,)
        Its score.
    """
    is_object = classes != background
    ours = scores[:, is_object]
    best = ours.argmax(axis=1)
    score = ours[np.arange(len(ours)), best]
    if threshold is None:
        return np.flatnonzero(score > scores[:, ~is_object][:, 0]), best, score
    return np.flatnonzero(score >= threshold), best, score


def suppress(boxes, scores, labels, max_overlap):
    """Indices of the boxes that no surer one of their label overlaps, surest first."""
    if not len(boxes):
        return np.empty(0, dtype=np.intp)
    # Only here, as it imports torch, which takes a second or two.
    import torch
    from torchvision.ops import nms

    kept = [
        of_label[
            nms(
                torch.from_numpy(boxes[of_label]),
                torch.from_numpy(scores[of_label]),
                max_overlap,
            ).numpy()
        ]
        for of_label in (np.flatnonzero(labels == one) for one in np.unique(labels))
    ]
    kept = np.concatenate(kept)
    return kept[np.argsort(-scores[kept], kind="stable")]


def overlaps(boxes, others):
    """Intersection over union of every box with every other.

    Parameters
    ----------
    boxes, others : ndarray of shape (n, 4) and (m, 4)

    Returns
    -------
    ndarray of shape (n, m)
    """
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    shared = (high - low).clip(0).prod(axis=2)
    areas = [(some[:, 2:] - some[:, :2]).prod(axis=1) for some in (boxes, others)]
    return shared / (areas[0][:, None] + areas[1] - shared)
