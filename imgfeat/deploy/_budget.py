"""What the graph of a saved model may be: checked in its JSON, before skops builds it.

skops writes an object that occurs twice in full, twice. A graph that does the same
cannot unfold into more than its JSON, hold itself, or mean something else by the second
mention; so nothing else is taken. Kinds of nodes that `dump_model` never writes are
refused, and so is a node whose kind would not build what it claims to be.
"""

import hashlib
import io
import json
import re
from zipfile import ZIP_STORED, BadZipFile, ZipFile

from imgfeat.deploy._archive import ENTRY
from imgfeat.deploy._arrays import header_of, read_array
from imgfeat.deploy._errors import BundleError, UntrustedFileError

SCHEMA = "schema.json"
# A forest of 1,000 trees has 57,000 nodes of 350,000 values, in 7 MB.
MAX_SCHEMA_BYTES = 64 << 20
MAX_VALUES = 1_000_000
MAX_NODES = 150_000
MAX_DEPTH = 100
MAX_MEMBERS = 100_000

_NUMBER = r"numpy\.(bool_?|u?int(8|16|32|64)|float(16|32|64)|longlong|ulonglong|str_)"
_KEY = rf"builtins\.(str|int|float|bool)|{_NUMBER}"
# Which classes a kind of node may claim. What it builds besides is for skops to judge.
_CLASSES = {
    "DTypeNode": r"numpy\.dtype",
    "DictNode": r"builtins\.dict|collections\.OrderedDict|sklearn\.utils\._bunch\.\w+",
    "DefaultDictNode": r"collections\.defaultdict",
    "FunctionNode": r"(numpy|scipy|sklearn)(\.\w+)+|builtins\.\w+",
    "JsonNode": r"builtins\.str",
    "ListNode": r"builtins\.list",
    "LossNode": r"(sklearn\._loss\._loss|sklearn\.linear_model\._sgd_fast)\.\w+",
    "MaskedArrayNode": r"numpy\.ma\.(core\.)?MaskedArray",
    "NdArrayNode": rf"numpy\.ndarray|{_NUMBER}",
    "ObjectNode": r"(?!sklearn\.tree\._tree\.|sklearn\.\w+\._loss)[\w.]+",
    "RandomStateNode": r"numpy\.random\.mtrand\.RandomState",
    "SetNode": r"builtins\.set",
    "SliceNode": r"builtins\.slice",
    "TreeNode": r"sklearn\.tree\._tree\.Tree",
    "TupleNode": r"builtins\.tuple",
    "TypeNode": r"[\w.]+",
}


def check_graph(data):
    """Raise unless building the model in `data` costs about what its bytes do.

    Parameters
    ----------
    data : bytes
        As `dump_model` writes them.

    Raises
    ------
    BundleError
    UntrustedFileError
        If it has a kind of node that no file of ours has.
    """
    if data.count(ENTRY) > MAX_MEMBERS:
        raise _unreadable("its archive has too many members.")
    with ZipFile(io.BytesIO(data)) as archive:
        _check_members(archive.infolist(), len(data))
        text = archive.read(SCHEMA)
        n_values = sum(text.count(mark) for mark in (b"{", b"[", b","))
        if n_values > MAX_VALUES:
            raise _unreadable(
                f"its {SCHEMA} has {n_values} values; up to {MAX_VALUES} are read."
            )
        schema = json.loads(text)
        # At 0, skops builds functions by older rules, which are laxer.
        if isinstance(schema, dict) and schema.get("protocol") == 0:
            raise _unreadable(f"its {SCHEMA} has an old protocol of skops.")
        _Graph(archive).visit(schema)


def _check_members(members, n_bytes):
    stored = all(
        member.compress_type == ZIP_STORED
        and member.compress_size == member.file_size
        and not member.flag_bits & 1
        for member in members
    )
    if not stored or sum(member.file_size for member in members) > n_bytes:
        raise _unreadable("it has compressed or overlapping members.")
    schemas = [member for member in members if member.filename == SCHEMA]
    if len({member.filename for member in members}) < len(members):
        raise _unreadable("it has doubled members.")
    if not schemas:
        raise BadZipFile(f"there is no {SCHEMA}")
    if schemas[0].file_size > MAX_SCHEMA_BYTES:
        raise _unreadable(f"its {SCHEMA} is larger than {MAX_SCHEMA_BYTES >> 20} MiB.")


class _Graph:
    """Walk over the nodes of a schema; each gets a number that stands for its content.

    Equal numbers mean equal content, whatever the ids inside.
    """

    def __init__(self, archive):
        self.archive = archive
        self.numbers = {}  # by content
        self.by_id = {}
        self.owner = {}  # the id that a file belongs to
        self.files = {}
        self.n_nodes = 0

    def visit(self, node, depth=0):
        """Check a node and all below it; return its number."""
        self.n_nodes += 1
        if self.n_nodes > MAX_NODES or depth > MAX_DEPTH:
            raise _unreadable(
                f"its graph is too large: up to {MAX_NODES} nodes are read, and "
                f"{MAX_DEPTH} in one another."
            )
        if not isinstance(node, dict):
            raise _unreadable(f"its {SCHEMA} has {node!r:.40} where a node belongs.")
        kind = node.get("__loader__")
        module, own_name = node.get("__module__"), node.get("__class__")
        if not all(isinstance(part, str) for part in (kind, own_name)):
            raise _unreadable(f"its {SCHEMA} has a node without a kind or a class.")
        name = f"{module}.{own_name}"
        _check_kind(kind, name)
        content = getattr(self, f"_{kind}")(node, name, depth + 1)
        number = self.numbers.setdefault((kind, name, content), len(self.numbers))
        identity = node.get("__id__")
        if identity is not None:
            if type(identity) is not int or identity <= 0:
                raise _unreadable(f"its {SCHEMA} has the id {identity!r:.40}.")
            if self.by_id.setdefault(identity, number) != number:
                raise _unreadable(f"its {SCHEMA} means two things by one id.")
        return number

    def _below(self, nodes, depth):
        if not isinstance(nodes, list):
            raise _unreadable(f"its {SCHEMA} has {nodes!r:.40} where a list belongs.")
        return tuple(self.visit(node, depth) for node in nodes)

    def _items(self, node, name, depth):
        return self._below(node["content"], depth)

    _ListNode = _TupleNode = _SetNode = _items

    def _named(self, node, name, depth):
        return None  # its name is all that it is

    _FunctionNode = _TypeNode = _named

    def _wrapped(self, node, name, depth):
        return self.visit(node["content"], depth)

    _DTypeNode = _RandomStateNode = _wrapped

    def _ObjectNode(self, node, name, depth):
        state = node.get("content")
        return None if state is None else self.visit(state, depth)

    def _DictNode(self, node, name, depth):
        keys, types = node["content"], node["key_types"]
        number = self.visit(types, depth)
        kinds = [f"{key['__module__']}.{key['__class__']}" for key in types["content"]]
        if len(kinds) != len(keys) or not all(re.fullmatch(_KEY, k) for k in kinds):
            raise _unreadable(f"its {SCHEMA} has a dict with strange keys.")
        values = ((key, self.visit(value, depth)) for key, value in keys.items())
        return number, *values

    def _DefaultDictNode(self, node, name, depth):
        content = node["content"]
        return tuple(
            self.visit(content[key], depth) for key in ("main", "default_factory")
        )

    def _JsonNode(self, node, name, depth):
        content = node["content"]
        if not isinstance(content, str) or content.lstrip()[:1] in ("[", "{", ""):
            raise _unreadable(f"its {SCHEMA} has {content!r:.40} for a plain value.")
        return content

    def _MaskedArrayNode(self, node, name, depth):
        content = node["content"]
        return tuple(self.visit(content[key], depth) for key in ("data", "mask"))

    def _SliceNode(self, node, name, depth):
        ends = tuple(node["content"][key] for key in ("start", "stop", "step"))
        if not all(end is None or type(end) in (int, str) for end in ends):
            raise _unreadable(f"its {SCHEMA} has a slice of {ends!r:.40}.")
        return ends

    def _NdArrayNode(self, node, name, depth):
        if node["type"] == "json" and name == "numpy.ndarray":
            return self._array_of_objects(node, depth)
        header, digest = self._file(node)
        if name != "numpy.ndarray" and header.shape != ():
            raise _unreadable(f"its {SCHEMA} has an array that says it is a {name}.")
        return digest

    def _array_of_objects(self, node, depth):
        items = self._below(node["content"], depth)
        shape = self.visit(node["shape"], depth)
        n_axes = len(node["shape"]["content"])
        # With more axes, numpy makes an object of every number of an array inside.
        if n_axes == 0 or (n_axes > 1 and _has_array(node["content"])):
            raise _unreadable(f"its {SCHEMA} has an array of arrays of {n_axes} axes.")
        return "objects", items, shape

    def _file(self, node):
        """The header of the array that a node names, and a hash of all of it."""
        name, identity = node["file"], node.get("__id__")
        if node["type"] != "numpy" or self.owner.setdefault(name, identity) != identity:
            raise _unreadable(f"its {SCHEMA} uses {name!r:.40} in more than one way.")
        if identity is None:
            raise _unreadable(f"its {SCHEMA} has an array without an id.")
        if name not in self.files:
            data = self.archive.read(name)
            self.files[name] = header_of(data), hashlib.sha256(data).digest()
        return self.files[name]

    def _header(self, node):
        return self._file(node)[0]

    def _LossNode(self, node, name, depth):
        arguments = node["__reduce__"]["args"]
        numbers = self.visit(node["content"], depth), self.visit(arguments, depth)
        if any(item["__loader__"] != "JsonNode" for item in arguments["content"]):
            raise _unreadable(f"its {SCHEMA} has a loss of strange arguments.")
        return numbers

    def _TreeNode(self, node, name, depth):
        arguments = node["__reduce__"]["args"]
        numbers = self.visit(node["content"], depth), self.visit(arguments, depth)
        # Its C code takes these on trust, from its first line.
        _, n_classes, n_outputs = arguments["content"]
        state = node["content"]["content"]
        n_nodes, nodes = json.loads(state["node_count"]["content"]), state["nodes"]
        counts = read_array(self.archive.read(n_classes["file"]))
        whole = (
            type(n_nodes) is int
            and self._header(nodes).shape == (n_nodes,)
            and self._header(state["values"]).shape
            == (n_nodes, json.loads(n_outputs["content"]), counts.max(initial=0))
            and counts.shape == (json.loads(n_outputs["content"]),)
            and counts.min(initial=1) >= 1
        )
        if not whole:
            raise _unreadable(
                "it has a tree that contradicts itself: it points outside of its own "
                "arrays. Save the pipeline again."
            )
        return numbers


def _has_array(nodes):
    return any(
        node["__loader__"] in ("NdArrayNode", "MaskedArrayNode")
        or (
            (node["__loader__"] in ("ListNode", "TupleNode"))
            and _has_array(node["content"])
        )
        for node in nodes
    )


def _check_kind(kind, name):
    if kind not in _CLASSES or not re.fullmatch(_CLASSES[kind], name):
        raise UntrustedFileError(
            "The file asks for types that imgfeat does not load: "
            f"{name:.80} as a {kind!s:.40}. Do not use it, unless you know where it "
            "comes from and load it by other means."
        )


def _unreadable(reason):
    return BundleError(f"model.skops is not readable: {reason}")
