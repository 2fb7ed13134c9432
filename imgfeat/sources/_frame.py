"""Images in pandas: what comes in as one column, what goes out under its index."""

import numpy as np

from imgfeat._frames import make_frame
from imgfeat._sklearn import output_config


def one_column(X):
    """Return X as a 1-D sequence, if it is a table or an array of one column.

    Resamplers take and return nothing else.
    """
    if getattr(X, "ndim", None) != 2 or X.shape[1] != 1:
        return X
    if hasattr(X, "iloc"):
        return X.iloc[:, 0]
    is_array_of_items = isinstance(X, np.ndarray) and X.dtype.kind in "OUT"
    return X[:, 0] if is_array_of_items else X


def index_of(X):
    """The index of a Series or DataFrame, else None."""
    return X.index if hasattr(X, "iloc") else None


def frame_of_images(images, index):
    """A table with an image a row, in the column ``"image"``; pixels are not copied.

    Parameters
    ----------
    images : ndarray of shape (n_images, height, width[, 3])
    index : Index

    Returns
    -------
    DataFrame of shape (n_images, 1)
    """
    cells = np.empty(len(images), dtype=object)
    for row, image in enumerate(images):
        cells[row] = image
    return make_frame({"image": cells}, index=index)


def keep_index(estimator, rows, index):
    """Return what was made of each row of X under the index of X.

    Parameters
    ----------
    estimator : transformer
    rows : ndarray of shape (n_rows, n_features) or (n_images, height, width[, 3])
    index : Index or None
        None where X was not in pandas.

    Returns
    -------
    ndarray or DataFrame
        A table if there is an index and `estimator` was asked for pandas. Columns of
        features are for scikit-learn to name.
    """
    if index is None or output_config("transform", estimator)["dense"] != "pandas":
        return rows
    if rows.ndim > 2:
        return frame_of_images(rows, index)
    return make_frame(rows, index=index, copy=False)
