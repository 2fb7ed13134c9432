"""Tests for imgfeat/deploy/_budget.py: graphs that cost more than their bytes."""

import io
import json
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import numpy as np
import pytest
import scipy.sparse
import skops.io
from sklearn.ensemble import RandomForestClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from imgfeat.deploy import BundleError, UntrustedFileError, load, save
from imgfeat.deploy import _budget as budget
from imgfeat.deploy._budget import check_graph
from imgfeat.deploy._model import dump_model, load_model
from tests.deploy._forge import rewrite


def edited(data, edit, files=()):
    """The bytes of a model with its schema changed in place, and more members."""
    with ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(members.pop("schema.json"))
    edit(schema)
    members |= dict(files) | {"schema.json": json.dumps(schema).encode()}
    buffer = io.BytesIO()
    with ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(ZipInfo(name), content)
    return buffer.getvalue()


def node(loader, module, name, **more):
    return {"__loader__": loader, "__module__": module, "__class__": name, **more}


def items(*content, **more):
    return node("ListNode", "builtins", "list", content=list(content), **more)


def plain(value):
    return node("JsonNode", "builtins", "str", content=json.dumps(value), is_json=True)


@pytest.fixture
def scaler(digits):
    return StandardScaler().fit(digits[0])


def with_attribute(scaler, value, files=()):
    """The bytes of a fitted scaler that has one more attribute, or another one."""

    def edit(schema):
        state = schema["content"]
        state["content"]["mean_"] = value

    return edited(dump_model(scaler), edit, files)


def attributes(schema):
    return schema["content"]["content"]


def test_lists_that_hold_the_one_before_twice_are_refused(scaler):
    thing = items(plain(1), __id__=10**6)
    for level in range(1, 61):
        before = {"__id__": 10**6 + level - 1}
        twice = node("CachedNode", "builtins", "list", **before)
        thing = items(thing, twice, __id__=10**6 + level)
    with pytest.raises(UntrustedFileError, match="CachedNode"):
        load_model(with_attribute(scaler, thing))


def test_second_mention_by_its_id_alone_is_refused(scaler):
    thing = items(plain(1), __id__=10**6)
    for level in range(1, 61):
        again = items(__id__=10**6 + level - 1)
        thing = items(thing, again, __id__=10**6 + level)
    with pytest.raises(BundleError, match="means two things by one id"):
        load_model(with_attribute(scaler, thing))


def test_list_that_holds_itself_is_refused(scaler):
    thing = items(items(__id__=10**6), __id__=10**6)
    with pytest.raises(BundleError, match="means two things by one id"):
        load_model(with_attribute(scaler, thing))


def test_ten_million_lists_are_refused_before_they_are_parsed(scaler, monkeypatch):
    text = b'{"protocol": 2, "a": [' + b"[]," * 10**7 + b"[]]}"
    buffer = io.BytesIO()
    with ZipFile(buffer, "w") as archive:
        archive.writestr("schema.json", text)
    monkeypatch.setattr(budget.json, "loads", None)
    with pytest.raises(BundleError, match=r"has 2\d+ values; up to"):
        check_graph(buffer.getvalue())


@pytest.mark.parametrize("content", ["[[], []]", ' {"a": 1}', "", 3, None])
def test_plain_value_that_is_a_container_is_refused(scaler, content):
    value = plain(0) | {"content": content}
    with pytest.raises(BundleError, match="for a plain value"):
        load_model(with_attribute(scaler, value))


def test_deep_graph_is_refused(scaler):
    thing = plain(1)
    for _ in range(150):
        thing = items(thing)
    with pytest.raises(BundleError, match="its graph is too large"):
        load_model(with_attribute(scaler, thing))


def test_wide_graph_is_refused(scaler, monkeypatch):
    monkeypatch.setattr(budget, "MAX_NODES", 1000)
    load_model(dump_model(scaler))
    with pytest.raises(BundleError, match="its graph is too large"):
        load_model(with_attribute(scaler, items(*[plain(1)] * 1001)))


def test_sparse_array_that_unfolds_is_refused(scaler):
    buffer = io.BytesIO()
    scipy.sparse.save_npz(buffer, scipy.sparse.csr_matrix((1000, 1000)))
    value = node("SparseMatrixNode", "scipy.sparse._matrix", "spmatrix", __id__=10**6)
    value |= {"type": "scipy", "file": "big.npz"}
    with pytest.raises(UntrustedFileError, match="spmatrix as a SparseMatrixNode"):
        load_model(with_attribute(scaler, value, {"big.npz": buffer.getvalue()}))


@pytest.mark.parametrize(
    "kind",
    [
        "PartialNode",
        "TreeNode",
        "FunctionNode",
        "ConstructorFromReduceNode",
        "DictNode",
        "NdArrayNode",
        "RandomGeneratorNode",
        "No such node",
    ],
)
def test_kind_that_does_not_build_what_it_claims_is_refused(scaler, kind):
    value = node(kind, "imgfeat.features", "HOG", content={})
    with pytest.raises(UntrustedFileError, match=r"imgfeat\.features\.HOG as a"):
        load_model(with_attribute(scaler, value))


def test_generator_with_a_large_pool_is_refused(scaler):
    scaler.with_mean = np.random.default_rng(0)
    data = skops.io.dumps(scaler)

    def enlarge(schema):
        state = attributes(schema)["with_mean"]["content"]["seed_seq"]
        state["content"]["pool_size"]["content"] = "300000"

    with pytest.raises(UntrustedFileError, match="Generator as a RandomGeneratorNode"):
        load_model(edited(data, enlarge))


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<f8', 'fortran_order': False, 'shape': (4000000000,), }",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (-1, -64), }",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (0, 10000000000), }",
        "{'descr': '|O', 'fortran_order': False, 'shape': (64,), }",
        "{'descr': '|V2000000000', 'fortran_order': False, 'shape': (1,), }",
        "{'descr': '<f8', 'fortran_order': False, 'shape': ",
        "((((((((((",
        "\x00\xff",
    ],
)
def test_array_whose_header_lies_is_refused(saved, fitted, header):
    text = header.encode("latin-1").ljust(117) + b"\n"
    array = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + b"\0" * 512
    model = fitted[0]
    value = node("NdArrayNode", "numpy", "ndarray", __id__=10**6)
    value |= {"type": "numpy", "file": "lie.npy"}
    with pytest.raises(BundleError, match=r"an array (says|has|holds|without)"):
        load_model(with_attribute(model, value, {"lie.npy": array}))
    rewrite(saved, lambda _, parts: parts.update({"golden/image0.npy": array}))
    with pytest.raises(BundleError, match="golden array is broken"):
        load(saved)


def test_one_array_read_by_many_nodes_is_refused(scaler):
    def share(schema):
        state = attributes(schema)
        state["mean_"] = items(
            *(state["var_"] | {"__id__": 10**6 + copy} for copy in range(10))
        )

    with pytest.raises(BundleError, match="in more than one way"):
        load_model(edited(dump_model(scaler), share))


def test_array_of_many_axes_that_holds_arrays_is_refused(scaler):
    def nest(schema):
        state = attributes(schema)
        shape = node("TupleNode", "builtins", "tuple", content=[plain(1), plain(64)])
        state["mean_"] = node("NdArrayNode", "numpy", "ndarray", type="json")
        state["mean_"] |= {"content": [items(state["var_"])], "shape": shape}

    with pytest.raises(BundleError, match="array of arrays of 2 axes"):
        load_model(edited(dump_model(scaler), nest))


def test_zip_in_the_place_of_an_array_is_refused(scaler):
    buffer = io.BytesIO()
    with ZipFile(buffer, "w", ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", b"\0" * 10**6)
    value = node("NdArrayNode", "numpy", "ndarray", __id__=10**6)
    value |= {"type": "numpy", "file": "a.npy"}
    with pytest.raises(BundleError, match="broken header"):
        load_model(with_attribute(scaler, value, {"a.npy": buffer.getvalue()}))


@pytest.mark.parametrize("key", ["numpy.void", "builtins.list", "numpy.object_"])
def test_dict_whose_keys_are_made_by_a_call_is_refused(scaler, key):
    module, name = key.split(".")

    def edit(schema):
        first = schema["content"]["key_types"]["content"][0]
        first.pop("__id__")
        first.update(__module__=module, __class__=name)

    with pytest.raises(BundleError, match="strange keys"):
        load_model(edited(dump_model(scaler), edit))


@pytest.mark.parametrize("what", ["node_count", "n_outputs", "n_classes"])
def test_tree_that_is_larger_than_its_arrays_is_refused_unbuilt(digits, what):
    forest = RandomForestClassifier(2, max_depth=2, random_state=0).fit(*digits)

    def edit(schema):
        tree = attributes(schema)["estimators_"]["content"][0]
        tree = attributes(tree)["tree_"]
        n_classes, n_outputs = tree["__reduce__"]["args"]["content"][1:]
        if what == "node_count":
            tree["content"]["content"]["node_count"]["content"] = "1000000000"
        elif what == "n_outputs":
            n_outputs["content"] = "1000000000"
        else:
            nodes = tree["content"]["content"]["nodes"]
            n_classes.update(file=nodes["file"], __id__=nodes["__id__"])

    with pytest.raises(BundleError, match=r"contradicts itself|not readable"):
        load_model(edited(dump_model(forest), edit))


def test_too_old_protocol_is_refused(scaler):
    with pytest.raises(BundleError, match="old protocol"):
        load_model(edited(dump_model(scaler), lambda schema: schema.update(protocol=0)))


def test_what_is_shared_honestly_comes_back_shared(scaler, digits):
    scaler.note = [scaler.mean_, scaler.mean_, {"a": [1, 2]}, slice(1, 3)]
    scaler.note.append(scaler.note[2])
    loaded = load_model(dump_model(scaler))
    assert loaded.note[0] is loaded.note[1]
    assert loaded.note[2] is loaded.note[4]


@pytest.mark.parametrize(
    "model",
    [
        MLPClassifier((4,), max_iter=2, random_state=np.random.RandomState(0)),
        OneHotEncoder(dtype=np.float32, handle_unknown="ignore"),
    ],
    ids=lambda model: type(model).__name__,
)
@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_generators_types_and_objects_of_honest_models_come_back(
    model, digits, tmp_path
):
    X, y = digits
    model.fit(X[:, :5], y)
    method = "predict" if hasattr(model, "predict") else "transform"
    if method == "predict":
        save(model, tmp_path / "model.imgfeat")
        loaded = load(tmp_path / "model.imgfeat")
    else:
        loaded = load_model(dump_model(model))
    found, expected = (getattr(m, method)(X[:, :5]) for m in (loaded, model))
    assert (found != expected).sum() == 0
