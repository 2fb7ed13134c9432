"""Labels and weights of a training, and which part of it validates."""

import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state, column_or_1d, compute_class_weight
from sklearn.utils.multiclass import check_classification_targets

from imgfeat._clear_labels import check_groups, refuse_unclear
from imgfeat._sklearn import check_sample_weight
from imgfeat._target import Target, is_several
from imgfeat.estimators._label_shares import share_out_labels
from imgfeat.estimators._several_labels import weights_of_labels


def encode_labels(y, n_images, classes=None):
    """Number the labels.

    Parameters
    ----------
    y : array-like of shape (n_images,), or several labels an image
    n_images : int
    classes : array-like, optional
        All labels there are.

    Returns
    -------
    classes : ndarray of shape (n_classes,)
        Sorted; of several labels, in the order of the columns.
    codes : ndarray of shape (n_images,), int64; or (n_images, n_classes), float32
        The number of each image's class; of several labels, 1 for each and 0.

    Raises
    ------
    ValueError
        If labels are missing, continuous, of one class only, or none of `classes`;
        of several, if no image has one, or all have it.
    """
    if y is None:
        raise ValueError(
            "CNNClassifier requires y to be passed, but the target y is None."
        )
    if is_several(y):
        return _encode_several(y, n_images, classes)
    refuse_unclear(y, "CNNClassifier")
    y = column_or_1d(y, warn=True)
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


def _encode_several(y, n_images, classes):
    target = Target.of(y, "CNNClassifier", classes)
    if len(target) != n_images:
        raise ValueError(
            "CNNClassifier needs a row of labels for each image. Found input variables "
            f"with inconsistent numbers of samples: {n_images} images and "
            f"{len(target)} rows."
        )
    if classes is None:  # of a part, some may have no image yet
        target.check_sides("CNNClassifier")
    return target.classes, target.values.astype(np.float32)


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
        Of several labels and weights of classes, of shape (n_images, n_classes).
    scale : float
        What they were divided by.
    """
    if sample_weight is None and class_weight is None:
        return None, 1.0
    weights = check_sample_weight(
        sample_weight, np.empty((len(images), 1)), ensure_non_negative=True
    )
    if codes.ndim == 2:
        if class_weight is not None:
            target = Target(codes.astype(np.int64), classes)
            by_label = weights_of_labels(class_weight, target, "CNNClassifier")
            of_cells = by_label[target.values, np.arange(len(classes))]
            weights = weights[:, np.newaxis] * of_cells
        return _scaled(weights)
    present = classes[np.unique(codes)]
    by_class = compute_class_weight(class_weight, classes=present, y=classes[codes])
    weights = weights * by_class[np.searchsorted(present, classes[codes])]
    return _scaled(weights)


def _scaled(weights):
    if weights.sum() <= 0:
        raise ValueError("sample_weight needs a positive sum. Got zeros.")
    scale = float(weights.mean())
    return (weights / scale).astype(np.float32), scale


def hold_out(codes, fraction, seed, groups=None):
    """Split rows into a part to train on and one to validate by.

    Classes have the same share in both; those with one image, or one group, stay in the
    first.

    Parameters
    ----------
    codes : ndarray of shape (n_images,), or (n_images, n_classes)
        As `encode_labels` gives them.
    fraction : float
    seed : int
    groups : array-like of shape (n_images,), optional
        Rows that share one are never parted. The shares are as near as that allows.

    Returns
    -------
    training, validation : ndarray of int
    """
    groups = check_groups(groups, len(codes), "CNNClassifier")
    if codes.ndim == 2:
        return _hold_out_several(codes, fraction, seed, groups)
    if groups is not None:
        return _hold_out_groups(codes, fraction, seed, groups)
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


def _hold_out_several(codes, fraction, seed, groups):
    """A share of each label, as near as can be, and of whole groups."""
    values = codes.astype(np.int64)
    shares = [1 - fraction, fraction]
    part_of = share_out_labels(values, groups, shares, check_random_state(seed))
    training, validation = (np.flatnonzero(part_of == part) for part in (0, 1))
    is_full = len(validation) > 0 and len(training) > 0
    if (
        not is_full
        or Target(values[training], np.arange(codes.shape[1])).sides().min() < 1
    ):
        raise ValueError(
            f"validation_fraction={fraction} needs more images, with each label and "
            f"without it, in both parts. Got {len(codes)}; use early_stopping=False."
        )
    return training, validation


def _hold_out_groups(codes, fraction, seed, groups):
    """Groups at random, as long as no class gets more than its share."""
    _, group_of = np.unique(groups, return_inverse=True)
    counts = np.zeros((group_of.max() + 1, codes.max() + 1), dtype=int)
    np.add.at(counts, (group_of, codes), 1)
    total = counts.sum(axis=0)
    most = np.maximum(np.ceil(fraction * total), 1)
    held = np.zeros(len(counts), dtype=bool)

    def is_spare(group):  # each of its classes has others to learn from
        left = total - counts[held].sum(axis=0) - counts[group]
        return not held[group] and (left > 0)[counts[group] > 0].all()

    for group in np.random.default_rng(seed).permutation(len(counts)):
        if (counts[held].sum(axis=0) + counts[group] <= most).all():
            held[group] = is_spare(group)
    for code in np.flatnonzero(total):
        if not counts[held, code].any():  # its groups are large: the smallest, then
            having = np.flatnonzero(counts[:, code])
            having = having[np.argsort(counts[having].sum(axis=1), kind="stable")]
            held[[group for group in having if is_spare(group)][:1]] = True
    if not held.any():
        raise ValueError(
            f"validation_fraction={fraction} needs two groups of a class, one to train "
            f"on and one to hold out. Got {len(counts)} groups of "
            f"{np.count_nonzero(total)} classes; use early_stopping=False."
        )
    return np.flatnonzero(~held[group_of]), np.flatnonzero(held[group_of])
