"""The steps from features to a decision, and its slopes by the features."""

import numpy as np
from sklearn.pipeline import Pipeline

from imgfeat.estimators._linear_form import (
    NotLinearError,
    linear_form,
    mean_features,
)
from imgfeat.evaluation.explanation._decisions import decide, predicted_columns
from imgfeat.evaluation.explanation._kernel_slopes import kernel_slopes

# Where slopes are taken between the mean of the features and a row, and their weights.
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(5)
_NODES, _WEIGHTS = (_NODES + 1) / 2, _WEIGHTS / 2
# Rows that are decided at a time, and the step of differences, in units of the row.
_CHUNK = 512
_STEP = 1e-3
# Least cosine of slopes from two steps.
_ALIKE = 0.9


class Tail:
    """The steps from features to a decision.

    Parameters
    ----------
    steps : list of fitted estimator
        Transformers, and a classifier at the end.
    """

    def __init__(self, steps):
        self.steps = steps
        self._pipeline = Pipeline([(str(i), step) for i, step in enumerate(steps)])

    def choose(self, rows):
        """Columns of the predicted classes."""
        return predicted_columns(self._pipeline, rows)

    def is_linear(self, n_features):
        """Whether `form` is exact, of rows of so many numbers."""
        row = np.random.default_rng(0).standard_normal((1, n_features))
        try:
            linear_form(self.steps, row, np.zeros(1, dtype=np.intp))
        except NotLinearError:
            return False
        return True

    def is_smooth(self, row):
        """Whether its decision has slopes at a row, and they are not all zero.

        Those of trees depend on the step at which they are taken.
        """
        first, second = (self._slopes(row, 0, step) for step in (_STEP, _STEP / 4))
        lengths = np.linalg.norm(first) * np.linalg.norm(second)
        return bool(lengths > 0 and first @ second > _ALIKE * lengths)

    def form(self, rows, columns):
        """Write decisions as ``(slopes * rows).sum(axis=1) + constants``.

        Slopes of what is not linear are their mean on the line from the mean of the
        features in training, or from zero, to the row: where a decision is sure, its
        own slopes say little, and may say the opposite.

        Parameters
        ----------
        rows : ndarray of shape (n, n_features), float64
        columns : ndarray of int of shape (n,)
            The class whose decision is asked for.

        Returns
        -------
        slopes : ndarray of shape (n, n_features)
        constants, decisions : ndarray of shape (n,)
        """
        n_features = rows.shape[1]
        if self.is_linear(n_features):
            slopes, constants = linear_form(self.steps, rows, columns)
            return slopes, constants, (slopes * rows).sum(axis=1) + constants
        start = mean_features(self.steps, n_features)
        slopes = np.zeros(rows.shape)
        for i, (row, column) in enumerate(zip(rows, columns, strict=True)):
            for node, weight in zip(_NODES, _WEIGHTS, strict=True):
                place = start + node * (row - start)
                slopes[i] += weight * self._slopes(place, column)
        decisions = decide(self._pipeline, rows, columns)
        return slopes, decisions - (slopes * rows).sum(axis=1), decisions

    def _slopes(self, row, column, step=_STEP):
        """Derivatives at a row: by formula if there is one, else from differences."""
        known = kernel_slopes(self.steps, row, column)
        if known is not None:
            return known
        step = step * (np.sqrt(np.mean(row**2)) or 1.0)
        slopes = np.empty(len(row))
        for start in range(0, len(row), _CHUNK):
            some = np.arange(start, min(start + _CHUNK, len(row)))
            moved = np.zeros((len(some), len(row)))
            moved[np.arange(len(some)), some] = step
            ends = [self._decide(row + sign * moved, column) for sign in (1, -1)]
            slopes[some] = (ends[0] - ends[1]) / (2 * step)
        return slopes

    def _decide(self, rows, column):
        return decide(self._pipeline, rows, np.full(len(rows), column))
