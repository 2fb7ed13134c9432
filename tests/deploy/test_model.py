"""Tests for imgfeat/deploy/_model.py."""

import io
import json
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import pytest
import scipy.sparse
import skops.io
import torch
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import RandomizedSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import LinearSVC

from imgfeat._nesting import walk
from imgfeat.deploy import BundleError, UntrustedFileError, load, save
from imgfeat.deploy._model import dump_model, load_model
from tests.deploy._forge import rewrite


class Foreign(TransformerMixin, BaseEstimator):
    """A transformer of somebody else."""

    def __init__(self, anything=None):
        self.anything = anything

    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def transform(self, X):
        return X


def double(X):
    return 2 * X


@pytest.mark.parametrize(
    "step, named",
    [
        (FunctionTransformer(lambda X: X), r"functiontransformer__func \(.*<lambda>\)"),
        (FunctionTransformer(double), r"functiontransformer__func \(.*double\)"),
        (Foreign(), r"foreign \(.*test_model\.Foreign\)"),
        (FeatureUnion([("a", Foreign())]), r"featureunion__a \(.*Foreign\)"),
        (
            FunctionTransformer(kw_args=None, inverse_func=eval),
            r"inverse_func \(.*eval",
        ),
        (SelectKBest(double, k=3), r"selectkbest__score_func \(.*double"),
    ],
    ids=["lambda", "function", "class", "nested", "builtin", "score function"],
)
def test_foreign_step_is_refused_at_save_by_name(digits, tmp_path, step, named):
    X, y = digits
    if isinstance(step, SelectKBest):
        step = SelectKBest(k=3).fit(X + np.eye(*X.shape), y)
        step.set_params(score_func=double)
        pipeline = make_pipeline(step)
    else:
        pipeline = make_pipeline(step, LinearSVC()).fit(X, y)
    with pytest.raises(UntrustedFileError, match=named):
        save(pipeline, tmp_path / "model.imgfeat")
    assert list(tmp_path.iterdir()) == []


def test_network_is_refused_at_save_by_name(tmp_path):
    step = Foreign(torch.nn.Sequential(torch.nn.Linear(2, 2))).fit(None)
    with pytest.raises(
        UntrustedFileError,
        match=r"torch\.nn\.modules\.container\.Sequential in foreign",
    ):
        save(make_pipeline(step), tmp_path / "model.imgfeat")


def test_refused_search_says_to_save_its_best_estimator(digits, tmp_path):
    from scipy.stats import loguniform

    grid = {"C": loguniform(1e-3, 1)}
    search = RandomizedSearchCV(LinearSVC(), grid, n_iter=2, cv=2, random_state=0)
    search.fit(*digits)
    with pytest.raises(UntrustedFileError, match=r"distributions__C .*best_estim"):
        save(search, tmp_path / "search.imgfeat")
    save(search.best_estimator_, tmp_path / "search.imgfeat")


def test_neighbour_tree_is_refused_with_the_way_out(digits, tmp_path):
    X, y = digits
    neighbors = KNeighborsClassifier(algorithm="kd_tree").fit(X, y)
    with pytest.raises(UntrustedFileError, match='set algorithm="brute"'):
        save(neighbors, tmp_path / "model.imgfeat")
    save(neighbors.set_params(algorithm="brute").fit(X, y), tmp_path / "model.imgfeat")


@pytest.mark.parametrize("function", [eval, exec, __import__, print])
def test_builtin_function_in_a_file_is_not_loaded(saved, function):
    evil = FunctionTransformer(function)
    rewrite(saved, lambda _, parts: parts.update({"model.skops": skops.io.dumps(evil)}))
    with pytest.raises(UntrustedFileError, match=f"builtins.{function.__name__}"):
        load(saved)


@pytest.mark.parametrize(
    "node",
    [
        {"__class__": "system", "__module__": "os", "__loader__": "FunctionNode"},
        {"__class__": "system", "__module__": "posix", "__loader__": "TypeNode"},
        {
            "__class__": "Popen",
            "__module__": "subprocess",
            "__loader__": "ConstructorFromReduceNode",
            "content": {
                "__class__": "tuple",
                "__module__": "builtins",
                "__loader__": "TupleNode",
                "content": [],
            },
        },
        {
            "__class__": "methodcaller",
            "__module__": "operator",
            "__loader__": "OperatorFuncNode",
            "attrs": {
                "__class__": "tuple",
                "__module__": "builtins",
                "__loader__": "TupleNode",
                "content": [],
            },
        },
    ],
    ids=lambda node: node["__loader__"],
)
def test_handmade_call_is_refused_before_anything_is_built(node):
    schema = {**node, "protocol": 1, "_skops_version": "0.16"}
    with pytest.raises(UntrustedFileError, match="types that imgfeat does not load"):
        load_model(skops_bytes({"schema.json": json.dumps(schema).encode()}))


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"schema.json": b""},
        {"schema.json": b"[]"},
        {"schema.json": b"{}"},
        {"schema.json": b'{"protocol": 99}'},
        {"schema.json": b'{"protocol": 2, "__loader__": "No"}'},
        {"schema.json": b"[" * 200_000},
    ],
)
def test_nonsense_is_one_clear_error(files):
    with pytest.raises(BundleError, match=r"model\.skops is not readable"):
        load_model(skops_bytes(files))


def test_compressed_model_is_refused_before_it_unfolds(fitted):
    data = skops.io.dumps(fitted, compression=ZIP_DEFLATED)
    with pytest.raises(BundleError, match="compressed or overlapping"):
        load_model(data)


def test_sparse_matrix_which_might_unfold_is_refused():
    step = StandardScaler().fit(np.eye(3))
    step.mean_ = scipy.sparse.csr_matrix(np.ones((50, 50)))
    with pytest.raises(UntrustedFileError, match=r"mean_ \(scipy.*csr_matrix\)"):
        dump_model(step)
    with pytest.raises(UntrustedFileError, match="csr_matrix"):
        load_model(skops.io.dumps(step))


def test_flips_give_the_same_model_or_one_clear_error(fitted, digits):
    data = dump_model(fitted)
    expected = fitted.predict_proba(digits[0])
    n_errors = 0
    for position in range(0, len(data), 53):
        flipped = bytearray(data)
        flipped[position] ^= 0x04
        try:
            loaded = load_model(bytes(flipped))
        except BundleError:
            n_errors += 1
        else:
            assert (loaded.predict_proba(digits[0]) == expected).all()
    assert n_errors > 100  # a flip that harms nothing is rare


def test_equal_pipelines_give_equal_bytes(digits):
    first, second = (
        make_pipeline(StandardScaler(), LogisticRegression()).fit(*digits)
        for _ in range(2)
    )
    assert dump_model(first) == dump_model(second)


def test_cache_folder_of_the_training_machine_is_not_used(digits, tmp_path):
    pipeline = make_pipeline(StandardScaler(), LinearSVC(), memory=str(tmp_path / "m"))
    data = dump_model(pipeline.fit(*digits))
    assert load_model(data).memory is None


def test_names_read_like_parameters(digits):
    union = FeatureUnion([("a", StandardScaler()), ("b", "passthrough")])
    pipeline = make_pipeline(union, LinearSVC()).fit(*digits)
    names = {name: type(item).__name__ for name, item in walk(pipeline)}
    assert names["featureunion__a"] == "StandardScaler"
    assert names["linearsvc"] == "LinearSVC"
    assert names["linearsvc__coef_"] == "ndarray"


def skops_bytes(files):
    buffer = io.BytesIO()
    with ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()
