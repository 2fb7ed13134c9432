"""Check what our own kernels take on trust: learned arrays, and parameters as sizes.

Kernels read words, atoms and mixtures by the shape of one array, and parameters say how
large images and features become. A file in which these disagree, or are absurd, is
refused before anything runs.
"""

import math

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.neighbors import NearestNeighbors

from imgfeat._public_names import public_name
from imgfeat._target import classes_of, gives_several
from imgfeat.deploy._errors import BundleError

# The most that a parameter may come to, as a product of its integers.
LIMITS = {
    "size": 1 << 26,
    "grid": 1 << 16,
    "n_bins": 1 << 20,
    "n_jobs": 1 << 10,
    "n_keypoints": 1 << 20,
    "n_levels": 1 << 8,
    "n_points": 1 << 8,
    "n_views": 1 << 8,
    "n_neighbors": 1 << 16,
    "orientations": 1 << 12,
    "batch_size": 1 << 16,
    "window": 1 << 20,
}
MAX_CELLS = 1 << 16


def vet_learned(name, item):
    """Raise unless an estimator of ours is whole.

    Parameters
    ----------
    name : str
        Where it stands, for the message.
    item : object
        What is not ours passes.

    Raises
    ------
    BundleError
    """
    if not type(item).__module__.startswith("imgfeat."):
        return
    place = f"{type(item).__name__} in {name or 'the file'}"
    if isinstance(item, BaseEstimator):
        _check_parameters(item, place)
    is_whole = _CHECKS.get(public_name(type(item)))
    if is_whole is not None and not is_whole(item):
        raise BundleError(
            f"{place} contradicts itself: its learned arrays do not fit each other. "
            "Save the pipeline again."
        )


def _check_parameters(item, place):
    if hasattr(item, "_parameter_constraints"):
        item._validate_params()
    state = vars(item)
    found = {name: _product(state.get(name)) for name in LIMITS}
    if isinstance(state.get("n_bins"), int):
        found["n_bins"] **= 3  # of every channel
    if isinstance(state.get("n_points"), list | tuple):
        found["n_points"] = max(map(_product, state["n_points"]), default=1)
    if isinstance(state.get("size"), int):
        found["size"] **= 2
    seen = state.get("_seen")
    if isinstance(seen, dict):
        found["size"] = max(found["size"], _product(seen.get("size")))
    pyramid = state.get("spatial_pyramid") or ()
    too_large = [name for name, limit in LIMITS.items() if found[name] > limit]
    if sum(map(_product, pyramid)) > MAX_CELLS:
        too_large.append("spatial_pyramid")
    if too_large:
        name = too_large[0]
        raise BundleError(f"{place} has {name}={state.get(name)!r:.40}: too large.")


def _product(value):
    """Of all integers in a parameter, however it holds them."""
    if isinstance(value, int | np.integer):
        return abs(int(value)) or 1
    if isinstance(value, list | tuple):
        return math.prod(map(_product, value))
    return 1


def _width(vocabulary):
    """Numbers a descriptor after the projection, or None if that is broken."""
    pca, n_dims = vocabulary.pca_, vocabulary.n_features_in_
    if pca is None:
        return n_dims
    n_components = pca.components_.shape[0]
    whole = (
        _is(pca.components_, (n_components, n_dims))
        and _is(pca.mean_, (n_dims,))
        and _is(pca.explained_variance_, (n_components,))
    )
    return n_components if whole else None


def _are_words(item):
    if not hasattr(item, "cluster_centers_"):
        return True
    words = item.cluster_centers_
    n_words = len(words) if np.ndim(words) == 2 else 0
    idf = getattr(item, "idf_", None)
    return (
        n_words > 0
        and _is(words, (n_words, _width(item)), np.float32)
        and (idf is None or _is(idf, (n_words,), np.float32))
        and (not getattr(item, "tfidf", False) or idf is not None)
        and float(getattr(item, "bandwidth_", 1.0)) > 0
    )


def _is_mixture(item):
    if not hasattr(item, "means_"):
        return True
    n_components = len(item.weights_) if np.ndim(item.weights_) == 1 else 0
    return (
        n_components > 0
        and _is(item.weights_, (n_components,))
        and _is(item.means_, (n_components, _width(item)))
        and _is(item.covariances_, item.means_.shape)
        and item.weights_.min() >= 0
        and item.covariances_.min() > 0
    )


def _is_dictionary(item):
    if not hasattr(item, "atoms_"):
        return True
    n_channels = math.prod(item.image_shape_in_[2:])
    n_values = item.patch_size**2 * n_channels
    atoms = item.atoms_
    return (
        np.ndim(atoms) == 2
        and len(atoms) > 0
        and _is(atoms, atoms.shape, np.float32)
        and _is(item.mean_, (n_values,), np.float32)
        and _is(item.whitening_, (n_values, atoms.shape[1]), np.float32)
    )


def _is_linear(item):
    if not hasattr(item, "coef_"):
        return True
    n_classes = len(item.classes_)
    if type(item.multilabel_) is not bool:
        return False
    is_one = n_classes == 2 and not item.multilabel_
    n_rows = 1 if is_one else n_classes
    return (
        _is(item.coef_, (n_rows, item.n_features_in_))
        and _is(item.intercept_, (n_rows,))
        and (not item.multilabel_ or np.shape(item.temperature_) == (n_rows,))
    )


def _has_thresholds(item):
    if not hasattr(item, "thresholds_"):
        return True
    return _gives_labels_of(item, [item.estimator_]) and _is(
        item.thresholds_, item.classes_.shape, np.float64
    )


def _is_vote(item):
    if not hasattr(item, "estimators_"):
        return True
    voters = item.estimators_
    return (
        isinstance(voters, list)
        and len(voters) > 0
        and _gives_labels_of(item, voters)
        and _is(item.weights_, (len(voters),), np.float64)
        and item.weights_.min() >= 0
        and item.weights_.sum() > 0
    )


def _gives_labels_of(item, models):
    """Whether it gives an image several labels, and so do the models in it, as many."""
    classes = item.classes_
    return (
        type(classes) is np.ndarray
        and classes.ndim == 1
        and item.multilabel_ is True
        and all(gives_several(one) for one in models)
        and all(len(classes_of(one)) == len(classes) for one in models)
    )


def _has_class_vectors(item):
    if not hasattr(item, "class_vectors_"):
        return True
    vectors, classes = item.class_vectors_, item.classes_
    return (
        type(classes) is np.ndarray
        and classes.ndim == 1
        and len(classes) > 1
        and _is(vectors, (len(classes), item.n_features_in_))
    )


def _is_open_set(item):
    if not hasattr(item, "neighbors_"):
        return True
    bounds = item.threshold_, item.min_probability_, item.temperature_
    return (
        type(item.neighbors_) is NearestNeighbors
        and _is(item.neighbors_._fit_X, item.neighbors_._fit_X.shape, np.float32)
        and np.ndim(item.classes_) == 1
        and all(type(bound) is float and not math.isnan(bound) for bound in bounds)
        and item.temperature_ > 0
        and isinstance(item.unknown_label_, str | int | float)
    )


def _is_detector(item):
    if not hasattr(item, "pipeline_"):
        return True
    classes = item.classes_
    verifier = getattr(item, "verifier_", None)
    judges = [item.pipeline_] if verifier is None else [item.pipeline_, verifier]
    return (
        type(classes) is np.ndarray
        and classes.ndim == 1
        and len(classes) > 1
        and all(classes.tolist() == np.asarray(j.classes_).tolist() for j in judges)
        and isinstance(item.background_, str | int | float)
        and item.background_ in classes.tolist()
    )


def _is_verifier(item):
    if not hasattr(item, "features_"):
        return True
    learned = [item.threshold_]
    if item.calibrate:
        learned += [item.slope_, item.intercept_]
    return (
        all(type(number) is float and math.isfinite(number) for number in learned)
        and (not item.calibrate or item.slope_ > 0)
        and type(item.n_features_out_) is int
        and item.n_features_out_ > 0
        and type(item.key_) is str
    )


def _is(array, shape, dtype=None):
    """Whether it is an array of real, finite numbers of this shape."""
    return (
        type(array) is np.ndarray
        and array.shape == shape
        and array.dtype.kind == "f"
        and (dtype is None or array.dtype == dtype)
        and bool(np.isfinite(array).all())
    )


# By name, because some of these classes import torch.
_CHECKS = {
    "imgfeat.features.BagOfVisualWords": _are_words,
    "imgfeat.features.FisherVector": _is_mixture,
    "imgfeat.features.PatchDictionary": _is_dictionary,
    "imgfeat.features.VLAD": _are_words,
    "imgfeat.estimators.LabelThresholds": _has_thresholds,
    "imgfeat.estimators.LabelVote": _is_vote,
    "imgfeat.estimators.LinearProbe": _is_linear,
    "imgfeat.estimators.OpenSet": _is_open_set,
    "imgfeat.estimators.PairVerifier": _is_verifier,
    "imgfeat.estimators.PrototypeClassifier": _is_linear,
    "imgfeat.estimators.RidgeProbe": _is_linear,
    "imgfeat.estimators.SlidingWindowDetector": _is_detector,
    "imgfeat.estimators.ZeroShotClassifier": _has_class_vectors,
}
