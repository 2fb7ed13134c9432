"""A fitted pipeline as bytes, and back, by skops: state only, nothing executes."""

import io
import json
import warnings
from copy import copy
from pathlib import PurePath
from zipfile import ZipFile, ZipInfo

from sklearn.exceptions import InconsistentVersionWarning
from sklearn.pipeline import Pipeline

from imgfeat._nesting import replace_nested, type_name, walk
from imgfeat.deploy._budget import SCHEMA, check_graph
from imgfeat.deploy._errors import UntrustedFileError, one_clear_error
from imgfeat.deploy._names import add_defaults, migrate, nodes, publish
from imgfeat.deploy._skops import io as skops_io
from imgfeat.deploy._trusted import TRUSTED
from imgfeat.deploy._vet import vet


def dump_model(pipeline):
    """Return `pipeline` in skops' format; equal pipelines give equal bytes.

    Raises
    ------
    UntrustedFileError
        If it holds what `load_model` would refuse, naming steps and types.
    """
    _refuse_networks(pipeline)
    pipeline = replace_nested(pipeline, _with_paths_as_text)
    try:
        data = skops_io.dumps(pipeline)
    except (TypeError, ValueError, RecursionError) as error:
        raise UntrustedFileError(
            f"{type(pipeline).__name__} cannot be saved: {error}"
        ) from error
    data = _edit_schema(data, publish, _renumber)
    if refused := set(skops_io.get_untrusted_types(data=data)) - TRUSTED:
        raise UntrustedFileError(
            f"A saved file holds scikit-learn's and imgfeat's own types only. Got "
            f"{_places(pipeline, refused)}; {_remedy(pipeline, refused)}."
        )
    check_graph(data)
    return data


def load_model(data, *, is_old=False):
    """Build the pipeline that `dump_model` wrote.

    Parameters
    ----------
    data : bytes
    is_old : bool, default=False
        Whether the file is of format 1.

    Raises
    ------
    UntrustedFileError
        If the bytes ask for a type outside the fixed list; nothing was built then.
    BundleError
        If they are not what `dump_model` writes.
    """
    with one_clear_error("model.skops is not readable"):
        check_graph(data)
        if is_old:
            data = _edit_schema(data, migrate)
        asked = set(skops_io.get_untrusted_types(data=data))
    if refused := asked - TRUSTED:
        raise UntrustedFileError(
            "The file asks for types that imgfeat does not load: "
            f"{', '.join(sorted(refused))}. Do not use it, unless you know where it "
            "comes from and load it by other means."
        )
    with one_clear_error("model.skops cannot be built"):
        with warnings.catch_warnings():
            # The golden images decide whether another version still means the same.
            warnings.simplefilter("ignore", InconsistentVersionWarning)
            pipeline = skops_io.loads(data, trusted=sorted(asked))
        add_defaults(pipeline)
        vet(pipeline)
        for _, item in walk(pipeline):
            if isinstance(item, Pipeline):
                item.memory = None  # a folder of the machine that trained, of pickles
    return pipeline


def _with_paths_as_text(estimator):
    """An estimator whose parameters name files by text, which every system can read."""
    paths = {
        name: str(value)
        for name, value in vars(estimator).items()
        if isinstance(value, PurePath)
    }
    if paths:
        estimator = copy(estimator)
        vars(estimator).update(paths)
    return estimator


def _refuse_networks(pipeline):
    for name, item in walk(pipeline):
        if any(cls.__module__.split(".")[0] == "torch" for cls in type(item).__mro__):
            raise UntrustedFileError(
                f"A saved file names a network and holds its weights, never its code. "
                f"Got {type_name(item)} in {name or 'the estimator'}; use a backbone "
                'by name, such as CNNEmbedding("resnet18") or "timm/NAME".'
            )


def _places(pipeline, refused):
    """``"step (type), step (type)"`` for the types in `refused`."""
    places = {}
    for name, item in walk(pipeline):
        if type_name(item) in refused:
            places.setdefault(type_name(item), f"{name} ({type_name(item)})")
    return ", ".join(places.get(name, name) for name in sorted(refused))


def _remedy(pipeline, refused):
    if any(name.endswith(("KDTree", "BallTree")) for name in refused):
        return 'set algorithm="brute", which is the faster one for image features'
    if any(name.endswith("TreePredictor") for name in refused):
        return "use RandomForestClassifier or ExtraTreesClassifier"
    if hasattr(pipeline, "best_estimator_"):
        return "save its best_estimator_, or replace it"
    return "replace it by a step that needs no code of your own"


def _edit_schema(data, *edits):
    """Let each of `edits` change the schema, in place; files are named by number."""
    with ZipFile(io.BytesIO(data)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(files.pop(SCHEMA))
    for edit in edits:
        edit(schema)
    names = {}
    for node in nodes(schema):
        if isinstance(node.get("file"), str):
            old = node["file"]
            suffix = old.rpartition(".")[2]
            node["file"] = names.setdefault(old, f"{len(names) + 1}.{suffix}")
    buffer = io.BytesIO()
    with ZipFile(buffer, "w") as archive:
        for old, new in names.items():
            archive.writestr(ZipInfo(new), files[old])
        archive.writestr(ZipInfo(SCHEMA), json.dumps(schema))
    return buffer.getvalue()


def _renumber(schema):
    """Replace memory addresses, by which skops tells objects apart, by 1, 2, 3..."""
    ids = {}
    for node in nodes(schema):
        if isinstance(node.get("__id__"), int):
            node["__id__"] = ids.setdefault(node["__id__"], len(ids) + 1)
