"""Windows without an object that a classifier takes for one, to learn from."""

import numpy as np

from imgfeat.estimators.detection._detections import pick
from imgfeat.estimators.detection._examples import cut_from, far_from


class HardNegatives:
    """Finds the worst mistakes in images, each once.

    Parameters
    ----------
    scenes : list of Scene
    plan : callable
        From an image and its name to its levels.
    most : int
        Windows to take at a time.
    max_overlap : float
        Of two of them.
    """

    def __init__(self, scenes, plan, most, max_overlap):
        self._scenes = scenes
        self._plan = plan
        self._most = most
        self._max_overlap = max_overlap
        self._known = [set() for _ in scenes]

    def find(self, scan, classes, background, threshold=None):
        """The windows that were not taken before and are most surely an object.

        Parameters
        ----------
        scan : Scan
            With the classifier.
        classes : ndarray of shape (n_classes,)
        background : label
        threshold : float, optional
            Least score of a mistake; by default more than that of the background.

        Returns
        -------
        list of ndarray of shape (*window[, 3])
        """
        windows, scores = [], []
        for scene, known in zip(self._scenes, self._known, strict=True):
            image = scene.read()
            levels = self._plan(image, scene.name)
            rows, found = pick(
                scan(image, levels), classes, background, threshold, self._max_overlap
            )
            is_new = far_from(found.boxes, scene.boxes)
            is_new &= np.array([row not in known for row in rows.tolist()], dtype=bool)
            rows = rows[is_new][: self._most]
            known.update(rows.tolist())
            windows += _cut(image, levels, rows)
            scores += found.scores[is_new][: self._most].tolist()
            worst = np.argsort(-np.array(scores), kind="stable")[: self._most]
            windows = [windows[place] for place in worst]
            scores = [scores[place] for place in worst]
        return windows


def _cut(image, levels, rows):
    """Windows by their numbers among those of all levels, in the same order."""
    first = np.cumsum([0] + [int(np.prod(level.grid)) for level in levels])
    place = np.searchsorted(first, rows, side="right") - 1
    found = [None] * len(rows)
    for number in np.unique(place):
        here = np.flatnonzero(place == number)
        cut = cut_from(image, levels[number], rows[here] - first[number])
        for at, window in zip(here, cut, strict=True):
            found[at] = window
    return found
