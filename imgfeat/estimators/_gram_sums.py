"""Sums over rows from which a ridge fit follows, and which chunks of rows add up to."""

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.linalg.blas import dsyr, dsyrk

from imgfeat._threads import row_slices
from imgfeat.estimators._leave_one_out import InFeatures, eigh_of_gram

# Rows that are in float64 at a time, as in a fit.
_CHUNK = 1024


class RowSums:
    """Weights and means of the rows of each class.

    Parameters
    ----------
    n_classes, n_features : int
    several : bool, default=False
        Whether a row may be of several classes. All rows count as one more class then,
        the last.

    Attributes
    ----------
    n_rows : int
        Rows that were added, those of weight 0 too.
    class_weights : ndarray of shape (n_classes,), or one more
    class_means : ndarray of shape (n_classes, n_features), or one more
    """

    several = False  # not of pickles of before

    def __init__(self, n_classes, n_features, several=False):
        self.several = several
        self.n_rows = 0
        self.class_weights = np.zeros(n_classes + several)
        self.class_means = np.zeros((n_classes + several, n_features))

    def add(self, X, labels, weights):
        """Add rows: X, the numbers of their classes, and weights of at least 0.

        Of several classes a row, 1 for each, of shape (n_samples, n_classes).
        """
        self.n_rows += len(X)
        for label, is_of in self._classes_in(labels):
            here = is_of & (weights > 0)
            weight = weights[here].sum()
            if not weight:
                continue
            self.class_weights[label] += weight
            mean = np.einsum("n,nd->d", weights[here], X[here]) / weight
            # Moved towards, not summed: rows far from the origin keep their digits.
            share = weight / self.class_weights[label]
            self.class_means[label] += share * (mean - self.class_means[label])

    def _classes_in(self, labels):
        if self.several:
            every = np.ones(len(labels), dtype=bool)
            return enumerate([*(labels.T == 1), every])
        return [(label, labels == label) for label in np.unique(labels)]

    @property
    def total(self):
        return self.class_weights[-1] if self.several else self.class_weights.sum()

    @property
    def mean(self):
        if self.several:
            return self.class_means[-1]
        return self.class_weights @ self.class_means / (self.total or 1)

    def is_near(self, others):
        """Whether these may be sums of the same rows, whatever the chunks were."""
        return (
            self.n_rows == others.n_rows
            and np.allclose(self.class_weights, others.class_weights, rtol=1e-9, atol=0)
            and np.allclose(
                self.class_means,
                others.class_means,
                rtol=1e-6,
                atol=1e-6 * max(1e-300, np.abs(self.class_means).max()),
            )
        )


class GramSums(RowSums):
    """`RowSums`, and products of the features: all that one penalty needs.

    Parameters
    ----------
    n_classes, n_features : int
    fit_intercept : bool
        Whether products are of features minus their means.
    several : bool, default=False
        As of `RowSums`.

    Attributes
    ----------
    dtype : dtype
        float32, or float64 if any rows were.

    Notes
    -----
    Means and products are moved by each chunk as in T. F. Chan, G. H. Golub and R. J.
    LeVeque, "Updating formulae and a pairwise algorithm for computing sample
    variances", COMPSTAT 1982: sums of squares, from which squares of sums are taken in
    the end, would lose the digits of features far from zero.
    """

    def __init__(self, n_classes, n_features, fit_intercept, several=False):
        super().__init__(n_classes, n_features, several)
        self.fit_intercept = fit_intercept
        self.dtype = np.dtype(np.float32)
        self.gram = np.zeros((n_features, n_features), order="F")  # its lower triangle

    def add(self, X, labels, weights):
        self.dtype = np.result_type(X, self.dtype)
        for rows in row_slices(len(X), -(-len(X) // _CHUNK)):
            self._add_products(X[rows], weights[rows])
            super().add(X[rows], labels[rows], weights[rows])

    def _add_products(self, X, weights):
        added = weights.sum()
        if not added:
            return
        block = X.astype(np.float64)
        if self.fit_intercept:
            middle = weights @ block / added
            block -= middle
        block *= np.sqrt(weights)[:, None]
        # In place: there is one matrix of this size.
        self.gram = dsyrk(1, block.T, beta=1, c=self.gram, lower=True, overwrite_c=True)
        if self.fit_intercept and self.total:
            share = self.total * added / (self.total + added)
            self.gram = dsyr(
                share, middle - self.mean, a=self.gram, lower=True, overwrite_a=True
            )

    @property
    def origin(self):
        """What features are told from: their means, or zero without an intercept."""
        return self.mean if self.fit_intercept else np.zeros(len(self.gram))

    @property
    def offset(self):
        """Means of the targets, +1 for the class and -1 elsewhere; or zeros."""
        if not self.fit_intercept:
            return np.zeros(self._of_targets(self.class_weights).shape)
        return 2 * self._of_targets(self.class_weights) / self.total - 1

    @property
    def products(self):
        """Of features and targets, (n_features, n_targets), both told as above."""
        apart = self.class_means - self.origin
        products = 2 * self._of_targets(self.class_weights[:, None] * apart)
        if not self.fit_intercept:
            products = products - self.total * self.mean
        return products.T

    def _of_targets(self, values):
        """Values of classes that have a target: all, or the second of two."""
        if self.several:
            return values[:-1]
        return values[1:] if len(values) == 2 else values

    def slopes(self, alpha):
        """Slopes of the fit with one penalty, (n_features, n_targets)."""
        shifted = self.gram.copy(order="F")
        shifted.flat[:: len(shifted) + 1] += alpha
        try:
            factor = cho_factor(
                shifted, lower=True, overwrite_a=True, check_finite=False
            )
        except np.linalg.LinAlgError:  # next to no penalty on features that repeat
            return Penalties(self, np.array([alpha])).slopes(0)
        return cho_solve(factor, self.products, check_finite=False)


class Penalties:
    """Ridge fits for several penalties, of the rows whose `GramSums` are given.

    Parameters
    ----------
    sums : GramSums
    alphas : ndarray of shape (n_alphas,)
    """

    def __init__(self, sums, alphas):
        self.sums = sums
        self.alphas = alphas
        self.mean, self.offset = sums.origin, sums.offset
        values, self.vectors = eigh_of_gram(sums.gram.copy(order="F"))
        self.values = values
        self.projected = self.vectors.T @ sums.products

    def only(self, i):
        """The same with one of the penalties."""
        one = object.__new__(Penalties)
        vars(one).update(vars(self), alphas=self.alphas[i : i + 1])
        return one

    def slopes(self, i):
        """Slopes with ``alphas[i]``, (n_features, n_targets)."""
        shrunk = self.projected / (self.values[:, None] + self.alphas[i])
        return self.vectors @ shrunk

    def of_chunk(self, X, targets, weights):
        """`LeaveOneOut` for some of the rows, as if all of them were at hand.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
        targets : ndarray of shape (n_samples, n_targets)
        weights : ndarray of shape (n_samples,)
            Above 0.
        """
        return _OfChunk(self, X, targets, weights)


class _OfChunk(InFeatures):
    def __init__(self, penalties, X, targets, weights):
        sums = penalties.sums
        self.X = X
        self.alphas = penalties.alphas
        self.n_samples = sums.n_rows
        self.mean, self.offset = penalties.mean, penalties.offset
        self.vectors, self.projected = penalties.vectors, penalties.projected
        self.inverse = 1 / (penalties.values[:, None] + self.alphas)
        self.rest = np.empty((len(X), len(self.alphas)))
        self._enter(targets, weights, sums.total if sums.fit_intercept else np.inf)
