"""Few rows of many features, turned into as many columns as there are rows."""

from typing import Self

import numpy as np
from scipy.linalg import eigh
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.utils.validation import check_is_fitted, validate_data

from imgfeat._threads import blas_threads_for


class RowSpace(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Rotate rows into the space that the rows of the fit span.

    Where there are fewer rows than features, the rows of the fit are told by as many
    coordinates as there are rows, and all their lengths and angles stay. What does not
    change under rotation, such as a linear classifier with an L2 penalty, learns the
    same from them in a fraction of the time. With as many rows as features or more,
    rows pass as they are.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features), or None
        Orthonormal directions, in the dtype of X, the longest first; None where rows
        pass as they are.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)
        If X had column names, all text.

    See Also
    --------
    LinearProbe : A classifier that does this in its fit.
    sklearn.decomposition.PCA : Subtracts the mean, and drops what varies little.

    Notes
    -----
    The directions come from the eigenvectors of XX' in float64. Those shorter than
    rounding are dropped. Slopes `coef` in the new coordinates are ``coef @
    components_`` in the old ones. Of other rows only the part within the space is
    kept, which is all that such a classifier looks at.

    Examples
    --------
    >>> import numpy as np
    >>> from imgfeat.estimators import RowSpace
    >>> X = np.random.default_rng(0).standard_normal((10, 5000))
    >>> rows = RowSpace().fit_transform(X)
    >>> rows.shape
    (10, 10)
    >>> bool(np.allclose(rows @ rows.T, X @ X.T))
    True
    """

    def fit(self, X, y=None) -> Self:
        """Find the directions that the rows span.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Finite numbers.
        y : ignored

        Returns
        -------
        self : RowSpace
        """
        X = validate_data(self, X, dtype=[np.float64, np.float32])
        with blas_threads_for(X.size * min(X.shape)):
            components = row_space(X)
        self.components_ = None if components is None else components.astype(X.dtype)
        return self

    def transform(self, X) -> np.ndarray:
        """Tell rows by their coordinates in the space.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_components), or X itself
            In the dtype of X.
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        if self.components_ is None:
            return X
        return (X @ self.components_.T).astype(X.dtype, copy=False)

    @property
    def _n_features_out(self):
        if self.components_ is None:
            return self.n_features_in_
        return len(self.components_)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def row_space(X):
    """Orthonormal directions in float64 that span the rows of X, the longest first.

    None for as many rows as features or more, where nothing would be won.
    """
    n_samples, n_features = X.shape
    if n_samples >= n_features:
        return None
    X = X.astype(np.float64, copy=False)
    squares, vectors = eigh(X @ X.T)
    squares, vectors = squares[::-1], vectors[:, ::-1]
    least = squares[0] * n_samples * np.finfo(np.float64).eps
    kept = squares > max(least, np.finfo(np.float64).tiny)
    kept[0] = True  # of rows that are all zeros, one direction that says nothing
    lengths = np.sqrt(squares[kept].clip(np.finfo(np.float64).tiny))
    return (vectors[:, kept] / lengths).T @ X
