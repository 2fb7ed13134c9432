"""How much of what a detector finds is right, and how much it misses."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from imgfeat._frames import make_frame
from imgfeat._typing import ArrayLike
from imgfeat.estimators import Detections
from imgfeat.estimators.detection._detections import overlaps

_COLUMNS = ["average_precision", "recall", "precision"]
_COLUMNS += ["n_objects", "n_found", "n_right"]


def average_precision(
    found: Sequence[Detections],
    boxes: Sequence[ArrayLike],
    labels: Sequence[ArrayLike] | None = None,
    *,
    min_overlap: float = 0.5,
) -> pd.DataFrame:
    """Compare what a detector found with where the objects are.

    Detections of all images are taken from the surest on. Each is right if it overlaps
    an object of its label that no surer one has taken.

    Parameters
    ----------
    found : sequence of Detections
        One for each image, as `SlidingWindowDetector.predict` gives them. The lower its
        `threshold`, the more of the curve is seen.
    boxes : sequence of array-like of shape (n_boxes, 4)
        Where the objects are in each image: left, top, right and bottom, in pixels.
    labels : sequence of array-like of shape (n_boxes,), optional
        What they are. Without, detections of every label are taken as of one, ``1``.
    min_overlap : float, default=0.5
        Least intersection over union of a detection and its object.

    Returns
    -------
    DataFrame
        A row a label: ``average_precision``, the area under the curve of precision over
        recall, where precision is the best at this recall or above, as in [1]_;
        ``recall`` and ``precision`` of all detections; ``n_objects``, ``n_found`` and
        ``n_right``. Missing where there is nothing to divide by.

    Raises
    ------
    ValueError
        If there are not as many items as images, or labels as boxes.

    References
    ----------
    .. [1] M. Everingham et al., "The PASCAL visual object classes challenge", IJCV
       2010, :doi:`10.1007/s11263-009-0275-4`; with all points of the curve, as since
       2010.

    Examples
    --------
    >>> import numpy as np
    >>> from imgfeat.estimators import Detections
    >>> from imgfeat.evaluation import average_precision
    >>> two = np.array([[0, 0, 10, 10], [50, 50, 60, 60]])
    >>> found = Detections(two, np.array([1, 1]), np.array([0.9, 0.4]))
    >>> average_precision([found], [[[0, 0, 10, 9]]])["average_precision"].tolist()
    [1.0]
    """
    if isinstance(found, Detections):
        raise ValueError(
            "average_precision needs Detections of each image. Got those of one; put "
            "them in a list: [found]."
        )
    objects = [np.asarray(some, dtype=float).reshape(-1, 4) for some in boxes]
    if labels is None:
        found = [one._replace(labels=np.ones(len(one.boxes), int)) for one in found]
        names = [np.ones(len(some), int) for some in objects]
    else:
        names = [np.asarray(some) for some in labels]
    counts = len(found), len(objects), len(names)
    if len(set(counts)) > 1:
        raise ValueError(
            "average_precision needs boxes and labels of each image. Got "
            f"{counts[0]} detections, {counts[1]} boxes and {counts[2]} labels."
        )
    for image, (some, own) in enumerate(zip(objects, names, strict=True)):
        if len(some) != len(own):
            raise ValueError(
                f"average_precision needs a label for each box. Got {len(own)} labels "
                f"and {len(some)} boxes for image {image}."
            )
    present = [label for some in names for label in some.tolist()]
    present += [label for one in found for label in np.asarray(one.labels).tolist()]
    rows = {
        label: _of_label(found, objects, names, label, min_overlap)
        for label in sorted(set(present))
    }
    return make_frame(rows.values(), index=list(rows), columns=_COLUMNS)


def _of_label(found, boxes, labels, label, min_overlap):
    scores, right = [], []
    n_objects = 0
    for one, some, own in zip(found, boxes, labels, strict=True):
        objects = some[own == label]
        mine = np.asarray(one.labels) == label
        mine_scores = np.asarray(one.scores, dtype=float)[mine]
        order = np.argsort(-mine_scores, kind="stable")
        scores.append(mine_scores[order])
        candidates = np.asarray(one.boxes, dtype=float)[mine][order]
        right.append(match(candidates, objects, min_overlap))
        n_objects += len(objects)
    scores, right = np.concatenate(scores), np.concatenate(right)
    right = right[np.argsort(-scores, kind="stable")]
    n_right = int(right.sum())
    return {
        "average_precision": _area(right, n_objects),
        "recall": n_right / n_objects if n_objects else np.nan,
        "precision": n_right / len(right) if len(right) else np.nan,
        "n_objects": n_objects,
        "n_found": len(right),
        "n_right": n_right,
    }


def match(candidates, objects, min_overlap):
    """Whether each candidate, from the surest on, has an object to itself."""
    shared = overlaps(candidates, objects)
    right = np.zeros(len(candidates), dtype=bool)
    for row in range(len(candidates)):
        if not shared.shape[1]:
            break
        best = shared[row].argmax()
        if shared[row, best] >= min_overlap:
            right[row] = True
            shared[:, best] = -1  # taken
    return right


def _area(right, n_objects):
    """Area under precision over recall, each at the best from there on."""
    if not n_objects:
        return np.nan
    precision = np.cumsum(right) / np.arange(1, len(right) + 1)
    best = np.maximum.accumulate(precision[::-1])[::-1]
    return float(best[right].sum() / n_objects)
