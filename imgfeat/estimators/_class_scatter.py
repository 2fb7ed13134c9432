"""How rows lie around the means of their classes, and what each would be without it.

Notation: a metric turns down the directions in which rows of one class differ, each by
``kappa / (scatter + kappa)``, where kappa is the scatter of an average direction times
``shrinkage / (1 - shrinkage)``. Up to a factor it is the inverse of the pooled
covariance, shrunk towards a sphere; with 1 distances are as they were. Of a row left
out, u is what it differs from the mean of its class, and v from any mean. The scatter
is less by a multiple of uu' then, so that the formula of Sherman and Morrison gives
all distances without it from one decomposition, exactly.

The mean of a few rows is off by their noise, and squared distances to it are too long
by the variance over their number. That is taken off, or classes of few rows would come
short, and so would the class of a row left out.
"""

import numpy as np
from scipy.linalg import eigh

# Rows that are in float64 at a time.
_CHUNK = 1024


class ClassScatter:
    """Means of classes, and the directions in which rows differ from them.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features), float32 or float64
    labels : ndarray of int of shape (n_samples,)
        Each of 0 to n_classes - 1 at least once.
    weights : ndarray of shape (n_samples,), float64
        Positive.

    Attributes
    ----------
    center : ndarray of shape (n_features,)
        Mean of all rows.
    means : ndarray of shape (n_classes, n_features)
        Of the classes, less the center.
    can_leave : ndarray of bool of shape (n_samples,)
        Whether the row's class has others.
    """

    def __init__(self, X, labels, weights):
        self.X, self.labels, self.weights = X, labels, weights
        self.totals = np.bincount(labels, weights)
        self._squares = np.bincount(labels, weights**2)
        # Of equal weights: rows less one, and one over the rows.
        self._freedom = self.totals - self._squares / self.totals
        self._noise = self._squares / self.totals**2
        self.can_leave = (np.bincount(labels) > 1)[labels]
        self.center = np.einsum("n,nd->d", weights, X) / weights.sum()
        self.means = np.zeros((len(self.totals), X.shape[1]))
        for rows in self._slices():
            np.add.at(self.means, labels[rows], weights[rows, None] * self._rows(rows))
        self.means /= self.totals[:, None]
        self._decompose()
        self._means_along = self.means @ self.directions

    def _slices(self):
        n_samples = len(self.X)
        return [slice(i, i + _CHUNK) for i in range(0, n_samples, _CHUNK)]

    def _rows(self, rows):
        return self.X[rows].astype(np.float64) - self.center

    def _residuals(self, rows):
        rest = self._rows(rows) - self.means[self.labels[rows]]
        return rest * np.sqrt(self.weights[rows, None])

    def _decompose(self):
        """Set `scatter`, and the orthonormal `directions` as columns."""
        n_samples, n_features = self.X.shape
        if n_samples < n_features:
            rest = np.concatenate([self._residuals(rows) for rows in self._slices()])
            values, vectors = eigh(rest @ rest.T)
        else:
            gram = np.zeros((n_features, n_features))
            for rows in self._slices():
                rest = self._residuals(rows)
                gram += rest.T @ rest
            values, vectors = eigh(gram)
        least = values[-1] * max(self.X.shape) * np.finfo(np.float64).eps
        kept = values > max(least, np.finfo(np.float64).tiny)
        self.scatter, vectors = values[kept], vectors[:, kept]
        if n_samples < n_features:
            vectors = rest.T @ vectors / np.sqrt(self.scatter)
        self.directions = vectors

    def mean_square(self):
        """Mean square of what rows differ from the center by; 1 if they do not."""
        total = sum(
            self.weights[rows] @ np.square(self._rows(rows)).sum(axis=1)
            for rows in self._slices()
        )
        return total / self.weights.sum() or 1.0

    def rule(self, shrinkage):
        """Slopes (n_classes, n_features) and intercepts of `left_out`, of all rows."""
        inverse = self._inverse_kappa(shrinkage, self.scatter.sum())
        damping = self._damping(inverse)
        coef = self.means - (self._means_along * damping) @ self.directions.T
        squares = np.einsum("kd,kd->k", coef, self.means)
        trace = (self.scatter * (1 - damping)).sum()
        noise = _variance(trace, self._freedom.sum()) * self._noise
        return coef, (noise - squares) / 2 - coef @ self.center

    def left_out(self, shrinkage):
        """Decide about each row as if it had not been there.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Minus half the squared distances to the means, of a fit without the row; of
            one that is alone in its class, nonsense.
        """
        return np.concatenate([self._decide(r, shrinkage) for r in self._slices()])

    def _decide(self, rows, shrinkage):
        X, labels = self._rows(rows), self.labels[rows]
        own = np.arange(len(X)), labels
        along, means = X @ self.directions, self._means_along
        u = along - means[labels]
        # A class without its last row has no mean; what comes of it is not looked at.
        weights = np.where(self.can_leave[rows], self.weights[rows], 0)
        left = self.totals[labels] - weights
        away = self.totals[labels] / left
        u_u = np.square(u).sum(axis=1)
        spread = self.scatter.sum() - away * weights * u_u
        inverse = self._inverse_kappa(shrinkage, spread)
        damping = self._damping(inverse[:, None])

        # Under the metric of all rows, with the kappa of those that are left.
        squares = np.square(X).sum(axis=1) - (np.square(along) * damping).sum(axis=1)
        products = X @ self.means.T - (along * damping) @ means.T
        v_v = squares[:, None] - 2 * products
        v_v += np.square(self.means).sum(axis=1) - damping @ np.square(means).T
        v_u = (along * u * (1 - damping)).sum(axis=1)[:, None]
        v_u = v_u - (u * (1 - damping)) @ means.T
        factor = away * weights
        rest = 1 - factor * inverse * v_v[own]
        rest = np.maximum(rest, np.finfo(np.float64).eps)
        # And under the metric of those that are left.
        distances = v_v + (factor * inverse / rest)[:, None] * v_u**2
        distances[own] *= away**2  # its own mean moves away as well

        trace = (self.scatter * (1 - damping)).sum(axis=1)
        trace -= factor / rest * np.square(u * (1 - damping)).sum(axis=1)
        of_weights = self._squares[labels] - weights**2
        freedom = self._freedom.sum() - self._freedom[labels] + left - of_weights / left
        noise = np.tile(self._noise, (len(X), 1))
        noise[own] = of_weights / left**2
        return (_variance(trace, freedom)[:, None] * noise - distances) / 2

    def _inverse_kappa(self, shrinkage, spread):
        """Of a sum of the scatter; 0, a metric that is even, where there is none."""
        spread = np.asarray(spread)
        there = spread > 1e-12 * self.scatter.sum()
        ratio = (1 - shrinkage) / shrinkage * self.X.shape[1]
        return np.where(there, ratio / np.where(there, spread, 1), 0.0)

    def _damping(self, inverse):
        return self.scatter * inverse / (self.scatter * inverse + 1)


def _variance(trace, freedom):
    """A sum of squares over its degrees of freedom; 0 where there are none."""
    there = freedom > 1e-9
    return np.where(there, np.maximum(trace, 0) / np.where(there, freedom, 1), 0.0)
