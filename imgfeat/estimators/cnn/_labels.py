"""Labels and weights of a training, and which part of it validates."""

import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.utils import column_or_1d, compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import assert_all_finite

from imgfeat._sklearn import check_sample_weight
from imgfeat.estimators._missing_labels import refuse_missing


def encode_labels(y, n_images, classes=None):
    """Number the labels.

    Parameters
    ----------
    y : array-like of shape (n_images,)
    n_images : int
    classes : array-like, optional
        All labels there are.

    Returns
    -------
    classes : ndarray of shape (n_classes,)
        Sorted.
    codes : ndarray of shape (n_images,), int64

    Raises
    ------
    ValueError
        If labels are missing, continuous, of one class only, or none of `classes`.
    """
    if y is None:
        raise ValueError(
            "CNNClassifier requires y to be passed, but the target y is None."
        )
    refuse_missing(y, "CNNClassifier")
    y = column_or_1d(y, warn=True)
    assert_all_finite(y, input_name="y")
    check_classification_targets(y)
    if len(y) != n_images:
        raise ValueError(
            f"CNNClassifier needs a label for each image. Found input variables with "
            f"inconsistent numbers of samples: {n_images} images and {len(y)} labels."
        )
    classes = np.unique(y if classes is None else np.asarray(classes))
    if len(classes) < 2:
        raise ValueError(
            f"CNNClassifier needs images of at least 2 classes. Got 1 class: "
            f"{classes.tolist()[0]!r}."
        )
    codes = np.searchsorted(classes, y).clip(max=len(classes) - 1)
    unknown = np.flatnonzero(classes[codes] != y)
    if len(unknown):
        raise ValueError(
            f"CNNClassifier knows the classes {classes.tolist()}. Got "
            f"{y[unknown].tolist()[0]!r} "
            f"in row {unknown[0]}; pass all of them as `classes` at first."
        )
    return classes, codes.astype(np.int64)


def weigh(images, sample_weight, class_weight, classes, codes):
    """Weights of the samples with mean 1, None if all are the same; and their scale.

    Parameters
    ----------
    images : sized
    sample_weight : array-like of shape (n_images,) or None
    class_weight : dict, "balanced" or None
    classes, codes : as `encode_labels` returns them

    Returns
    -------
    weights : ndarray of shape (n_images,), float32, or None
    scale : float
        What they were divided by.
    """
    if sample_weight is None and class_weight is None:
        return None, 1.0
    weights = check_sample_weight(
        sample_weight, np.empty((len(images), 1)), ensure_non_negative=True
    )
    present = classes[np.unique(codes)]
    by_class = compute_class_weight(class_weight, classes=present, y=classes[codes])
    weights = weights * by_class[np.searchsorted(present, classes[codes])]
    if weights.sum() <= 0:
        raise ValueError("sample_weight needs a positive sum. Got zeros.")
    scale = float(weights.mean())
    return (weights / scale).astype(np.float32), scale


def hold_out(codes, fraction, seed):
    """Split rows into a part to train on and one to validate by.

    Classes have the same share in both; those with one image stay in the first.

    Returns
    -------
    training, validation : ndarray of int
    """
    rows, counts = np.arange(len(codes)), np.bincount(codes)
    is_shared = counts[codes] > 1
    n_classes = int((counts > 1).sum())
    n_held = max(round(fraction * len(codes)), n_classes)
    if n_classes == 0 or is_shared.sum() - n_held < n_classes:
        raise ValueError(
            f"validation_fraction={fraction} needs more images. Got {len(codes)} of "
            f"{len(counts)} classes; use early_stopping=False."
        )
    training, validation = train_test_split(
        rows[is_shared],
        test_size=n_held,
        stratify=codes[is_shared],
        random_state=seed,
    )
    return np.sort(np.concatenate([training, rows[~is_shared]])), np.sort(validation)
