"""What came out of a prediction: codes, probabilities, and what ranks the images."""

from dataclasses import dataclass

import numpy as np

from imgfeat.estimators._class_scores import decides_pairs, in_two_columns


@dataclass(frozen=True, eq=False)
class Outcome:
    """A prediction and the truth, as numbers.

    Attributes
    ----------
    true, predicted : ndarray of int of shape (n_images,)
        Places in `names`.
    proba : ndarray of shape (n_images, n_classes) or None
        Classes that the model has never seen have no column.
    scores : ndarray of shape (n_images, n_classes) or None
        Probabilities, else decision values: what ranks classes and images.
    names : ndarray of object of shape (n_names,)
        Of the model's classes, then of those that only the images have.
    of_none : int or None
        Place in `names` of what is predicted where no class is.
    """

    true: np.ndarray
    predicted: np.ndarray
    proba: np.ndarray | None
    scores: np.ndarray | None
    names: np.ndarray
    of_none: int | None = None

    @property
    def right(self):
        return self.true == self.predicted

    @property
    def confidence(self):
        """Score of the predicted class, 0 if that is unknown; None without scores."""
        if self.scores is None:
            return None
        known = self.predicted < self.scores.shape[1]
        rows = np.arange(len(self.predicted))
        return np.where(known, self.scores[rows, np.where(known, self.predicted, 0)], 0)

    @property
    def proba_true(self):
        """Probability of the true class; 0 of one that the model has never seen."""
        n_known = self.proba.shape[1]
        known = self.true < n_known
        rows = np.arange(len(self.true))
        found = self.proba[rows, np.where(known, self.true, 0)]
        return np.where(known, found, 0)

    @property
    def losses(self):
        """Cross-entropy of each image, in nats; as scikit-learn bounds it."""
        tiny = np.finfo(self.proba.dtype).eps
        return -np.log(np.clip(self.proba_true, tiny, 1 - tiny)).astype(float)

    @property
    def brier(self):
        """Squared error of each image's probabilities; half of it for two classes."""
        squares = np.square(self.proba, dtype=float).sum(axis=1)
        # Of the true class p² became (1 - p)².
        squares += 1 - 2.0 * self.proba_true
        return squares / 2 if self.proba.shape[1] == 2 else squares

    def among_best(self, k):
        """Whether the true class is one of the k of highest score."""
        n_known = self.scores.shape[1]
        known = self.true < n_known
        code = np.where(known, self.true, 0)[:, np.newaxis]
        own = np.take_along_axis(self.scores, code, axis=1)
        ahead = self.scores > own
        # Of equals the later class comes first, as in scikit-learn.
        ahead |= (self.scores == own) & (np.arange(n_known) > code)
        return known & (ahead.sum(axis=1) < k)


def find_scores(estimator, X, n_images, n_classes):
    """Probabilities of an estimator if it has them, and what else ranks its classes.

    Returns
    -------
    proba : ndarray of shape (n_images, n_classes) or None
    scores : ndarray of shape (n_images, n_classes) or None
    """
    if hasattr(estimator, "predict_proba"):
        proba = np.asarray(estimator.predict_proba(X))
        _check_proba(proba, (n_images, n_classes))
        return proba, proba
    if not hasattr(estimator, "decision_function"):
        return None, None
    values = in_two_columns(estimator.decision_function(X))
    is_of_classes = values.shape[1] == n_classes and not decides_pairs(estimator)
    return None, values if is_of_classes and np.isfinite(values).all() else None


def ranked_by(proba, scores):
    """What ranks the images, in words."""
    if proba is not None:
        return "probabilities"
    return "nothing" if scores is None else "decision values"


def _check_proba(proba, shape):
    if proba.shape != shape:
        raise ValueError(
            f"evaluate needs probabilities of shape {shape}, a row an image and a "
            f"column a class. Got {proba.shape} from predict_proba."
        )
    if not np.isfinite(proba).all():
        row = int(np.flatnonzero(~np.isfinite(proba).all(axis=1))[0])
        raise ValueError(
            f"evaluate needs finite probabilities. Got {proba[row].tolist()} for image "
            f"{row}; look at what the estimator was fitted on."
        )
