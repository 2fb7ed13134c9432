"""Ridge regression without each row, or group, in turn, for many penalties.

All from one eigendecomposition.

Notation: `rows` of X and targets are centred by their weighted means, if there is an
intercept, and multiplied by the roots of the weights, as in R. Rifkin and R. Lippert,
"Notes on regularized least squares", MIT-CSAIL-TR-2007-025. A penalized fit with an
unpenalized intercept and weights is then a plain ridge fit of these rows, and the
error of a row left out is its error in the fit over one minus its leverage. Of a group
it is the same with the block of the hat matrix that belongs to its rows.
"""

from abc import ABC, abstractmethod

import numpy as np
from scipy.linalg import eigh
from scipy.linalg.blas import dsyrk

from imgfeat._threads import one_blas_thread

# Rows or columns that are in float64 at a time: no full copy of float32 data is made.
_CHUNK = 1024
# Columns of one product, where several alphas share it.
_WIDTH = 256
# In float32 one minus a leverage above this has too few digits left.
_HARD = 0.9


class LeaveOneOut(ABC):
    """Fits of ``targets ~ X`` for every alpha, and what they err on a row left out.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features), float32 or float64
    targets : ndarray of shape (n_samples, n_targets), float64
    weights : ndarray of shape (n_samples,), float64
        Positive; at least two.
    alphas : ndarray of shape (n_alphas,), float64
        Positive.
    fit_intercept : bool
    groups : ndarray of shape (n_samples,), optional
        Rows that share one are left out together; at least two.

    Notes
    -----
    The Gram matrix and its decomposition are in float64, whatever X is: rounding a Gram
    matrix moves all eigenvalues by a share of the largest, and small ones are what a
    small alpha divides by. Rounding a row's coordinates along the eigenvectors moves
    nothing else, so these are in float32 for float32 X, where that is safe.
    """

    blocks = None  # rows that are left out together

    def __init__(self, X, targets, weights, alphas, fit_intercept, groups=None):
        self.X = X
        self.alphas = alphas
        self.n_samples = len(X)
        total = weights.sum()
        if fit_intercept:
            self.mean = np.einsum("n,nd->d", weights, X) / total  # sums in float64
            self.offset = weights @ targets / total
        else:
            self.mean = np.zeros(X.shape[1])
            self.offset = np.zeros(targets.shape[1])
        self._enter(targets, weights, total if fit_intercept else np.inf)
        if groups is not None:
            self.blocks = list(_blocks(groups))
        self._decompose()

    def _enter(self, targets, weights, total):
        """Weigh and centre targets; `total` is infinite without an intercept."""
        self.root = np.sqrt(weights)
        self.has_weights = bool((weights != 1).any())
        self.direction = self.root / np.sqrt(total)
        self.targets = (targets - self.offset) * self.root[:, None]

    @abstractmethod
    def _decompose(self):
        """Do the work that all alphas share."""

    @abstractmethod
    def scan(self):
        """Yield (i, rows, errors) until each alpha ``alphas[i]`` has seen every row.

        ``errors`` of shape (rows, n_targets) are the targets minus what a fit without
        the row predicts for it.
        """

    @abstractmethod
    def errors(self, i):
        """The errors for ``alphas[i]``, (n_samples, n_targets); after `scan`."""

    @abstractmethod
    def coef(self, i):
        """Slopes for ``alphas[i]``, of shape (n_features, n_targets)."""

    def intercept(self, coef):
        """Intercepts that belong to the slopes, of shape (n_targets,)."""
        return self.offset - self.mean @ coef

    def _unscaled(self, errors, rows):
        """Errors of groups, as of rows that were not multiplied by their weights."""
        return (errors / self.root[rows][:, :, None]).reshape(rows.size, -1)

    def _rows(self, rows, dtype=np.float64):
        block = np.subtract(self.X[rows], self.mean, dtype=dtype, casting="same_kind")
        if self.has_weights:
            block *= self.root[rows, None].astype(dtype, copy=False)
        return block

    def _columns(self, columns):
        block = self.X[:, columns] - self.mean[columns]
        block *= self.root[:, None]
        return block


class InFeatures(LeaveOneOut):
    """By X'X, for more rows than features."""

    def _decompose(self):
        n_samples, n_features = self.X.shape
        gram = np.zeros((n_features, n_features), order="F")
        products = np.zeros((n_features, self.targets.shape[1]))
        for rows in _slices(n_samples):
            block = self._rows(rows)
            # In place, and only the lower triangle, which is all that is looked at.
            gram = dsyrk(1, block.T, beta=1, c=gram, lower=True, overwrite_c=True)
            products += block.T @ self.targets[rows]
        values, self.vectors = eigh_of_gram(gram)
        self.projected = self.vectors.T @ products
        self.inverse = 1 / (values[:, None] + self.alphas)
        self.rest = np.empty((n_samples, len(self.alphas)))

    def scan(self):
        if self.blocks is not None:
            yield from self._scan_groups()
            return
        # Leverages sum to n_features at most. With few rows a feature most of them are
        # high, and float32 would be work done twice.
        n_features = self.X.shape[1]
        in_single = self.X.dtype == np.float32 and self.n_samples >= 4 * n_features
        dtype = np.float32 if in_single else np.float64
        with np.errstate(over="ignore"):
            vectors = self.vectors.astype(dtype, copy=False)
            inverse = self.inverse.astype(dtype, copy=False)
        n_targets = self.targets.shape[1]
        together = max(1, _WIDTH // n_targets)
        for rows in _slices(len(self.X)):
            along = self._rows(rows, dtype) @ vectors
            with np.errstate(over="ignore", invalid="ignore"):
                leverage = (np.square(along) @ inverse).astype(np.float64, copy=False)
            hard = np.flatnonzero(in_single & ~(leverage.max(axis=1) <= _HARD))
            exactly = self._rows(rows)[hard] if len(hard) else np.empty((0, n_features))
            exactly = exactly @ self.vectors
            leverage[hard] = np.square(exactly) @ self.inverse
            leverage += self.direction[rows, None] ** 2
            # A row that alone decides a coefficient leaves nothing but rounding.
            self.rest[rows] = np.maximum(1 - leverage, np.finfo(np.float64).eps)
            for first in range(0, len(self.alphas), together):
                some = slice(first, first + together)
                slopes = self.inverse[:, some, None] * self.projected[:, None]
                slopes = slopes.reshape(len(slopes), -1)
                with np.errstate(over="ignore", invalid="ignore"):
                    fitted = along @ slopes.astype(dtype, copy=False)
                fitted = fitted.astype(np.float64, copy=False)
                fitted[hard] = exactly @ slopes
                fitted = fitted.reshape(len(fitted), -1, n_targets)
                for i in range(fitted.shape[1]):
                    errors = self._left_out(first + i, rows, fitted[:, i])
                    yield first + i, rows, errors

    def errors(self, i):
        if self.blocks is not None:
            found = np.empty_like(self.targets)
            for rows in self.blocks:
                found[rows.ravel()] = self._group_out(i, rows, self._along(rows))
            return found
        coef, found = self.coef(i), np.empty_like(self.targets)
        middle = self.mean @ coef
        for rows in _slices(len(self.X)):
            fitted = (self.X[rows] @ coef - middle) * self.root[rows, None]
            found[rows] = self._left_out(i, rows, fitted)
        return found

    def coef(self, i):
        return self.vectors @ (self.inverse[:, i, None] * self.projected)

    def _scan_groups(self):
        for rows in self.blocks:
            along = self._along(rows)
            for i in range(len(self.alphas)):
                yield i, rows.ravel(), self._group_out(i, rows, along)

    def _along(self, rows):
        """Coordinates along the eigenvectors, (n_groups, n_rows, n_features)."""
        return (self._rows(rows.ravel()) @ self.vectors).reshape(*rows.shape, -1)

    def _group_out(self, i, rows, along):
        shrunk = along * self.inverse[:, i]
        direction = self.direction[rows]
        hat = shrunk @ along.swapaxes(1, 2)
        hat += direction[:, :, None] * direction[:, None]
        left = self.targets[rows] - shrunk @ self.projected
        # A group that alone decides a coefficient leaves nothing but rounding.
        values, vectors = np.linalg.eigh(hat)
        rest = np.maximum(1 - values, np.finfo(np.float64).eps)[:, :, None]
        return self._unscaled(vectors @ (vectors.swapaxes(1, 2) @ left / rest), rows)

    def _left_out(self, i, rows, fitted):
        scale = self.rest[rows, i] * self.root[rows]
        return (self.targets[rows] - fitted) / scale[:, None]


class InSamples(LeaveOneOut):
    """By XX', for as many features as rows or more."""

    def _decompose(self):
        n_samples = len(self.X)
        gram = np.zeros((n_samples, n_samples), order="F")
        for columns in _slices(self.X.shape[1]):
            block = self._columns(columns)
            gram += block @ block.T
        # Centring leaves `direction` with eigenvalue 0. Made the largest instead, it
        # can be told from other zeros and dropped. It stands for the intercept's share
        # of the leverage, which then need not be subtracted: with a small alpha that
        # is a difference of nearly equal numbers.
        centred = self.direction.any()
        if centred:
            top = 2 * max(np.linalg.norm(gram), np.finfo(np.float64).tiny)
            gram += top * np.outer(self.direction, self.direction)
        values, vectors = eigh_of_gram(gram)
        if centred:
            values, vectors = values[:-1], vectors[:, :-1]
        self.vectors = vectors
        self.projected = vectors.T @ self.targets
        self.inverse = 1 / (values[:, None] + self.alphas)
        self.diagonal = np.square(vectors) @ self.inverse

    def scan(self):
        for i in range(len(self.alphas)):
            yield i, slice(None), self.errors(i)

    def errors(self, i):
        duals = self._duals(i)
        if self.blocks is None:
            return duals / (self.diagonal[:, i] * self.root)[:, None]
        found = np.empty_like(self.targets)
        for rows in self.blocks:
            vectors = self.vectors[rows]
            rest = (vectors * self.inverse[:, i]) @ vectors.swapaxes(1, 2)
            left = np.linalg.solve(rest, duals[rows])
            found[rows.ravel()] = self._unscaled(left, rows)
        return found

    def coef(self, i):
        duals = self._duals(i)
        return np.concatenate(
            [self._columns(some).T @ duals for some in _slices(self.X.shape[1])]
        )

    def _duals(self, i):
        return self.vectors @ (self.inverse[:, i, None] * self.projected)


def leave_one_out(X, targets, weights, alphas, *, fit_intercept, groups=None):
    """The way to fit that is cheaper for the shape of X; see `LeaveOneOut`."""
    n_samples, n_features = X.shape
    way = InFeatures if n_samples > n_features else InSamples
    return way(X, targets, weights, alphas, fit_intercept, groups)


def _slices(length):
    return [slice(start, start + _CHUNK) for start in range(0, length, _CHUNK)]


def _blocks(groups):
    """Yield rows of some groups of the same size, of shape (n_groups, size)."""
    _, numbers, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    rows = np.argsort(numbers, kind="stable")
    starts = np.cumsum(sizes) - sizes
    for size in np.unique(sizes):
        alike = starts[sizes == size][:, None] + np.arange(size)
        together = max(1, _CHUNK // size)
        for first in range(0, len(alike), together):
            yield rows[alike[first : first + together]]


def eigh_of_gram(gram):
    """Eigenvalues, ascending and not negative, and eigenvectors; overwrites `gram`.

    Only the lower triangle is read.
    """
    # One thread: half of the work is limited by memory, and where other processes use
    # the cores the many waits of BLAS's threads for each other cost ten times the gain.
    with one_blas_thread():
        values, vectors = eigh(gram, driver="evd", overwrite_a=True, check_finite=False)
    return np.maximum(values, 0), vectors
