"""Fit a classifier of windows, and again with what it mistook for an object."""

import numpy as np
from sklearn.base import clone

from imgfeat.estimators.detection._examples import random_windows
from imgfeat.estimators.detection._hard_negatives import HardNegatives
from imgfeat.estimators.detection._second_look import fit_verifier


class Rounds:
    """Fits a pipeline on objects, random windows without one, and its own mistakes.

    Parameters
    ----------
    pipeline : classifier
        Cloned for each round.
    background : label
        Of windows without an object.
    scenes : list of Scene
        To take such windows from.
    plan : callable
        From an image and its name to its levels.
    scan : callable
        From a fitted pipeline to its `Scan`.
    n_negatives : int
        Random windows, and most mistakes in a round.
    n_rounds : int
    max_overlap : float
        Of two mistakes.
    rng : RandomState
    """

    def __init__(
        self,
        pipeline,
        background,
        scenes,
        *,
        plan,
        scan,
        n_negatives,
        n_rounds,
        max_overlap,
        rng,
    ):
        self._pipeline = pipeline
        self._background = background
        self._scenes = scenes
        self._plan = plan
        self._scan = scan
        self._n_negatives = n_negatives
        self._n_rounds = n_rounds
        self._mistakes = HardNegatives(scenes, plan, n_negatives, max_overlap)
        self._rng = rng

    def fit(self, crops, labels):
        """The fitted pipeline, and how many mistakes it learned from in each round.

        Parameters
        ----------
        crops : list of ndarray
            Of the size of a window.
        labels : list

        Raises
        ------
        ValueError
            If there is no window without an object.
        """
        self._windows, self._labels, n_mistakes = list(crops), list(labels), []
        new = self._draw()
        if not new and self._background not in labels:
            raise ValueError(
                "SlidingWindowDetector needs negatives, windows that show no object. "
                "Got objects alone, and no room beside them; pass negatives=, images "
                f"without any, or crops with the label {self._background!r}."
            )
        for round_ in range(self._n_rounds + 1):
            self._learn(new)
            pipeline = clone(self._pipeline).fit(
                _as_batch(self._windows), np.array(self._labels)
            )
            if round_ == self._n_rounds:
                break
            new = self._mistakes.find(
                self._scan(pipeline), pipeline.classes_, self._background
            )
            if not new:
                break
            n_mistakes.append(len(new))
        return pipeline, n_mistakes

    def fit_second(self, verifier, pipeline, threshold):
        """A verifier fitted on all windows of `fit`, and on what still gets past it.

        Parameters
        ----------
        verifier : classifier
            Cloned.
        pipeline : fitted classifier
            What `fit` gave.
        threshold : float or None
            Least score by it of the windows that the verifier is asked about.

        Raises
        ------
        ValueError
            If the verifier has no decision or probability for each class.
        """
        scan = self._scan(pipeline)
        self._learn(
            self._mistakes.find(scan, pipeline.classes_, self._background, threshold)
        )
        return fit_verifier(verifier, _as_batch(self._windows), self._labels)

    def _learn(self, new):
        """Keep windows that show no object."""
        self._windows += new
        self._labels += [self._background] * len(new)

    def _draw(self):
        """Random windows, as many from each scene."""
        n_scenes = len(self._scenes)
        shares = np.bincount(
            np.arange(self._n_negatives) % max(1, n_scenes), minlength=n_scenes
        )
        drawn = []
        for scene, n_here in zip(self._scenes, shares[:n_scenes], strict=True):
            image = scene.read()
            levels = self._plan(image, scene.name)
            drawn += random_windows(image, levels, scene.boxes, n_here, self._rng)
        return drawn


def _as_batch(windows):
    """One array, or a list where some are gray, say, for a pipeline that reads both."""
    is_alike = len({(window.shape, window.dtype) for window in windows}) == 1
    return np.stack(windows) if is_alike else windows
