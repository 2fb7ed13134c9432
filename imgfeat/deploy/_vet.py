"""Check what scikit-learn's compiled code would use as an index without looking.

skops builds allowed types only, but not every content of them is harmless: a tree whose
child is node 10**9 crashes the process at the first prediction. Here every such number
is compared with the length of what it points into.
"""

import numpy as np
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
    RandomTreesEmbedding,
)
from sklearn.svm import SVC, SVR, NuSVC, NuSVR, OneClassSVM
from sklearn.tree import BaseDecisionTree

from imgfeat._nesting import walk
from imgfeat.deploy._errors import BundleError, UntrustedFileError
from imgfeat.deploy._vet_learned import vet_learned

LEAF = -1
N_WORDS = 624  # in the state of a Mersenne twister, which reads on from "pos"
UNGUARDED = GradientBoostingClassifier, GradientBoostingRegressor
FORESTS = (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    RandomTreesEmbedding,
)
LIBSVM = SVC, NuSVC, SVR, NuSVR, OneClassSVM
# What scikit-learn's neighbours and k-means compare new rows with, taking the width on
# trust.
COMPARED = "_fit_X", "cluster_centers_"
# Numbers by which threads are started or loops run; more is an attack on the machine.
MOST = {
    "n_jobs": 1 << 10,
    "_n_threads": 1 << 10,
    "sample_steps": 1 << 10,
    "degree": 1 << 6,
    "n_repeats": 1 << 20,
}


def vet(pipeline):
    """Raise unless all in `pipeline` that compiled code trusts is whole.

    Raises
    ------
    BundleError
    """
    for name, item in walk(pipeline):
        vet_learned(name, item)
        _check_numbers(name, item)
        if isinstance(item, UNGUARDED):
            raise UntrustedFileError(
                f"{type(item).__name__} cannot be saved: its compiled code trusts "
                "whatever a file holds. Use RandomForestClassifier."
            )
        whole = True
        if isinstance(item, FORESTS):
            trees = getattr(item, "estimators_", [])
            whole = all(tree.n_features_in_ == item.n_features_in_ for tree in trees)
        elif isinstance(item, IsolationForest):
            whole = not hasattr(item, "estimators_") or _is_whole_isolation(item)
        elif isinstance(item, BaseDecisionTree):
            whole = not hasattr(item, "tree_") or _is_whole_tree(item)
        elif isinstance(item, LIBSVM):
            whole = not hasattr(item, "support_") or _is_whole_svm(item)
        elif isinstance(item, np.random.RandomState):
            whole = 0 <= item.get_state(legacy=False)["state"]["pos"] <= N_WORDS
        elif type(item).__module__.startswith("sklearn."):
            whole = all(
                np.shape(getattr(item, name))[1:] == (item.n_features_in_,)
                for name in COMPARED
                if hasattr(item, name)
            ) and (not hasattr(item, "_fit_X") or _are_whole_neighbours(item))
        if not whole:
            raise BundleError(
                f"{type(item).__name__} in {name or 'the file'} contradicts itself: it "
                "points outside of its own arrays. Save the pipeline again."
            )


def _check_numbers(name, item):
    for key, most in MOST.items():
        value = getattr(item, "__dict__", {}).get(key)
        if isinstance(value, int | float | np.number) and not abs(value) <= most:
            raise BundleError(
                f"{type(item).__name__} in {name or 'the file'} has {key}={value!r}: "
                f"too large, up to {most} is loaded."
            )


def _is_whole_isolation(forest):
    chosen = forest.estimators_features_
    return len(chosen) == len(forest.estimators_) and all(
        tree.n_features_in_ == len(features)
        for tree, features in zip(forest.estimators_, chosen, strict=True)
    )


def _are_whole_neighbours(model):
    """Whether the labels of rows, by which votes are counted, are labels there are."""
    n_rows = len(model._fit_X)
    labels, classes = getattr(model, "_y", None), getattr(model, "classes_", None)
    if model.n_samples_fit_ != n_rows:
        return False
    if labels is None:
        return True
    if classes is None:
        return len(labels) == n_rows
    tables = classes if isinstance(classes, list) else [classes]
    columns = np.reshape(labels, (n_rows, len(tables)))
    return columns.dtype.kind == "i" and all(
        n_rows == 0 or 0 <= column.min() <= column.max() < len(table)
        for column, table in zip(columns.T, tables, strict=True)
    )


def _is_whole_tree(estimator):
    tree = estimator.tree_
    inner = np.flatnonzero(tree.children_left != LEAF)
    feature = tree.feature[inner]
    # Children come after their parent, so walking down always ends.
    return (
        tree.node_count > 0
        and all(
            ((child[inner] > inner) & (child[inner] < tree.node_count)).all()
            for child in (tree.children_left, tree.children_right)
        )
        and ((feature >= 0) & (feature < estimator.n_features_in_)).all()
    )


def _is_whole_svm(svm):
    if svm._sparse:
        return False  # fitted on a sparse X: no images, and one more format to check
    n_vectors = len(svm.support_)
    n_classes = len(svm.classes_) if hasattr(svm, "classes_") else 2
    n_pairs = n_classes * (n_classes - 1) // 2
    precomputed = svm.kernel == "precomputed"
    vectors = (0, 0) if precomputed else (n_vectors, svm.n_features_in_)
    counts = svm._n_support[:n_classes] if hasattr(svm, "classes_") else [n_vectors]
    return (
        svm.support_vectors_.shape == vectors
        and svm._dual_coef_.shape == (n_classes - 1, n_vectors)
        and svm._intercept_.shape == (n_pairs,)
        and min(counts) >= 0
        and sum(counts) == n_vectors
        and all(len(p) in (0, n_pairs) for p in (svm._probA, svm._probB))
        and ((svm.support_ >= 0) & (svm.support_ < svm.shape_fit_[0])).all()
    )
