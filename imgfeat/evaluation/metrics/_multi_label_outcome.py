"""What came out of a prediction of several labels an image, as numbers."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class MultiLabelOutcome:
    """A prediction and the truth.

    Attributes
    ----------
    true, predicted : ndarray of bool of shape (n_images, n_classes)
    proba : ndarray of shape (n_images, n_classes) or None
        That an image has a label; rows do not sum to 1.
    scores : ndarray of shape (n_images, n_classes) or None
        Probabilities, else decision values: what ranks the images of a class.
    names : ndarray of shape (n_classes,)
    """

    true: np.ndarray
    predicted: np.ndarray
    proba: np.ndarray | None
    scores: np.ndarray | None
    names: np.ndarray

    @property
    def right(self):
        """Which images have all labels right."""
        return (self.true == self.predicted).all(axis=1)

    @property
    def losses(self):
        """Cross-entropy of each label of each image, in nats; bounded as usual."""
        tiny = np.finfo(self.proba.dtype).eps
        given = np.where(self.true, self.proba, 1 - self.proba)
        return -np.log(np.clip(given, tiny, 1 - tiny)).astype(float)

    @property
    def brier(self):
        """Squared error of each probability."""
        return np.square(self.proba.astype(float) - self.true)

    def counts(self):
        """Of each class images found, false alarms, missed, and rightly left out.

        Returns
        -------
        list of ndarray of int of shape (n_classes,)
        """
        true, predicted = self.true, self.predicted
        cells = true & predicted, ~true & predicted, true & ~predicted
        found, false_alarms, missed = (cell.sum(axis=0) for cell in cells)
        return [found, false_alarms, missed, len(true) - found - false_alarms - missed]
