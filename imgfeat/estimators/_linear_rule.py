"""What linear classifiers with calibrated probabilities have in common."""

import numpy as np
from scipy.special import expit
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from imgfeat._target import Target
from imgfeat.estimators._several_labels import SeveralLabels
from imgfeat.estimators._temperature import both_sides, probabilities


class LinearRule(SeveralLabels, BaseEstimator):
    """Decides by ``coef_``, ``intercept_`` and ``classes_``, which a fit sets.

    Probabilities are a softmax of the decisions, divided by ``temperature_``. Where
    y gave a row several labels, each is decided by itself, and its probability is a
    logistic function of its decision, divided by its own ``temperature_``.
    """

    def decision_function(self, X) -> np.ndarray:
        """Tell how far on the side of each class a row lies.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes), or (n_samples,) for two classes
            In the dtype of X; for two classes, of the second. Of several labels a row,
            a column a label, however many there are.
        """
        check_is_fitted(self, "coef_", msg=self._unready)
        X = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        decisions = X @ self.coef_.T + self.intercept_
        return decisions[:, 0] if len(self.coef_) == 1 else decisions

    def predict(self, X) -> np.ndarray:
        """Predict the label of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,), or (n_samples, n_classes)
            Of several labels a row, 1 for each that it has, 0 for the others.
        """
        decisions = self.decision_function(X)
        if self.multilabel_:
            return (decisions > 0).astype(np.int64)
        return self.classes_[by_class(decisions).argmax(axis=1)]

    def predict_proba(self, X) -> np.ndarray:
        """Predict the probability of each class, as surely as held-out rows were right.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Columns in the order of ``classes_``; rows sum to 1, but for several labels
            a row.
        """
        check_is_fitted(self, "temperature_", msg=self._unready)
        decisions = by_class(self.decision_function(X))
        if self.multilabel_:
            return expit(decisions / self.temperature_.astype(decisions.dtype))
        return probabilities(decisions, 1 / self.temperature_)

    @property
    def _unready(self) -> str | None:
        """What to do where an attribute is lacking, other than to call `fit`."""
        return None


def validate_several(estimator, X, y):
    """Check rows and their several labels, as scikit-learn checks rows and one label.

    Returns
    -------
    X : ndarray of shape (n_samples, n_features)
    target : Target
    """
    target = Target.of(y, type(estimator).__name__)
    X, _ = validate_data(
        estimator, X, target.values, dtype=[np.float64, np.float32], multi_output=True
    )
    return X, target


def by_class(decisions):
    """Decisions with a column a class, also where they are for the second of two."""
    return both_sides(decisions) if decisions.ndim == 1 else decisions


def check_every_class(classes, y, name):
    """Raise unless there are two classes, and rows of each of them.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
    y : ndarray
        Labels of rows with a weight above 0.
    name : str
        Of the classifier.
    """
    if len(classes) == 1:
        raise ValueError(
            f"{name} needs at least two classes. Got one class, "
            f"{classes.tolist()[0]!r}; there is nothing to tell apart."
        )
    missing = np.setdiff1d(classes, y).tolist()
    if missing:
        raise ValueError(
            f"{name} needs rows of every class with a weight above 0. Got none of "
            f"class {missing[0]!r}; give it weight, or leave its rows out."
        )


def check_penalties(values, needs, verb, hint):
    """Penalties to choose from, as an array of positive numbers.

    Parameters
    ----------
    values : float or array-like
    needs, verb : str
        How messages begin: "RidgeProbe needs alphas", "are".
    hint : str
        What to give for nearly no penalty.

    Raises
    ------
    ValueError
        If they are none, or out of range.
    """
    values = np.atleast_1d(np.asarray(values, dtype=np.float64))
    if values.ndim != 1 or not values.size:
        raise ValueError(
            f"{needs} as one number or a list of them. Got shape {values.shape}."
        )
    bad = ~((values > 0) & np.isfinite(values))
    if bad.any():
        raise ValueError(
            f"{needs} that {verb} positive and finite. Got {values[bad][0]:g}; for "
            f"nearly no penalty give {hint}."
        )
    return values
