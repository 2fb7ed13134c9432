"""Tests for imgfeat/deploy/_vet.py: files that lie about their own arrays."""

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomTreesEmbedding,
    VotingClassifier,
)
from sklearn.frozen import FrozenEstimator
from sklearn.kernel_approximation import AdditiveChi2Sampler
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import (
    KNeighborsClassifier,
    LocalOutlierFactor,
    RadiusNeighborsRegressor,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.svm import SVC, SVR, NuSVC, OneClassSVM
from sklearn.tree import DecisionTreeClassifier, ExtraTreeRegressor

from imgfeat.deploy import BundleError, UntrustedFileError, save
from imgfeat.deploy._model import dump_model, load_model
from imgfeat.deploy._vet import vet
from imgfeat.estimators import AugmentedClassifier
from imgfeat.features import HOG


def come_back(model):
    return load_model(dump_model(model))


def numbered(digits):
    X, y = digits
    return X, np.unique(y, return_inverse=True)[1]


@pytest.fixture
def forest(digits):
    return RandomForestClassifier(3, random_state=0).fit(*digits)


@pytest.mark.parametrize(
    "model",
    [
        DecisionTreeClassifier(max_depth=1),
        ExtraTreeRegressor(random_state=0),
        RandomForestClassifier(3, random_state=0),
        ExtraTreesRegressor(3, random_state=0),
        RandomTreesEmbedding(3, random_state=0),
        SVC(),
        SVC(kernel="linear", break_ties=True),
        NuSVC(nu=0.1),
        SVR(),
        OneClassSVM(),
        KNeighborsClassifier(3, algorithm="brute"),
        LocalOutlierFactor(algorithm="brute", novelty=True),
        KMeans(3, n_init=1, random_state=0),
        MiniBatchKMeans(3, n_init=1, random_state=0),
    ],
    ids=lambda model: type(model).__name__,
)
def test_honest_models_come_back_with_equal_answers(model, digits):
    X, y = numbered(digits)
    model.fit(X, y)
    loaded = come_back(model)
    method = "predict" if hasattr(model, "predict") else "transform"
    found, expected = (getattr(m, method)(X) for m in (loaded, model))
    assert (found != expected).sum() == 0


@pytest.mark.parametrize(
    "model", [DecisionTreeClassifier(), SVC(), KMeans(2), RandomForestClassifier()]
)
def test_what_is_not_fitted_has_nothing_to_check(model):
    assert vet(make_pipeline(StandardScaler(), model)) is None


def test_tree_of_one_leaf_is_whole(digits):
    X, y = digits
    stump = DecisionTreeClassifier().fit(X[:1], y[:1])
    assert come_back(stump).predict(X[:2]).tolist() == [y[0]] * 2


# Trees


def forge_tree(tree, field, value, node=0):
    state = tree.tree_.__getstate__()
    state["nodes"][field][node] = value
    tree.tree_.__setstate__(state)


@pytest.mark.parametrize(
    "field, value",
    [
        ("left_child", 10**6),
        ("right_child", 10**6),
        ("right_child", -5),
        ("left_child", -2),
        ("left_child", 0),  # of itself: walking down would never end
        ("right_child", 0),
        ("feature", 64),
        ("feature", -3),
    ],
)
def test_tree_that_points_outside_of_itself_is_refused(digits, field, value):
    tree = DecisionTreeClassifier(random_state=0).fit(*digits)
    forge_tree(tree, field, value)
    with pytest.raises(BundleError, match="points outside of its own arrays"):
        come_back(tree)


def test_child_right_behind_the_last_node_is_refused(digits):
    tree = DecisionTreeClassifier(random_state=0).fit(*digits)
    last = int(np.flatnonzero(tree.tree_.children_left != -1)[-1])
    forge_tree(tree, "right_child", tree.tree_.node_count, node=last)
    with pytest.raises(BundleError, match="points outside of its own arrays"):
        come_back(tree)


def test_tree_that_is_told_of_fewer_features_is_refused(digits):
    tree = DecisionTreeClassifier(random_state=0).fit(*digits)
    tree.n_features_in_ = int(tree.tree_.feature.max())
    with pytest.raises(BundleError, match="DecisionTreeClassifier in the file contra"):
        come_back(tree)


def test_forest_whose_trees_want_more_features_is_refused(forest):
    forest.n_features_in_ = 3
    with pytest.raises(BundleError, match="RandomForestClassifier in the file contra"):
        come_back(forest)


def test_one_bad_tree_of_a_forest_is_enough_and_is_named(forest):
    forge_tree(forest.estimators_[2], "left_child", 10**6)
    with pytest.raises(BundleError, match="DecisionTreeClassifier in estimators___2 c"):
        come_back(forest)


@pytest.mark.parametrize("wrap", ["pipeline", "search", "voting"])
def test_trees_are_found_wherever_they_are(digits, wrap):
    tree = DecisionTreeClassifier(max_depth=3, random_state=0)
    if wrap == "pipeline":
        model = make_pipeline(StandardScaler(), tree).fit(*digits)
        forge_tree(model[-1], "feature", 64)
    elif wrap == "search":
        model = GridSearchCV(tree, {"max_depth": [2, 3]}, cv=2).fit(*digits)
        forge_tree(model.best_estimator_, "feature", 64)
    else:
        model = VotingClassifier([("tree", tree), ("lr", LogisticRegression(C=0.01))])
        forge_tree(model.fit(*digits).estimators_[0], "feature", 64)
    with pytest.raises(BundleError, match=r"DecisionTreeClassifier in .* contradicts"):
        come_back(model)


@pytest.mark.parametrize(
    "wrap, inner",
    [
        (
            CalibratedClassifierCV,
            lambda model: model.calibrated_classifiers_[0].estimator,
        ),
        (BaggingClassifier, lambda model: model.estimators_[0]),
        (FrozenEstimator, lambda model: model.estimator),
        (AugmentedClassifier, lambda model: model.pipeline_[-1]),
        (OneVsRestClassifier, lambda model: model.estimators_[0]),
        (AdaBoostClassifier, lambda model: model.estimators_[0]),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_tree_is_checked_at_any_depth(digits, wrap, inner):
    X, y = digits
    tree = DecisionTreeClassifier(max_depth=3, random_state=0)
    if wrap is FrozenEstimator:
        model = wrap(tree.fit(X, y))
    else:
        if wrap is AugmentedClassifier:
            X = X.reshape(-1, 8, 8)
            tree = make_pipeline(HOG(pixels_per_cell=(4, 4)), tree)
        model = wrap(tree).fit(X, y)
    forge_tree(inner(model), "left_child", 10**9)
    outer = make_pipeline(StandardScaler(), model)
    with pytest.raises(BundleError, match=r"DecisionTreeClassifier in .* contradicts"):
        come_back(outer)


def test_random_numbers_that_are_read_from_outside_are_refused(digits):
    model = DecisionTreeClassifier(random_state=np.random.RandomState(0)).fit(*digits)
    come_back(model)
    state = model.random_state.get_state(legacy=False)
    state["state"]["pos"] = 10**6
    model.random_state.set_state(state)
    with pytest.raises(BundleError, match="RandomState in random_state contradicts"):
        come_back(model)


# Kernel machines


@pytest.mark.parametrize(
    "attribute, change",
    [
        ("support_vectors_", lambda a: a[:-1]),
        ("support_vectors_", lambda a: a[:, :-1].copy()),
        ("_dual_coef_", lambda a: a[:, :-1].copy()),
        ("_dual_coef_", lambda a: a[:-1]),
        ("_intercept_", lambda a: a[:-1]),
        ("_n_support", lambda a: a + 1),
        ("_n_support", lambda a: np.r_[a[0] + a[1] + 1, -1, a[2:]].astype(a.dtype)),
        ("_probA", lambda a: np.zeros(3)),
        ("_probB", lambda a: np.zeros(3)),
        ("support_", lambda a: a - 10**6),
        ("support_", lambda a: a + 10**6),
        ("classes_", lambda a: a[:-1]),
        ("n_features_in_", lambda n: n + 1),
        ("_sparse", lambda sparse: True),
    ],
)
def test_kernel_machine_whose_arrays_disagree_is_refused(digits, attribute, change):
    svm = SVC().fit(*digits)
    assert vet(svm) is None
    setattr(svm, attribute, change(getattr(svm, attribute)))
    with pytest.raises(BundleError, match="SVC in the file contradicts itself"):
        vet(svm)


def test_kernel_machine_of_a_precomputed_kernel_is_whole(digits):
    X, y = digits
    svm = SVC(kernel="precomputed").fit(X @ X.T, y)
    assert (come_back(svm).predict(X @ X.T) == svm.predict(X @ X.T)).all()
    svm.kernel = "rbf"  # which would read vectors that are not there
    with pytest.raises(BundleError, match="SVC in the file contradicts itself"):
        come_back(svm)


@pytest.mark.parametrize("svm", [SVR(), OneClassSVM()])
def test_machines_without_classes_are_checked_too(digits, svm):
    svm.fit(*numbered(digits))
    svm.support_vectors_ = svm.support_vectors_[:, :1].copy()
    with pytest.raises(BundleError, match=r"SV[RM] in the file contradicts itself"):
        come_back(svm)


# Rows that new rows are compared with


@pytest.mark.parametrize(
    "model, rows",
    [
        (KNeighborsClassifier(algorithm="brute"), "_fit_X"),
        (RadiusNeighborsRegressor(algorithm="brute"), "_fit_X"),
        (LocalOutlierFactor(algorithm="brute", novelty=True), "_fit_X"),
        (KMeans(3, n_init=1), "cluster_centers_"),
        (MiniBatchKMeans(3, n_init=1), "cluster_centers_"),
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize("width", [1, 63, 65])
def test_rows_of_another_width_are_refused(digits, model, rows, width):
    model.fit(*numbered(digits))
    narrow = np.resize(getattr(model, rows), (len(getattr(model, rows)), width))
    setattr(model, rows, narrow)
    with pytest.raises(BundleError, match=f"{type(model).__name__} in the file contra"):
        come_back(model)


@pytest.mark.parametrize(
    "change",
    [
        {"_y": lambda y: y + 10**6},
        {"_y": lambda y: y - 10**6},
        {"_y": lambda y: y[:-1]},
        {"_y": lambda y: y.astype(float)},
        {"classes_": lambda classes: classes[:-1]},
        {"n_samples_fit_": lambda n: n + 10**6},
    ],
    ids=lambda change: next(iter(change)),
)
def test_neighbours_whose_labels_are_none_of_theirs_are_refused(digits, change):
    model = KNeighborsClassifier(algorithm="brute").fit(*digits)
    come_back(model)
    for name, edit in change.items():
        setattr(model, name, edit(getattr(model, name)))
    with pytest.raises(BundleError, match=r"KNeigh.* contra|cannot reshape"):
        come_back(model)


def test_neighbours_with_several_targets_come_back(digits):
    X, y = numbered(digits)
    model = KNeighborsClassifier(algorithm="brute").fit(X, np.c_[y, y % 2])
    assert (come_back(model).predict(X) == model.predict(X)).all()


# Isolation forests do not look at the width of their rows


def test_isolation_forest_whose_trees_want_more_features_is_refused(digits):
    model = IsolationForest(n_estimators=3, random_state=0).fit(digits[0])
    assert (come_back(model).predict(digits[0]) == model.predict(digits[0])).all()
    model.estimators_features_ = [chosen[:3] for chosen in model.estimators_features_]
    with pytest.raises(BundleError, match="IsolationForest in the file contradicts"):
        come_back(model)


@pytest.mark.parametrize(
    "model",
    [
        AdditiveChi2Sampler(sample_steps=10**9, sample_interval=0.5),
        RandomForestClassifier(n_jobs=10**6),
        KNeighborsClassifier(n_jobs=-(10**6)),
        PolynomialFeatures(degree=10**3),
    ],
    ids=lambda model: type(model).__name__,
)
def test_number_of_threads_or_rounds_that_nobody_needs_is_refused(model):
    with pytest.raises(BundleError, match=r"in the file has \w+=.*: too large"):
        come_back(model)


# What cannot be checked


@pytest.mark.parametrize("cls", [GradientBoostingClassifier, GradientBoostingRegressor])
def test_gradient_boosting_is_refused(digits, tmp_path, cls):
    boosting = cls(n_estimators=1, max_depth=1).fit(*numbered(digits))
    pipeline = make_pipeline(StandardScaler().fit(digits[0]), boosting)
    for model in (boosting, pipeline):
        with pytest.raises(
            UntrustedFileError, match=r"Use RandomForestClassifier|own types only"
        ):
            save(model, tmp_path / "model.imgfeat")
    assert list(tmp_path.iterdir()) == []
