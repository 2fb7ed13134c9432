"""What is explained: the decision of a classifier for one class."""

import numpy as np
from sklearn.pipeline import Pipeline

from imgfeat.evaluation.explanation._linear_form import NotLinearError, linear_form

# Rows that are decided at a time, and the step of differences, in units of the row.
_CHUNK = 512
_STEP = 1e-3
# Least cosine of derivatives from two steps.
_ALIKE = 0.9


def decide(classifier, X, columns):
    """Decisions for a class each: decision values, or probabilities where there are none.

    Parameters
    ----------
    classifier : fitted classifier
    X : batch of n
    columns : ndarray of int of shape (n,)
        Places in ``classes_``. Of two classes the first has the opposite decision.

    Returns
    -------
    ndarray of shape (n,), float64

    Raises
    ------
    ValueError
        If there are neither, or no decision a class.
    """
    if hasattr(classifier, "decision_function"):
        values = np.asarray(classifier.decision_function(X), dtype=np.float64)
        if values.ndim == 1:
            return np.where(columns == 1, values, -values)
    elif hasattr(classifier, "predict_proba"):
        values = np.asarray(classifier.predict_proba(X), dtype=np.float64)
    else:
        raise ValueError(
            "explain needs a classifier with decision_function or predict_proba. Got "
            f"{type(classifier).__name__} with neither; put CalibratedClassifierCV "
            "around it."
        )
    if values.shape[1] != len(classifier.classes_):
        raise ValueError(
            f"explain needs a decision a class. Got {values.shape[1]} for "
            f"{len(classifier.classes_)} classes; set decision_function_shape='ovr'."
        )
    return values[np.arange(len(values)), columns]


def predicted_columns(classifier, X):
    """Places in ``classes_`` of what is predicted."""
    classes = np.asarray(classifier.classes_).tolist()
    places = {label: place for place, label in enumerate(classes)}
    return np.array([places[label] for label in classifier.predict(X).tolist()])


class Tail:
    """The steps from features to a decision.

    Parameters
    ----------
    steps : list of fitted estimator
    """

    def __init__(self, steps):
        self.steps = steps
        self._pipeline = Pipeline([(str(i), step) for i, step in enumerate(steps)])

    def choose(self, rows):
        """Columns of the predicted classes."""
        return predicted_columns(self._pipeline, rows)

    def is_linear(self, rows):
        """Whether `form` is exact, of one of these rows as of all."""
        try:
            linear_form(self.steps, rows[:1], np.zeros(1, dtype=np.intp))
        except NotLinearError:
            return False
        return True

    def form(self, rows, columns):
        """Slopes (n, n_features), constants (n,) and decisions (n,) of some rows.

        Decisions are ``(slopes * rows).sum(axis=1) + constants``. Of what is not linear
        slopes are derivatives, and constants what is missing.
        """
        if self.is_linear(rows):
            slopes, constants = linear_form(self.steps, rows, columns)
            return slopes, constants, (slopes * rows).sum(axis=1) + constants
        decisions = decide(self._pipeline, rows, columns)
        slopes = np.stack(
            [self._slopes(*pair) for pair in zip(rows, columns, strict=True)]
        )
        return slopes, decisions - (slopes * rows).sum(axis=1), decisions

    def is_smooth(self, row):
        """Whether its decision has derivatives at a row, and they are not all zero.

        Those of trees depend on the step at which they are taken.
        """
        first, second = (self._slopes(row, 0, step) for step in (_STEP, _STEP / 4))
        lengths = np.linalg.norm(first) * np.linalg.norm(second)
        return bool(lengths > 0 and first @ second > _ALIKE * lengths)

    def _slopes(self, row, column, step=_STEP):
        """Derivatives by the numbers of a row, from differences to both sides."""
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
